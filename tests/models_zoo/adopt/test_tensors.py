import pytest
import torch
from safetensors.torch import save_file

from ensemble.errors import MemberError
from models_zoo.adopt.tensors import read_tensors, to_float32

WEIGHTS = {"a.weight": torch.ones(2, 3), "a.bias": torch.zeros(2)}


class Custom:
    """What a careless program stores beside its weights."""


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (WEIGHTS, None),
        ({"state_dict": WEIGHTS, "epoch": 3}, None),
        ({"model": WEIGHTS, "ema": {"a": torch.ones(1)}}, "model"),
    ],
)
def test_weights_are_found_where_they_lie(tmp_path, content, part):
    torch.save(content, tmp_path / "a.pth")
    found = read_tensors(tmp_path / "a.pth", part)
    assert list(found) == list(WEIGHTS)
    assert torch.equal(found["a.weight"], WEIGHTS["a.weight"])


def test_safetensors_are_read(tmp_path):
    save_file(WEIGHTS, tmp_path / "a.safetensors")
    assert set(read_tensors(tmp_path / "a.safetensors")) == set(WEIGHTS)


@pytest.mark.parametrize(
    ("content", "part", "words"),
    [
        ({"model": WEIGHTS, "ema": WEIGHTS}, None, "several sets of weights: got model, ema .*--p"),
        ({"model": WEIGHTS}, "ema", "no weights in 'ema': expected one of model"),
        ({"epoch": 3}, None, "holds no weights: got epoch"),
        ([1, 2], None, "holds no weights"),
        ({}, None, "holds no weights"),
        ({"model": Custom()}, None, r"could run code \(open it where it was written, and save"),
    ],
)
def test_what_holds_no_weights_is_told(tmp_path, content, part, words):
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(MemberError, match=rf"a\.pth: .*{words}"):
        read_tensors(tmp_path / "a.pth", part)


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
def test_broken_and_missing_files_are_told(tmp_path, name):
    with pytest.raises(MemberError, match=name):
        read_tensors(tmp_path / name)
    (tmp_path / name).write_bytes(b"nothing of the kind")
    with pytest.raises(MemberError, match=name):
        read_tensors(tmp_path / name)


def test_any_other_precision_becomes_float32():
    others = {
        "a": torch.ones(2, dtype=torch.float16),
        "b": torch.ones(2, dtype=torch.bfloat16),
        "c": torch.ones(2, dtype=torch.float64),
    }
    full, kinds = to_float32(others | {"n": torch.tensor(3), "f": torch.ones(1)})
    assert kinds == "bfloat16 and float16 and float64"
    assert [full[key].dtype for key in "abcf"] == [torch.float32] * 4
    assert full["n"].dtype == torch.int64

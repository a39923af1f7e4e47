import pytest
import torch
from torch import nn

from ensemble.errors import MemberError
from models_zoo.training.resume import check_resumable


@pytest.fixture
def network():
    return nn.Linear(2, 3)


@pytest.fixture
def folder(tmp_path, network):
    """The state of a training of two classes after its second epoch, of which the first is best."""
    weights = network.state_dict()
    last = {
        **{"optimizer_states": [], "lr_schedulers": [], "loops": {}},
        **{"epoch": 1, "train_s": 3.0, "best_epoch": 1},
        "state_dict": {
            **{f"network.{key}": value for key, value in weights.items()},
            **{f"average.module.{key}": value for key, value in weights.items()},
        },
    }
    torch.save(last, tmp_path / "last.ckpt")
    torch.save({"epoch": 1, "dice": [0.5, 0.25], "state_dict": weights}, tmp_path / "best.pt")
    return tmp_path


def _change(path, **changes):
    torch.save(torch.load(path, weights_only=True) | changes, path)


def test_a_whole_state_is_gone_on_from(folder, network):
    assert check_resumable(folder, network, 2) is None


def test_the_best_epoch_may_be_missing_only_before_there_was_one(folder, network):
    (folder / "best.pt").unlink()
    with pytest.raises(MemberError, match=r"best\.pt: is missing"):
        check_resumable(folder, network, 2)

    _change(folder / "last.ckpt", best_epoch=0)
    assert check_resumable(folder, network, 2) is None


@pytest.mark.parametrize("name", ["last.ckpt", "best.pt"])
@pytest.mark.parametrize("content", [None, b"", b"garbage", "half", "flipped", "other"])
def test_a_damaged_file_is_named(folder, network, name, content):
    path = folder / name
    data = bytearray(path.read_bytes())
    if content is None:
        path.unlink()
    elif content == "half":
        path.write_bytes(data[: len(data) // 2])
    elif content == "flipped":
        start = data.index(network.weight.detach().numpy().tobytes())
        data[start] ^= 1
        path.write_bytes(data)
    elif content == "other":
        torch.save([1, 2], path)
    else:
        path.write_bytes(content)

    with pytest.raises(MemberError, match=rf"{name}: ") as caught:
        check_resumable(folder, network, 2)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "changes", "what"),
    [
        ("last.ckpt", {"state_dict": {}}, "last.ckpt: state_dict lacks 2 keys"),
        ("last.ckpt", {"state_dict": None}, "last.ckpt: has no weights"),
        ("last.ckpt", {"best_epoch": 2}, "best.pt: is older .*: expected epoch 2, got epoch 1"),
        ("best.pt", {"state_dict": {"a": torch.zeros(1)}}, "best.pt: state_dict lacks 2 keys"),
        ("best.pt", {"dice": [0.5]}, "best.pt: is of other classes: expected 2, got 1"),
        ("best.pt", {"dice": "x"}, "best.pt: is no best epoch"),
        ("best.pt", {"epoch": None}, "best.pt: is no best epoch"),
    ],
)
def test_what_does_not_fit_together_is_named(folder, network, name, changes, what):
    _change(folder / name, **changes)

    with pytest.raises(MemberError, match=what):
        check_resumable(folder, network, 2)


@pytest.mark.parametrize("key", ["optimizer_states", "loops", "train_s", "best_epoch"])
def test_a_checkpoint_without_a_part_is_named(folder, network, key):
    content = torch.load(folder / "last.ckpt", weights_only=True)
    del content[key]
    torch.save(content, folder / "last.ckpt")

    with pytest.raises(MemberError, match=f"last.ckpt: lacks {key}"):
        check_resumable(folder, network, 2)

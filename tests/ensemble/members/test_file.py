import pickle
import random
import zipfile

import pytest
import torch

from ensemble.classes import ClassList
from ensemble.errors import DeviceMemoryError, MemberError
from ensemble.members.file import read_member, write_member
from ensemble.members.manifest import InputSpec, Manifest, NetworkSpec, class_field
from ensemble.members.member import load_member
from ensemble.members.networks import build_network

CLASSES = ClassList(("a", "b"), mirror_pairs=(("a", "b"),))
SPEC = NetworkSpec(
    library="smp",
    arch="unet",
    encoder="mobilenet_v2",
    options={"encoder_depth": 3, "decoder_channels": [16, 8, 4]},
)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def network():
    return build_network(SPEC, in_channels=1, num_classes=2)


def manifest(**changes):
    content = {
        "name": "tiny",
        "network": SPEC.model_dump(),
        "classes": class_field(CLASSES),
        "input": InputSpec(size=(32, 48), channels=1, mean=(0.5,), std=(0.2,)).model_dump(),
        "activation": "sigmoid",
        "stride": 8,
        "project_version": "test",
    }
    return content | changes


@pytest.fixture
def path(tmp_path, network):
    write_member(tmp_path / "tiny.pt", Manifest(**manifest()), network.state_dict())
    return tmp_path / "tiny.pt"


def test_a_member_answers_as_the_network_that_was_written(path, network):
    member = load_member(path, CPU)
    batch = torch.rand(2, 1, 32, 48)
    with torch.inference_mode():
        expected = network.eval()(batch).sigmoid()
    assert torch.allclose(member.maps(batch, "prob"), expected, atol=1e-6)
    assert member.manifest.class_list == CLASSES


def test_the_file_is_plain_for_torch(path):
    content = torch.load(path, weights_only=True)
    assert set(content) == {"format", "version", "manifest", "state_dict"}


class Hostile:
    def __reduce__(self):
        return print, ("code ran",)


def test_a_file_that_would_run_code_is_refused_and_does_not(tmp_path, capsys):
    torch.save({"format": "ens-member", "state_dict": Hostile()}, tmp_path / "bad.pt")
    with pytest.raises(MemberError, match=r"bad.pt.*could run code"):
        read_member(tmp_path / "bad.pt")
    (tmp_path / "worse.pt").write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(MemberError, match=r"worse.pt"):
        read_member(tmp_path / "worse.pt")
    assert "code ran" not in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 cut off"])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, content):
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(MemberError, match=r"x.pt"):
        read_member(tmp_path / "x.pt")


def test_a_truncated_member_is_refused(path):
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(MemberError, match="cut off"):
        read_member(path)


def test_a_member_with_damaged_weights_is_refused(path):
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 16] = bytes(255 - byte for byte in data[middle : middle + 16])
    path.write_bytes(data)
    with pytest.raises(MemberError, match=r"tiny.pt: is damaged"):
        read_member(path)


def test_whatever_stands_in_a_sound_archive_is_read_or_refused(tmp_path):
    """Members that were made up: every checksum is right, and what they say is not."""
    rng, path = random.Random(0), tmp_path / "made-up.pt"
    tensors = {"a": torch.zeros(3, 4), "b": torch.ones(2, dtype=torch.int64)}
    write_member(path, Manifest(**manifest()), tensors)
    with zipfile.ZipFile(path) as archive:
        records = {info.filename: archive.read(info) for info in archive.infolist()}
    (pickled,) = (name for name in records if name.endswith("data.pkl"))
    refused = 0
    for _ in range(500):
        data = bytearray(records[pickled])
        for _ in range(rng.choice((1, 2, 5))):
            start = rng.randrange(len(data))
            data[start : start + rng.choice((1, 1, 4))] = rng.randbytes(rng.choice((0, 1, 3)))
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in (records | {pickled: bytes(data)}).items():
                archive.writestr(name, content)
        try:
            read_member(path)
        except MemberError:
            refused += 1
    assert refused > 300


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(MemberError, match="no such member"):
        read_member(tmp_path / "none.pt")
    with pytest.raises(MemberError, match="is no member file"):
        read_member(tmp_path)


def test_a_plain_checkpoint_is_told_from_a_member(tmp_path, network):
    torch.save(network.state_dict(), tmp_path / "plain.pt")
    with pytest.raises(MemberError, match="a checkpoint, but no member"):
        read_member(tmp_path / "plain.pt")


@pytest.mark.parametrize(
    "full",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
    ],
)
def test_memory_that_does_not_suffice_is_told_as_that(path, monkeypatch, full):
    def fill(_batch):
        raise full

    member = load_member(path, CPU)
    monkeypatch.setattr(member.network, "forward", fill)
    with pytest.raises(DeviceMemoryError, match=r"out of memory at an input of \(1, 1, 32, 48\)"):
        member.maps(torch.zeros(1, 1, 32, 48), "prob")


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"activation": "softmax"}, "activation does not fit"),
        ({"activation": "relu"}, "activation"),
        ({"extra": 1}, "extra"),
        ({"classes": {"names": ["a", "a"]}}, r"classes: .*twice"),
        ({"input": {"size": [32, 48], "channels": 1}}, "mean and std must have 1 values"),
        ({"stride": 0, "name": 3}, r"name: .*stride: "),
    ],
)
def test_faults_of_a_manifest_are_all_named(path, changes, what):
    content = torch.load(path, weights_only=True)
    content["manifest"] |= changes
    torch.save(content, path)
    with pytest.raises(MemberError, match=rf"tiny.pt: .*{what}"):
        read_member(path)


def test_weights_of_another_network_are_named_key_by_key(path):
    content = torch.load(path, weights_only=True)
    state = content["state_dict"]
    del state["encoder.features.0.0.weight"]
    torch.save(content, path)
    with pytest.raises(MemberError, match=r"tiny.pt.*lacks 1 keys: got encoder.features.0.0"):
        load_member(path, CPU)
    state["encoder.features.0.0.weight"] = torch.zeros(3)
    torch.save(content, path)
    with pytest.raises(MemberError, match=r"wrong shapes in 1 keys: got .*\(3,\) for \("):
        load_member(path, CPU)


def test_an_input_that_the_network_cannot_take_names_the_member(path):
    member = load_member(path, CPU)
    with pytest.raises(MemberError, match="cannot take an input of 32 x 48"):
        member.maps(torch.zeros(1, 3, 32, 48), "prob")


@pytest.mark.parametrize("error", [ValueError, AssertionError, IndexError, TypeError])
def test_whatever_a_network_refuses_an_input_with_is_stated(path, monkeypatch, error):
    def refuse(_batch):
        raise error("odd")

    member = load_member(path, CPU)
    monkeypatch.setattr(member.network, "forward", refuse)
    with pytest.raises(MemberError, match="cannot take an input of 32 x 48: odd"):
        member.maps(torch.zeros(1, 1, 32, 48), "prob")


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"options": {"activation": "sigmoid"}}, "the option activation"),
        ({"options": {"decoder_channels": 3}}, "smp cannot build unet"),
        ({"encoder": "tu-local-dir:/tmp", "options": {}}, "name of a timm model"),
    ],
)
def test_a_manifest_cannot_ask_for_what_is_not_its_own(path, changes, what):
    content = torch.load(path, weights_only=True)
    content["manifest"]["network"] |= changes
    torch.save(content, path)
    with pytest.raises(MemberError, match=rf"tiny.pt: .*{what}"):
        load_member(path, CPU)


def test_writing_is_whole_or_not_at_all(path, network, monkeypatch):
    before = path.read_bytes()

    def torn(_content, part):
        part.write(b"half")
        raise RuntimeError("disk full")

    monkeypatch.setattr(torch, "save", torn)
    with pytest.raises(OSError, match="cannot be written"):
        write_member(path, Manifest(**manifest()), network.state_dict())
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]

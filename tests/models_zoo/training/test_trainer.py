import pytest
import torch

from ensemble.errors import DeviceError
from models_zoo.settings.member_spec import MemberSpec
from models_zoo.training import trainer

SPEC = MemberSpec(arch="unet", batch=8, size=(64, 96))


@pytest.mark.parametrize(
    ("precision", "device", "expected"),
    [
        ("auto", "cpu", False),
        ("auto", "cuda", True),
        ("bf16", "cpu", True),
        ("fp32", "cuda", False),
    ],
)
def test_precision_follows_the_device_unless_told(precision, device, expected):
    spec = SPEC.model_copy(update={"precision": precision})

    assert trainer.uses_bf16(spec, torch.device(device)) is expected


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
    ],
)
def test_too_little_memory_is_stated_with_a_remedy(monkeypatch, tmp_path, error):
    class Full:
        def __init__(self, **_):
            raise error

    monkeypatch.setattr(trainer.lightning, "Trainer", Full)
    with pytest.raises(DeviceError, match=r"batches of 8 at 64 x 96 \(set a smaller batch or size"):
        trainer.fit(None, None, SPEC, device=torch.device("cpu"), checkpoint=tmp_path / "last")


def test_another_failure_is_a_bug_and_stays_one(monkeypatch, tmp_path):
    class Broken:
        def __init__(self, **_):
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(trainer.lightning, "Trainer", Broken)
    with pytest.raises(RuntimeError, match="mat1"):
        trainer.fit(None, None, SPEC, device=torch.device("cpu"), checkpoint=tmp_path / "last")

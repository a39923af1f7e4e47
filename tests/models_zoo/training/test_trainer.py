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


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_the_trainer_is_told_the_settings_of_the_member(monkeypatch, tmp_path, precision):
    asked = {}

    class Noted:
        interrupted = False

        def __init__(self, **options):
            asked.update(options)

        def fit(self, *_, **options):
            asked.update(options)

    monkeypatch.setattr(trainer.lightning, "Trainer", Noted)
    spec = SPEC.model_copy(
        update={"precision": precision, "clip_norm": 0.25, "accumulate": 3, "epochs": 7}
    )
    trainer.fit(None, None, spec, device=torch.device("cpu"), checkpoint=tmp_path / "last")
    assert asked["precision"] == ("bf16-mixed" if precision == "bf16" else "32-true")
    assert (asked["gradient_clip_val"], asked["accumulate_grad_batches"]) == (0.25, 3)
    assert (asked["max_epochs"], asked["ckpt_path"]) == (7, None)

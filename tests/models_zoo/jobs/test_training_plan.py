import json

import pytest
import torch
from click.testing import CliRunner
from drawings import write_drawings

from ensemble.cli.main import main
from models_zoo.jobs import training_plan
from models_zoo.jobs.training_plan import MemberPlan, TrainingPlan, plan_zoo
from models_zoo.train_zoo import train_zoo

DEFAULTS = (
    "defaults: {weights: none, size: 32, epochs: 3, batch: 4, encoder: resnet18,"
    " options: {decoder_channels: [16, 16, 8, 8, 8]}}\n"
)


@pytest.fixture
def zoo_file(tmp_path):
    path = write_drawings(tmp_path, train=9) / "zoo.yaml"
    path.write_text(
        f"{DEFAULTS}members:\n  - {{name: whole, arch: unet}}\n"
        "  - {name: near, arch: unet, window: {crops: 2}, validate_every: 2}\n"
        "  - {name: two, arch: unet, devices: 2}\n",
        encoding="utf-8",
    )
    return path


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.slow
def test_a_plan_says_what_each_member_takes_and_writes_nothing(zoo_file):
    before = files(zoo_file.parent)
    plan = plan_zoo(zoo_file, device="cpu,cpu")

    assert files(zoo_file.parent) == before
    assert (plan.train_images, plan.val_images, plan.devices) == (9, 3, ("cpu", "cpu"))
    assert [(m.member, m.steps, m.batch, m.devices) for m in plan.members] == [
        ("whole", 3 * 2, 4, 1),  # 9 images in batches of 4
        ("near", 3 * 4, 4, 1),  # 18 crops
        ("two", 3 * 2, 4, 2),
    ]
    for member in plan.members:
        assert member.parameters > 1e6
        assert member.step_s > 0
        assert member.total_s >= member.steps * member.step_s
        assert member.peak_bytes > 4 * member.parameters  # of gradients and Adam's moments


@pytest.mark.slow
def test_members_that_are_trained_take_nothing(zoo_file):
    train_zoo(zoo_file, device="cpu", only=["whole"])
    plan = plan_zoo(zoo_file, device="cpu", only=["whole"])

    assert plan.members == (MemberPlan("whole", "32 x 32", finished=True),)
    assert plan.total_s == 0


def test_what_cannot_be_trained_is_told_beside_the_others(zoo_file, monkeypatch):
    def full(network, spec, train, device):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(training_plan, "try_steps", full)
    result = CliRunner().invoke(
        main, ["train-zoo", str(zoo_file), "--dry-run", "--only", "near", "--device", "cpu"]
    )

    assert result.exit_code == 1
    assert "cannot be trained" in result.stdout
    assert "Error: 1 member cannot be trained: near: cpu has not enough memory" in result.stderr


def test_a_member_that_wants_more_devices_is_told_as_training_tells_it(zoo_file):
    (member,) = plan_zoo(zoo_file, device="cpu", only=["two"]).members
    assert member.fault == "two: wants 2 devices, and there is 1"


@pytest.mark.slow
def test_a_program_may_read_the_plan(zoo_file):
    arguments = ["train-zoo", str(zoo_file), "--dry-run", "--device", "cpu", "--json"]
    told = json.loads(CliRunner().invoke(main, arguments).stdout)

    assert [member["member"] for member in told["members"]] == ["whole", "near", "two"]
    assert told["total_s"] == pytest.approx(sum(m["total_s"] for m in told["members"]))


@pytest.mark.parametrize(("num_devices", "expected"), [(1, 9.0), (2, 7.0), (3, 5.0)])
def test_the_whole_lasts_until_the_last_device_is_free(tmp_path, num_devices, expected):
    times = (("a", 3.0, 1), ("b", 2.0, 1), ("c", 3.0, 2), ("d", 1.0, 1))
    members = [MemberPlan(name, "", total_s=s, devices=devices) for name, s, devices in times]
    plan = TrainingPlan(tmp_path, ("cpu",) * num_devices, 1, 1, tuple(members))

    assert plan.total_s == expected

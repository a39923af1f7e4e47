from dataclasses import replace

import pytest

from ensemble import prediction_plan
from ensemble.classes import ClassList
from ensemble.data.datasets import open_images
from ensemble.errors import DeviceMemoryError
from ensemble.fusion.ensembles import Ensemble
from ensemble.fusion.weights import uniform_weights
from ensemble.members.manifest import WindowSpec
from ensemble.prediction_plan import DECODERS, Held, plan_prediction
from fakes import tiny_member, write_images

CLASSES = ClassList(("a", "b", "c"))
MIB = 2**20


@pytest.fixture
def images(tmp_path):
    write_images(tmp_path / "test", {"a.png": (40, 60), "b.png": (100, 50), "c.png": (9, 9)})
    (tmp_path / "test" / "broken.png").write_bytes(b"no image")
    return open_images(tmp_path / "test")


@pytest.fixture
def ensemble():
    members = [tiny_member(f"m{i}", CLASSES, (64, 32 * (1 + i // 2)), seed=i) for i in range(3)]
    members.append(tiny_member("w", CLASSES, (16, 24), seed=3, window=WindowSpec()))
    return Ensemble(members, uniform_weights(members, views="hflip"))


def test_the_plan_names_members_views_and_grids(ensemble, images):
    first, second = plan_prediction(ensemble, images).lines()
    assert first == "4 members on cpu, fp32, 2 views"
    assert second.startswith("grids 64 x 32 (2); 64 x 64 (1); 16 x 24 windows (1); expected peak ")
    assert second.endswith("iB of memory")


def test_expected_memory_grows_with_what_is_held(ensemble, images, monkeypatch):
    monkeypatch.setattr(prediction_plan, "process_bytes", lambda: 1000 * MIB)
    plan = plan_prediction(ensemble, images)
    maps = 4 * 3 * (64 * 32 + 64 * 64 + 2 * 16 * 50)
    inputs = 3 * (64 * 32 + 64 * 64 + 100 * 50)
    assert plan.memory_bytes == 1000 * MIB + DECODERS * 6 * 100 * 50 + 5 * inputs + 2 * maps
    short = plan_prediction(ensemble, images, plan.memory_bytes - 1)
    assert short.held == Held(1, 1, 1)
    assert short.memory_bytes < plan.memory_bytes
    with pytest.raises(DeviceMemoryError, match=r"100 x 50 need more memory.*--max-memory"):
        plan_prediction(ensemble, images, short.memory_bytes - 1)


def test_what_is_not_known_is_not_said(ensemble, images):
    plan = replace(plan_prediction(ensemble, images), memory_bytes=0)
    assert plan.lines()[1].endswith("expected peak unknown")

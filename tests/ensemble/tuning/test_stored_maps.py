"""Soft maps filled into a cache member by member, and read class by class."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from ensemble.classes import ClassList
from ensemble.data.datasets import open_images
from ensemble.errors import ImageError
from ensemble.fusion import soft_maps
from ensemble.fusion.ensembles import Ensemble
from ensemble.fusion.soft_maps import PROB_SCALE, SoftMapCache
from ensemble.fusion.weights import uniform_weights
from ensemble.images.reading import read_image
from ensemble.members.manifest import WindowSpec
from ensemble.members.roster import load_members
from ensemble.progress import silent
from ensemble.tuning import stored_maps
from ensemble.tuning.class_plan import plan_classes
from ensemble.tuning.sources import Source, single_sources
from ensemble.tuning.stored_maps import StoredMaps
from fakes import tiny_member, write_images, write_member_file

CLASSES = ClassList(("left", "right", "middle"), mirror_pairs=(("left", "right"),))
CPU = torch.device("cpu")


@pytest.fixture
def images(tmp_path):
    write_images(tmp_path / "images", {f"{i}.png": (30, 41) for i in range(3)})
    return open_images(tmp_path / "images").samples


@pytest.fixture(params=[soft_maps._HELD_BYTES, 0], ids=["whole", "class by class"])
def cache(tmp_path, monkeypatch, request):
    monkeypatch.setattr(soft_maps, "_HELD_BYTES", request.param)
    return SoftMapCache(tmp_path / "cache")


def members():
    narrow = ClassList(("middle", "left"))
    return [
        tiny_member("plain", CLASSES, (12, 20), 1),
        tiny_member("narrow", narrow, (16, 8), 2),
        tiny_member("window", CLASSES, (8, 8), 3, window=WindowSpec()),
    ]


def test_maps_come_by_class_from_every_member_that_has_it(cache, images):
    loaded = members()
    stored, plan = StoredMaps(single_sources(loaded), "hflip", cache), plan_classes(loaded, CLASSES)
    stored.fill(images, progress=silent)
    for sample in images:
        found = list(stored.by_class(sample, plan))
        assert len(found) == len(CLASSES)
        for m, member in enumerate(loaded):
            alone = Ensemble([member], uniform_weights([member], views="hflip"))
            bands = [
                band.maps[0] for _, band in alone.fuse([alone.prepare(read_image(sample.image))])
            ]
            expected = PROB_SCALE.quantise(np.concatenate(bands, axis=1))
            for c, name in enumerate(plan.names):
                own = member.manifest.class_list.names
                if name in own:
                    assert_array_equal(found[c][m], expected[own.index(name)])
                else:
                    assert found[c][m] is None


def test_only_what_is_lacking_is_computed(cache, images, monkeypatch):
    calls = []
    real = stored_maps.quantised_map
    monkeypatch.setattr(stored_maps, "quantised_map", lambda *args: calls.append(1) or real(*args))
    loaded = members()
    stored = StoredMaps(single_sources(loaded), "", cache)
    stored.fill(images[:2], progress=silent)
    assert len(calls) == 6
    stored.fill(images, progress=silent)
    assert len(calls) == 9
    damaged = next(cache.folder.rglob("*.zip"))
    damaged.write_bytes(damaged.read_bytes()[:-9])
    for sample in images:
        list(stored.by_class(sample, plan_classes(loaded, CLASSES)))
    assert len(calls) == 10


def test_members_are_loaded_one_at_a_time_and_only_for_what_is_lacking(
    tmp_path, cache, images, monkeypatch
):
    paths = [
        write_member_file(tmp_path / f"{name}.pt", CLASSES, (32, 32), seed)
        for seed, name in enumerate("ab")
    ]
    loaded = load_members(paths, CPU, released=True)
    assert not any(member.is_loaded for member in loaded)
    held = []
    real = stored_maps.quantised_map

    def record(*args):
        held.append([member.is_loaded for member in loaded])
        return real(*args)

    monkeypatch.setattr(stored_maps, "quantised_map", record)
    StoredMaps(single_sources(loaded), "", cache).fill(images, progress=silent)
    assert held == [[True, False]] * 3 + [[False, True]] * 3
    assert not any(member.is_loaded for member in loaded)
    paths[0].unlink()  # nothing is lacking, so that nobody looks for it
    StoredMaps(single_sources(loaded), "", cache).fill(images, progress=silent)


def test_an_image_that_cannot_be_read_is_named(cache, images):
    images[1].image.write_bytes(b"no image")
    with pytest.raises(ImageError, match=images[1].name):
        StoredMaps(single_sources(members()), "", cache).fill(images, progress=silent)


def test_a_member_that_was_loaded_stays_so(tmp_path, cache, images):
    path = write_member_file(tmp_path / "a.pt", CLASSES, (32, 32))
    loaded = load_members([path], CPU)
    StoredMaps(single_sources(loaded), "", cache).fill(images, progress=silent)
    assert loaded[0].is_loaded


def test_a_family_answers_each_image_by_the_member_that_did_not_learn_from_it(cache, images):
    folds = [tiny_member(f"m-f{k}", CLASSES, (8, 12), seed=k) for k in range(2)]
    answers = {images[0].name: 1, images[1].name: 0, images[2].name: 1}
    stored = StoredMaps([Source("m", tuple(folds), answers)], "", cache)
    stored.fill(images, progress=silent)
    assert len(list(cache.folder.rglob("*.zip"))) == 3
    plan = plan_classes(folds[:1], CLASSES)
    for sample in images:
        alone = StoredMaps(single_sources([folds[answers[sample.name]]]), "", cache)
        alone.fill([sample], progress=silent)
        for found, expected in zip(
            stored.by_class(sample, plan), alone.by_class(sample, plan), strict=True
        ):
            assert_array_equal(found[0], expected[0])
    assert len(list(cache.folder.rglob("*.zip"))) == 3
    keys = [stored._key(folds[answers[sample.name]], sample.image) for sample in images]
    each = [cache.open(key).seconds for key in keys]
    assert min(each) > 0
    assert stored.seconds[0] == pytest.approx(2 * np.median(each))  # both members predict

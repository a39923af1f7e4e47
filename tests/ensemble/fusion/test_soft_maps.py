from __future__ import annotations

import multiprocessing
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import zarr
from hypothesis import given
from hypothesis import strategies as st

from ensemble.errors import OutputError
from ensemble.fusion.soft_maps import PROB_SCALE, SoftMapCache, SoftMapKey, scale_of
from ensemble.members.member import activate_

KEY = SoftMapKey("a" * 64, "b" * 64, "identity")


def some_maps(seed=0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (3, 5, 7)).astype(np.uint8)


def test_what_is_put_is_got(tmp_path):
    cache = SoftMapCache(tmp_path / "cache")
    assert cache.get(KEY) is None
    cache.put(KEY, some_maps())
    np.testing.assert_array_equal(cache.get(KEY), some_maps())


def test_every_part_of_the_key_counts(tmp_path):
    cache = SoftMapCache(tmp_path)
    keys = [
        KEY,
        replace(KEY, member="a" * 63 + "c"),
        replace(KEY, image="d" * 64),
        replace(KEY, views="identity,hflip"),
        replace(KEY, space="logit"),
        replace(KEY, version=KEY.version + 1),
    ]
    for seed, key in enumerate(keys):
        cache.put(key, some_maps(seed))
    for seed, key in enumerate(keys):
        np.testing.assert_array_equal(cache.get(key), some_maps(seed))


def test_zeros_are_not_lost(tmp_path):
    cache = SoftMapCache(tmp_path)
    cache.put(KEY, np.zeros((2, 4, 4), np.uint8))
    np.testing.assert_array_equal(cache.get(KEY), np.zeros((2, 4, 4)))


def test_an_entry_that_is_put_again_is_replaced(tmp_path):
    cache = SoftMapCache(tmp_path)
    cache.put(KEY, some_maps(0))
    cache.put(KEY, some_maps(1))
    np.testing.assert_array_equal(cache.get(KEY), some_maps(1))


@pytest.mark.parametrize("keep", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_entry_counts_as_absent_and_can_be_put_anew(tmp_path, keep):
    cache = SoftMapCache(tmp_path)
    cache.put(KEY, some_maps())
    content = cache.path(KEY).read_bytes()
    cache.path(KEY).write_bytes(content[: int(keep * len(content))])
    assert cache.get(KEY) is None
    cache.put(KEY, some_maps())
    np.testing.assert_array_equal(cache.get(KEY), some_maps())


def test_a_flipped_bit_is_never_served(tmp_path):
    cache = SoftMapCache(tmp_path)
    cache.put(KEY, some_maps())
    content = cache.path(KEY).read_bytes()
    absent = 0
    for place in range(0, len(content), 7):
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        cache.path(KEY).write_bytes(damaged)
        found = cache.get(KEY)
        absent += found is None
        assert found is None or np.array_equal(found, some_maps())
    assert absent > len(content) / 7 / 2


def test_an_entry_of_another_key_in_its_place_is_not_served(tmp_path):
    cache = SoftMapCache(tmp_path)
    other = replace(KEY, image="f" * 64)
    cache.put(other, some_maps())
    cache.path(other).rename(cache.path(KEY))
    assert cache.get(KEY) is None


def test_an_interrupted_put_leaves_nothing(tmp_path, monkeypatch):
    cache = SoftMapCache(tmp_path)

    def stop(self, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        cache.put(KEY, some_maps())
    assert cache.get(KEY) is None
    assert list(cache.path(KEY).parent.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cache cannot be written: .*--cache"):
        SoftMapCache(tmp_path / "file").put(KEY, some_maps())


def _put_and_get(folder: Path, seed: int) -> bool:
    cache = SoftMapCache(folder)
    for _ in range(10):
        cache.put(KEY, some_maps())
        if not np.array_equal(cache.get(KEY), some_maps()):
            return False
    return True


def test_two_processes_do_not_harm_each_other(tmp_path):
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert all(pool.starmap(_put_and_get, [(tmp_path, 0), (tmp_path, 1)]))


def test_an_entry_is_a_zarr_array_with_a_chunk_a_class(tmp_path):
    cache = SoftMapCache(tmp_path)
    cache.put(KEY, some_maps())
    with zarr.storage.ZipStore(cache.path(KEY), mode="r") as store:
        entry = zarr.open_array(store, mode="r")
        assert entry.chunks == (1, 5, 7)
        np.testing.assert_array_equal(entry[1], some_maps()[1])
    assert len(zipfile.ZipFile(cache.path(KEY)).namelist()) == 2


@given(st.floats(0, 1, width=32))
def test_rounding_is_off_by_half_a_level_and_keeps_the_side_of_one_half(probability):
    level = PROB_SCALE.quantise(np.array([[[probability]]], np.float32))[0, 0, 0]
    assert abs(level / 255 - probability) <= 0.5 / 255 + 1e-7
    assert (level / 255 > 0.5) == (probability > 0.5)


def test_both_ends_are_exact():
    assert PROB_SCALE.quantise(np.array([0, 1], np.float32)).tolist() == [0, 255]


def test_an_entry_does_not_wait_for_the_disk(tmp_path, monkeypatch):
    waited_for = []
    monkeypatch.setattr(os, "fsync", waited_for.append)
    cache = SoftMapCache(tmp_path)
    cache.put(KEY, some_maps())
    assert cache.path(KEY).exists()
    assert waited_for == []


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("space", ["prob", "logit"])
def test_a_scale_holds_all_that_a_member_answers(space, exclusive):
    scale = scale_of(space, exclusive=exclusive)
    logits = torch.tensor([[-40.0, -3.0, 0.0, 2.0, 40.0], [40.0, 1.0, 0.0, -2.0, -40.0]])
    maps = activate_(logits.reshape(1, 2, 1, 5), exclusive, space)[0].numpy()
    levels = scale.quantise(maps)
    found = scale.low + levels / 255 * (scale.high - scale.low)
    np.testing.assert_allclose(found, maps, atol=(scale.high - scale.low) / 509)
    assert levels.min() >= 0
    assert levels.max() == 255


@pytest.mark.parametrize("space", ["prob", "logit"])
def test_thresholds_lie_where_their_maps_do(space):
    scale = scale_of(space, exclusive=False)
    thresholds = np.array([0.1, 0.5, 0.7, 0.9])
    shares = scale.shares(thresholds)
    np.testing.assert_allclose(scale.thresholds(shares), thresholds)
    assert shares[1] == pytest.approx(0.5)
    logits = torch.from_numpy(np.log(thresholds / (1 - thresholds))).reshape(1, 1, 1, 4).float()
    maps = activate_(logits, False, space)[0, 0, 0].numpy()
    np.testing.assert_allclose((maps - scale.low) / (scale.high - scale.low), shares, rtol=1e-5)

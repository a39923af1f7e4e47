import ctypes
import mmap
import sys

import numpy as np
import pytest
import torch

from ensemble import memory
from ensemble.memory import give_back, keep_freed_memory, measured, process_bytes


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells")
def test_a_passing_peak_is_measured():
    # pages of its own: an array may lie in memory that earlier tests freed and malloc kept
    with measured(torch.device("cpu")) as usage, mmap.mmap(-1, 200_000_000) as passing:
        np.frombuffer(passing, np.uint8).fill(1)
    assert usage.peak - usage.before > 150e6
    assert usage.after < usage.peak
    assert process_bytes() > 10e6


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="only glibc keeps memory")
def test_freed_memory_is_kept_until_it_is_given_back():
    keep_freed_memory()
    give_back(torch.device("cpu"))
    before = process_bytes()
    np.ones(10_000_000)
    assert process_bytes() - before > 70e6
    give_back(torch.device("cpu"))
    assert process_bytes() - before < 20e6


def test_a_system_that_does_not_tell_leaves_zeros(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_CLEAR", tmp_path / "none" / "clear_refs")
    monkeypatch.setattr(memory, "_STATUS", tmp_path / "status")
    (tmp_path / "status").write_text("Name: python\n")
    with measured(torch.device("cpu")) as usage:
        pass
    assert (usage.before, usage.peak, usage.after) == (0, 0, 0)
    (tmp_path / "status").unlink()
    assert process_bytes() == 0

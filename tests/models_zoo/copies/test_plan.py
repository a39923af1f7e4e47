from pathlib import Path

import numpy as np
import pytest
from layouts import write_blank

from ensemble.data.samples import Sample, find_samples
from ensemble.errors import ConfigError, DataError
from models_zoo.copies.plan import CopyOptions, copy_name, plan_copies

NAMES = ("ID1/a.png", "ID1/b.png", "ID2/a.png", "ID3/a.png")
SAMPLES = [Sample(name, Path(name), name.split("/")[0]) for name in NAMES]
LEANS = np.array([2.0, -30.0, np.nan, 20.0])


@pytest.mark.parametrize("groups", [None, "(ID[0-9]+)"])
@pytest.mark.parametrize("names", [("ID1/x.png", "ID2/x.tif"), ("ID1_a.png", "ID2.v2.jpg")])
def test_a_copy_is_of_the_group_of_its_original(tmp_path, names, groups):
    """Beside the originals and without them, by folder and by expression."""
    write_blank(tmp_path, dict.fromkeys(names, (4, 5)))
    owners = {s.name: s.group for s in find_samples(tmp_path, groups)}
    copies = {}
    for sample in find_samples(tmp_path, groups):
        copies[copy_name(sample, "-bent")] = sample.name
    write_blank(tmp_path, dict.fromkeys(copies, (4, 5)))
    together = {s.name: s.group for s in find_samples(tmp_path, groups)}
    assert len(together) == 4
    for copy, original in copies.items():
        assert together[copy] == owners[original]


def test_what_leans_is_turned_upright_and_the_rest_as_it_leans():
    options = CopyOptions(straighten=True, bend=True)
    copies = plan_copies(SAMPLES, LEANS, options)
    assert [(c.name, c.kind, c.sources) for c in copies] == [
        ("ID1/a-bent.png", "turned", (0,)),
        ("ID1/b-upright.png", "turned", (1,)),
        ("ID3/a-upright.png", "turned", (3,)),
    ]
    assert copies[0].angle_deg + LEANS[0] in (-30, 20)
    assert [copy.angle_deg for copy in copies[1:]] == [30, -20]
    assert plan_copies(SAMPLES, LEANS, CopyOptions(bend=True)) == copies[:1]


def test_originals_changes_and_mosaics_are_counted_out():
    options = CopyOptions(changed=2, mosaics=3, originals=True)
    copies = plan_copies(SAMPLES, LEANS, options)
    kinds = [copy.kind for copy in copies]
    assert [kinds.count(kind) for kind in ("original", "changed", "mosaic")] == [4, 8, 3]
    assert len({copy.name for copy in copies}) == 15
    assert all(len(copy.sources) == 4 for copy in copies if copy.kind == "mosaic")
    assert copies == plan_copies(SAMPLES, LEANS, options)
    assert copies != plan_copies(SAMPLES, LEANS, CopyOptions(2, 3, originals=True, seed=1))


def test_what_cannot_be_is_said():
    with pytest.raises(ConfigError, match="no copies are asked for"):
        CopyOptions(originals=True)
    with pytest.raises(DataError, match=r"nothing leans by 40 degrees or more: got at most 30"):
        plan_copies(SAMPLES, LEANS, CopyOptions(bend=True, bent_from_deg=40))
    with pytest.raises(DataError, match="at most 0"):
        plan_copies(SAMPLES, np.full(4, np.nan), CopyOptions(straighten=True))

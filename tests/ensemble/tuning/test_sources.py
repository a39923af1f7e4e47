"""Families of members, of which the one answers that did not learn from an image."""

from pathlib import Path

import pytest

from ensemble.classes import ClassList
from ensemble.data.datasets import Sample
from ensemble.errors import ConfigError, DataError
from ensemble.tuning.sources import families, single_sources
from fakes import tiny_member

CLASSES = ClassList(("left", "right"))
SAMPLES = [Sample(f"{i}.png", Path(f"{i}.png"), f"p{i // 2}") for i in range(6)]


def of_fold(name, family, images):
    member = tiny_member(name, CLASSES, (8, 8))
    training = {"family": family, "held_out": [f"{i}.png" for i in images]}
    member.manifest = member.manifest.model_copy(update={"training": training})
    return member


def test_an_image_is_answered_by_the_member_that_held_it_out():
    held_out = {
        "a-f0": (0, 1),
        "a-f1": (2, 3),
        "a-f2": (4, 5),
        "b-f0": (0, 1, 4, 5),
        "b-f1": (2, 3),
    }
    members = [of_fold(name, name[0], images) for name, images in held_out.items()]
    found = families(members, SAMPLES)
    assert [source.name for source in found] == ["a", "b"]
    assert [len(source.members) for source in found] == [3, 2]
    for source in found:
        for i, sample in enumerate(SAMPLES):
            assert i in held_out[source.member_for(sample).name]


def test_a_member_alone_answers_all():
    (source,) = single_sources([tiny_member("plain", CLASSES, (8, 8))])
    assert {source.member_for(sample).name for sample in SAMPLES} == {"plain"}


@pytest.mark.parametrize(
    ("folds", "error", "text"),
    [
        ([(0, 1, 2), (3, 4, 5)], ConfigError, "the folds of a tear 1 group apart"),
        ([(0, 1), (2, 3)], DataError, "no member of a says that it held out 2 images: got 4.png"),
        ([(0, 1, 2, 3), (2, 3, 4, 5)], ConfigError, "several members held out the same images"),
    ],
)
def test_folds_that_do_not_cover_the_images_once_are_refused(folds, error, text):
    members = [of_fold(f"a-f{k}", "a", images) for k, images in enumerate(folds)]
    with pytest.raises(error, match=text):
        families(members, SAMPLES)

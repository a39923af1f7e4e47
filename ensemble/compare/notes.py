"""What stands out in a comparison, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ensemble.compare.clusters import alike_groups, group_text, mergers
from ensemble.compare.comparison import Comparison
from ensemble.compare.pixel_order import order_hint
from ensemble.errors import few
from ensemble.report.blocks import Remark
from ensemble.wording import counted

# Files that agree by so much say the same for most purposes.
_ALMOST_SAME = 0.99
_NUM_NAMED = 3


def take_notes(found: Comparison) -> list[Remark]:
    """Remarks, the heaviest first."""
    notes = [*_order(found), *_missing(found), *_same(found), *_least_alike(found)]
    return [*notes, *_empty(found), *_most_different(found), *_groups(found)]


def _order(found: Comparison) -> Iterator[Remark]:
    """Files that may be written in another order of pixels."""
    if hint := order_hint(found):
        yield Remark("wrong", hint, "files")


def _missing(found: Comparison) -> Iterator[Remark]:
    """Rows that a file lacks."""
    if missing := found.joined.missing:
        what = counted(len(missing), "row is missing and counts", "rows are missing and count")
        yield Remark("look", f"{what} as empty: {few(missing, _NUM_NAMED)}.", "classes")


def _same(found: Comparison) -> Iterator[Remark]:
    """Groups of files that are the same, or almost."""
    joins = mergers(found.matrix)
    exact = alike_groups(joins, 1.0)
    for group in alike_groups(joins, _ALMOST_SAME):
        names = " and ".join(found.names[f] for f in group)
        if group in exact:
            yield Remark("look", f"{names} hold the same masks, to the pixel.", "clusters")
        else:
            dice = f"{_between(found, group).min():.4f}"
            least = dice if len(group) == 2 else f"{dice} or more"
            text = f"{names} hold almost the same masks: mean Dice {least}."
            yield Remark("look", text, "clusters")


def _least_alike(found: Comparison) -> Iterator[Remark]:
    """The file that is the least like all others, of three or more."""
    if len(found.names) < 3:
        return
    odd = int(found.with_others.argmin())
    rest = [f for f in range(len(found.names)) if f != odd]
    among = _between(found, rest).mean()
    if found.with_others[odd] < among:
        text = (
            f"{found.names[odd]} is the least like the others: mean Dice "
            f"{found.with_others[odd]:.4f} with them, {among:.4f} among them."
        )
        yield Remark("look", text, "files")


def _between(found: Comparison, group: Sequence[int]) -> NDArray[np.float64]:
    """Mean Dice of every two files of a group."""
    return found.matrix[np.ix_(group, group)][np.triu_indices(len(group), 1)]


def _empty(found: Comparison) -> Iterator[Remark]:
    """Files that leave masks empty that most others fill, those with the most first."""
    filled = found.areas_px > 0
    others = filled.sum(axis=0)[None] - filled
    lacks = ~filled & (2 * others > len(found.names) - 1)
    for f in np.argsort(-lacks.sum(axis=(1, 2)), kind="stable").tolist():
        if not lacks[f].any():
            return
        by_whom = "the other fills" if len(found.names) == 2 else "most others fill"
        how_many = counted(int(lacks[f].sum()), "mask")
        which = _which(found, filled[f], lacks[f])
        text = f"{found.names[f]} leaves {how_many} empty that {by_whom}: {which}."
        yield Remark("look", text, "classes")


def _which(found: Comparison, filled: NDArray[np.bool_], lacks: NDArray[np.bool_]) -> str:
    """Images without any mask, classes that are on no image, and classes that are on some."""
    bare = lacks.any(axis=1) & ~filled.any(axis=1)
    absent = lacks.any(axis=0) & ~filled.any(axis=0)
    if absent.all():
        return "all of them"
    some = lacks[~bare].any(axis=0) & ~absent
    parts = (
        (found.image_names, bare, "all on "),
        (found.class_names, absent, "all of "),
        (found.class_names, some, "some of "),
    )
    return "; ".join(
        words + few([names[i] for i in np.flatnonzero(which)])
        for names, which, words in parts
        if which.any()
    )


def _most_different(found: Comparison) -> Iterator[Remark]:
    """The classes and the images on which files differ most."""
    for what, names, dice in (
        ("classes", found.class_names, found.of_classes),
        ("images", found.image_names, found.of_images),
    ):
        worst = [i for i in np.argsort(dice, kind="stable")[:_NUM_NAMED].tolist() if dice[i] < 1]
        if worst and len(names) > 1:
            listed = ", ".join(f"{names[i]} ({dice[i]:.4f})" for i in worst)
            yield Remark("look", f"Files differ most on the {what} {listed}.", what)


def _groups(found: Comparison) -> Iterator[Remark]:
    """The two groups into which files fall, of two files or more each."""
    last = mergers(found.matrix)[-1]
    if min(len(last.first), len(last.second)) > 1:
        first, second = (group_text(group, found.names) for group in (last.first, last.second))
        text = f"Files fall into two groups, {first} and {second}: mean Dice {last.dice:.4f}."
        yield Remark("fact", text, "clusters")

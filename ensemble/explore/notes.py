"""What stands out in a data set, in sentences: first what is wrong, then what is worth a look."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence

from ensemble.data.samples import Sample
from ensemble.errors import few
from ensemble.explore.duplicates import CopiedImage
from ensemble.explore.exploration import Comparison, Exploration, LabelFindings, PersonFindings
from ensemble.explore.label_survey import LabelSurvey
from ensemble.explore.outliers import OUTLIER_Z
from ensemble.report.blocks import Remark, Weight
from ensemble.wording import counted

_ORDER: dict[Weight, int] = {"wrong": 0, "look": 1, "fact": 2}

# What a pair of classes shares of the smaller one, beyond which argmax would lose much of it.
_MUCH_SHARED = 0.1
_MOST_NAMED = 3


def take_notes(found: Exploration) -> list[Remark]:
    """Everything that stands out, what is wrong first."""
    notes = [*_folder_notes(found), *_image_notes(found), *_copy_notes(found)]
    if found.labels is not None:
        for about in (_label_fault_notes, _mask_notes, _overlap_notes):
            notes += about(found, found.labels)
    if found.persons is not None:
        notes += _person_notes(found.persons)
    if found.against is not None:
        notes += _shift_notes(found.against)
    return sorted(notes, key=lambda note: _ORDER[note.weight])


def _folder_notes(found: Exploration) -> Iterator[Remark]:
    if below := found.labelled_below:
        names = few([path.name for path in below])
        first = next((path for path in below if path.name == "train"), below[0])
        yield Remark(
            "wrong",
            f"No label was read: labelled folders lie below this one, {names}. For one with its "
            f"labels: ens explore {shlex.quote(str(first))}",
            "images",
        )
    if found.unused_metadata is not None:
        yield Remark("look", f"{found.unused_metadata}.", "images")


def _image_notes(found: Exploration) -> Iterator[Remark]:
    looks = found.survey.looks
    if faults := found.survey.faults:
        what = counted(len(faults), "sample") + " cannot be read and " + _is_are(len(faults))
        yield Remark("wrong", f"{what} left out: {few([f.name for f in faults])}.", "faults")
    sizes = Counter(map(tuple, looks.size.tolist()))
    if len(sizes) > 1:
        yield Remark("fact", f"The images have {len(sizes)} different sizes.", "images")
    if 0 < (coloured := int(looks.is_colour.sum())) < len(looks):
        have = "has" if coloured == 1 else "have"
        yield Remark("look", f"{coloured} of {len(looks)} images {have} colours.", "images")


def _copy_notes(found: Exploration) -> Iterator[Remark]:
    samples = found.survey.samples
    apart = [copy for copy in found.copies if found.are_apart(copy)]
    if apart:
        where = (
            "of different groups look the same, and may end up in different folds"
            if found.folds is None
            else "in different folds look the same"
        )
        text = f"{counted(len(apart), 'pair')} of images {where}: {_few_pairs(apart, samples)}."
        yield Remark("wrong", text, "copies")
    if differing := [copy for copy in found.copies if found.labels_agree(copy) is False]:
        what = counted(len(differing), "pair") + " of images that look the same"
        listed = _few_pairs(differing, samples)
        yield Remark("wrong", f"{what} are labelled differently: {listed}.", "copies")


def _few_pairs(copies: Sequence[CopiedImage], samples: Sequence[Sample]) -> str:
    return few([f"{samples[c.first].name} and {samples[c.second].name}" for c in copies], 3)


def _label_fault_notes(found: Exploration, labels: LabelFindings) -> Iterator[Remark]:
    counts, samples = labels.counts, found.survey.samples
    names = counts.classes.names
    by_kind = Counter(fault.kind for _, fault in counts.polygon_faults)
    for kind, count in by_kind.items():
        yield Remark("wrong", f"{counted(count, 'polygon')}: {kind}.", "faults")
    if len(counts.overlaps.equal):
        image, a, b = counts.overlaps.equal[0].tolist()
        yield Remark(
            "wrong",
            f"{counted(len(counts.overlaps.equal), 'time')} two classes have the same mask in an "
            f"image, as {names[a]} and {names[b]} in {samples[image].name}.",
            "faults",
        )
    if labels.equal_labels:
        listed = few([samples[i].name for i in labels.equal_labels[0]], 3)
        sets = counted(len(labels.equal_labels), "set")
        yield Remark("wrong", f"{sets} of images with equal labels, as {listed}.", "faults")
    if labels.empty:
        listed = few([samples[i].name for i in labels.empty])
        images = counted(len(labels.empty), "image")
        yield Remark("look", f"{images} without any label: {listed}.", "faults")
    if absent := [n for n, p in zip(names, labels.shapes.is_anywhere, strict=True) if not p]:
        yield Remark("wrong", f"Classes that no image has: {few(absent)}.", "areas")


def _mask_notes(found: Exploration, labels: LabelFindings) -> Iterator[Remark]:
    samples = found.survey.samples
    if swapped := sum(int(pair.is_swapped.sum()) for pair in labels.mirror_pairs):
        yield Remark(
            "look",
            f"{counted(swapped, 'time')} a class lies on the side of its mirror class.",
            "sides",
        )
    if labels.is_mirrored.any():
        yield Remark("fact", turned_text(labels), "positions")
    if masks := labels.odd_masks:
        what = "is an outlier of its" if len(masks) == 1 else "are outliers of their"
        yield Remark(
            "look",
            f"{len(masks)} of {int(labels.shapes.is_present.sum())} masks {what} class "
            f"(robust z beyond {OUTLIER_Z}), "
            f"{_where_most(Counter(samples[image].name for image, _ in masks))}.",
            "outliers",
        )


def turned_text(labels: LabelFindings) -> str:
    """Which images are turned before places are compared."""
    return (
        f"{int(labels.is_mirrored.sum())} of {len(labels.is_mirrored)} images show their classes "
        "the other way round, as left and right hands do: they are mirrored before places, "
        "directions and mean masks are compared."
    )


def _where_most(masks: Counter[str]) -> str:
    """The images that hold most of the masks, with how many where there are several."""
    most = masks.most_common(_MOST_NAMED)
    listed = ", ".join(name if count == 1 else f"{name} ({count})" for name, count in most)
    return f"in {listed}" if len(masks) == len(most) else f"most of them in {listed}"


def _overlap_notes(found: Exploration, labels: LabelFindings) -> Iterator[Remark]:
    counts = labels.counts
    if counts.classes.exclusive or len(counts.classes) == 1:
        return
    names, overlaps = counts.classes.names, counts.overlaps
    share = overlaps.share_of_smaller
    much = [(a, b) for a, b in overlaps.worst_pairs().tolist() if share[a, b] > _MUCH_SHARED]
    listed = few([f"{names[a]} and {names[b]} ({100 * share[a, b]:.0f} %)" for a, b in much], 3)
    text = f"{share_of_several(found, counts)} two classes or more"
    if much:
        pairs = counted(len(much), "pair shares", "pairs share")
        yield Remark(
            "look",
            f"{text}; {pairs} more than {100 * _MUCH_SHARED:.0f} % of the smaller one, which "
            f"argmax would lose: {listed}.",
            "overlaps",
        )
    else:
        yield Remark("fact", f"{text}.", "overlaps")


def share_of_several(found: Exploration, counts: LabelSurvey) -> str:
    """How many pixels have, as words before "two classes or more"."""
    several = counts.several_px.sum() / found.survey.looks.size.prod(axis=1).sum()
    if several == 0:
        return "No pixel has"
    share = "Less than 0.01" if several < 1e-4 else f"{100 * several:.2f}"
    return f"{share} % of all pixels have"


def _person_notes(found: PersonFindings) -> Iterator[Remark]:
    persons, table = found.persons, found.table
    if persons.unknown:
        count = counted(len(persons.unknown), "group of images has", "groups of images have")
        yield Remark(
            "wrong", f"{count} no row in {table.path.name}: {few(persons.unknown)}.", "persons"
        )
    if table.mended:
        lost = sum(cell.read is None for cell in table.mended)
        text = f"{counted(len(table.mended), 'cell')} of {table.path.name} had to be cleaned"
        yield Remark(
            "look", f"{text}; of {lost} nothing was left." if lost else f"{text}.", "persons"
        )
    sure = [
        relation.column
        for relation in found.relations
        if (abs(relation.strength) > relation.chance).any()
    ]
    if sure:
        yield Remark("fact", f"Areas surely go with {', '.join(sure)}.", "persons")


def _shift_notes(against: Comparison) -> Iterator[Remark]:
    folder, shift = against.survey.folder, against.shift
    if against.survey.faults:
        names = few([fault.name for fault in against.survey.faults])
        count = counted(len(against.survey.faults), "image")
        yield Remark("wrong", f"{count} of {folder} cannot be read: {names}.", "faults")
    if against.copies:
        yield Remark(
            "wrong",
            f"{counted(len(against.copies), 'pair')} of images here and in {folder} look the same.",
            "copies",
        )
    if shift.differing:
        listed = few([feature.name for feature in shift.differing], 4)
        yield Remark("look", f"Images of {folder} surely differ in {listed}.", "shift")
    elif (auc := shift.told_auc) is not None:
        text = f"Images of {folder} differ by no more than chance in any single figure, but a"
        yield Remark("look", f"{text} {classifier_text(auc, shift.auc_chance)}.", "shift")
    else:
        yield Remark("fact", f"Images of {folder} differ by no more than chance.", "shift")


def classifier_text(auc: float, chance: float) -> str:
    """How well a classifier tells here from there, without the article that begins it."""
    return (
        "classifier of all figures ranks an image from there above one from here in "
        f"{100 * auc:.0f} % of pairs (by chance up to {100 * chance:.0f} %)"
    )


def _is_are(count: int) -> str:
    return "is" if count == 1 else "are"

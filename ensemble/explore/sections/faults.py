"""What may be wrong: outliers, faulty labels, copies."""

from __future__ import annotations

from collections.abc import Sequence

from ensemble.data.samples import Sample
from ensemble.explore.duplicates import HASH_BITS, NEAR_BITS, CopiedImage
from ensemble.explore.exploration import Exploration, LabelFindings
from ensemble.explore.notes import turned_text
from ensemble.explore.odd_masks import MOST_OF_CLASS, MOST_OF_IMAGE, OddMask, pick_odd_masks
from ensemble.explore.outliers import JUDGED, OUTLIER_Z
from ensemble.explore.sections.pictures import odd_mask_pictures, pair_picture
from ensemble.explore.tables import copy_table, fault_table, outlier_table
from ensemble.progress import Progress
from ensemble.report.blocks import Card, gallery, paragraph, table
from ensemble.report.page import Section
from ensemble.report.picture_uri import picture_uri
from ensemble.wording import counted

_MOST_PAIRS = 24
_MOST_ROWS = 300
_PICTURE_BYTES = 40_000
_GALLERY = (
    f"The most extreme masks, at most {MOST_OF_CLASS} of a class and {MOST_OF_IMAGE} of an image."
)


def outlier_section(found: Exploration, labels: LabelFindings, progress: Progress) -> Section:
    """The oddest masks with their pictures."""
    odd_masks = pick_odd_masks(labels.outliers)
    pictures = odd_mask_pictures(found, odd_masks, progress) if odd_masks else []
    cards = [
        Card(
            picture_uri(picture, most_bytes=_PICTURE_BYTES),
            *_words(found, labels, odd),
        )
        for odd, picture in zip(odd_masks, pictures, strict=True)
    ]
    content = outlier_table(found, labels)
    text = (
        f"Each mask is judged among those of its class by {', '.join(JUDGED)}: the robust z is "
        f"(value - median) / (median distance from the median / 0.6745), and beyond {OUTLIER_Z} "
        "it is an outlier. Areas and elongations are taken by their logarithm; where most masks "
        "are equal, 1.2533 times the mean distance is the divisor. An outlier may be a wrong label "
        "or a rare patient."
    )
    if labels.is_mirrored.any():
        text += (
            f" {turned_text(labels)} Places across are then told from where the other classes of "
            "the image lie."
        )
    return Section(
        "outliers",
        "Outliers",
        (
            paragraph(text),
            *([gallery(cards, _GALLERY)] if cards else []),
            table(content, _caption(labels), most_rows=_MOST_ROWS),
        ),
        (content,),
    )


def _caption(labels: LabelFindings) -> str:
    """A mask may be an outlier in more than one figure."""
    if not labels.outliers:
        return "Outliers."
    figures = counted(len(labels.outliers), "figure")
    masks = counted(len(labels.odd_masks), "mask")
    return f"Outliers, the most extreme first: {figures} of {masks}."


def _words(
    found: Exploration, labels: LabelFindings, odd: OddMask
) -> tuple[str, str, tuple[str, ...]]:
    """Title, description and lines of a card."""
    name = labels.counts.classes.names[odd.class_index]
    image = found.survey.samples[odd.image].name
    lines = [f"{outlier.what}: z {outlier.z:+.1f}" for outlier in odd.outliers]
    return name, f"{name} in {image}", (image, *lines)


def fault_section(found: Exploration) -> Section:
    """Files that cannot be read, empty and doubled labels, polygons out of bounds."""
    content = fault_table(found)
    text = (
        "Files that cannot be read; images without any label; masks and labels that are there "
        "twice; classes in no image; polygons that leave their image, have no area or are stated "
        "twice. What cannot be read counts nowhere else on this page."
    )
    return Section(
        "faults",
        "Faults",
        (paragraph(text), table(content, "Faults.", most_rows=_MOST_ROWS)),
        (content,),
    )


def copy_section(found: Exploration) -> Section:
    """Images that look the same, here and in the other folder."""
    content = copy_table(found)
    samples = found.survey.samples
    pairs = [(copy, samples) for copy in found.copies]
    if found.against is not None:
        pairs += [(copy, found.against.survey.samples) for copy in found.against.copies]
    cards = [_copy_card(copy, samples, others) for copy, others in pairs[:_MOST_PAIRS]]
    text = (
        f"Two images look the same if at most {NEAR_BITS} of the {HASH_BITS} bits of their hashes "
        "differ: the signs of the lowest frequencies of a thumbnail, which encoding, brightness "
        "and resolution hardly change. Mirror images are found too. Copies in different groups "
        "may end up on both sides of a split."
    )
    return Section(
        "copies",
        "Copies",
        (
            paragraph(text),
            *([gallery(cards, "Pairs, the nearest first.", size="large")] if cards else []),
            table(content, "Pairs of images that look the same.", most_rows=_MOST_ROWS),
        ),
        (content,),
    )


def _copy_card(copy: CopiedImage, ours: Sequence[Sample], theirs: Sequence[Sample]) -> Card:
    one, two = ours[copy.first], theirs[copy.second]
    what = "same file" if copy.is_same_file else f"{copy.bits} bits differ"
    return Card(
        picture_uri(pair_picture(one, two), most_bytes=_PICTURE_BYTES),
        f"{one.name}, {two.name}",
        f"{one.name} beside {two.name}",
        (f"{what}, mirrored" if copy.is_mirrored else what,),
    )

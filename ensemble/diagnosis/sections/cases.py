"""The worst images and classes as pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from ensemble.diagnosis.diagnosis import Diagnosis
from ensemble.diagnosis.pictures import (
    IGNORED_COLOUR,
    Case,
    CasePictures,
    Colours,
    draw_case,
    pick_images,
    pick_masks,
)
from ensemble.diagnosis.sections.errors import colour_legend
from ensemble.diagnosis.tables import VERDICTS, verdict_shares
from ensemble.progress import Progress
from ensemble.report.blocks import Card, case, class_legend, legend, paragraph
from ensemble.report.page import Section
from ensemble.report.picture_uri import picture_uri, share_of_page
from ensemble.streaming import ordered_map

_THREADS = 2
_TITLES = {
    "image": "image",
    "truth": "truth",
    "prediction": "prediction",
    "missed": "missed (false negatives)",
    "extra": "extra (false positives)",
    "errors": "all errors",
}


def case_sections(
    found: Diagnosis, colours: Colours, progress: Progress
) -> tuple[Section, Section]:
    """The worst images, and the worst images of the worst classes."""
    images, masks = pick_images(found), pick_masks(found)
    cases = [*images, *masks]
    most_bytes = share_of_page(len(cases) * len(_TITLES))
    blocks: list[Markup] = []
    drawn = ordered_map(
        lambda chosen: draw_case(found, chosen, colours), cases, threads=_THREADS, ahead=4
    )
    with progress("drawing the worst", len(cases)) as advance:
        for chosen, pictures in zip(cases, drawn, strict=True):
            blocks.append(_block(found, chosen, pictures, most_bytes))
            advance(1)
    of_images, of_masks = blocks[: len(images)], blocks[len(images) :]
    of_classes = [
        paragraph("Classes in truth and prediction:"),
        class_legend(found.scores.class_names),
    ]
    meanings = colour_legend(colours)
    if found.data.labelled.classes.ignore is not None:
        meanings.append((IGNORED_COLOUR, "ignored: counts nowhere"))
    verdicts = [paragraph("Errors:"), legend(meanings)]
    return (
        _section("worst-images", "Worst images", [*of_classes, *verdicts], of_images),
        _section("worst-classes", "Worst classes", verdicts, of_masks),
    )


def _section(slug: str, title: str, keys: Sequence[Markup], cases: Sequence[Markup]) -> Section:
    if not cases:
        return Section(slug, title, (paragraph("Nothing is wrong."),))
    return Section(slug, title, (*keys, *cases))


def _block(found: Diagnosis, chosen: Case, pictures: CasePictures, most_bytes: int) -> Markup:
    name = found.scores.image_names[chosen.image]
    title = name if chosen.class_index is None else found.scores.class_names[chosen.class_index]
    what = name if chosen.class_index is None else f"{title} in {name}"
    cards = [
        Card(
            picture_uri(getattr(pictures, kind), most_bytes=most_bytes), words, f"{words} of {what}"
        )
        for kind, words in _TITLES.items()
    ]
    return case(title, _line(found, chosen), cards)


def _line(found: Diagnosis, chosen: Case) -> str:
    """What is said of a case beside its title."""
    i, c = chosen.image, chosen.class_index
    dice = found.scores.dice[i]
    if c is None:
        worst = int(dice.argmin())
        lowest = f"{found.scores.class_names[worst]} {dice[worst]:.4f}"
        everywhere, overlaps = found.verdicts[i]
        text = f"mean Dice {dice.mean():.4f}, the lowest {lowest}; {_percents(everywhere)}"
        return text + (f"; of overlaps {_percents(overlaps)}" if overlaps.any() else "")
    predicted, both, true = found.counts[i, c].tolist()
    text = f"in {found.scores.image_names[i]}: Dice {dice[c]:.4f}, {true - both:,} px missed of "
    return text + f"{true:,}, {predicted - both:,} extra"


def _percents(verdicts: NDArray[np.int64]) -> str:
    shares = 100 * verdict_shares(verdicts)
    return ", ".join(f"{v:.1f} % {word}" for v, word in zip(shares, VERDICTS, strict=True))

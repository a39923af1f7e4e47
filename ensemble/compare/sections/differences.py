"""The masks that differ most as pictures, a file beside the other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from markupsafe import Markup

from ensemble.compare.comparison import Comparison
from ensemble.compare.pictures import DifferencePictures, difference_legend, draw_difference
from ensemble.progress import Progress
from ensemble.report.blocks import Card, case, legend, paragraph
from ensemble.report.page import Section
from ensemble.report.picture_uri import picture_uri, share_of_page
from ensemble.runs.rle import Order
from ensemble.streaming import ordered_map
from ensemble.wording import counted

# Masks that are shown: as many as make so many pictures, within limits.
_MOST_PICTURES, _MOST_CASES, _LEAST_CASES = 240, 40, 12
_THREADS = 2


def difference_section(
    found: Comparison, image_files: Mapping[str, Path], order: Order, progress: Progress
) -> Section:
    """A case a mask, of every class in turn."""
    num_pictures = len(found.names) + 2
    count = min(max(_MOST_PICTURES // num_pictures, _LEAST_CASES), _MOST_CASES)
    places = found.most_different(count)
    title = "Differences"
    if not places:
        return Section("differences", title, (paragraph("All masks are the same."),))
    most_bytes = share_of_page(len(places) * num_pictures)
    drawn = ordered_map(
        lambda place: draw_difference(found, place, image_files, order),
        places,
        threads=_THREADS,
        ahead=4,
    )
    blocks = []
    with progress("drawing differences", len(places)) as advance:
        for place, pictures in zip(places, drawn, strict=True):
            blocks.append(_block(found, place, pictures, most_bytes))
            advance(1)
    text = (
        f"The {counted(len(places), 'mask that differs', 'masks that differ')} most, of every "
        "class in turn: the image, where files differ, and the mask of each file."
    )
    shown = (paragraph(text), legend(difference_legend(found.names)), *blocks)
    return Section("differences", title, shown)


def _block(
    found: Comparison, place: tuple[int, int], pictures: DifferencePictures, most_bytes: int
) -> Markup:
    n, c = place
    image, name = found.image_names[n], found.class_names[c]
    areas = found.areas_px[:, n, c].tolist()
    titled = [
        ("image", pictures.image),
        ("differences", pictures.differences),
        *(
            (f"{file}: {area_px:,} px" if area_px else f"{file}: empty", mask)
            for file, area_px, mask in zip(found.names, areas, pictures.masks, strict=True)
        ),
    ]
    cards = [
        Card(picture_uri(picture, most_bytes=most_bytes), words, f"{words}; {name} in {image}")
        for words, picture in titled
    ]
    return case(name, f"in {image}: {_line(found, place)}", cards, is_dense=True)


def _line(found: Comparison, place: tuple[int, int]) -> str:
    """How alike the files are on a mask."""
    if len(found.names) == 2:
        return f"Dice {found.least[place]:.4f}"
    first, second = (found.names[f] for f in found.furthest(*place))
    return (
        f"mean Dice {found.of_masks[place]:.4f}, the lowest {found.least[place]:.4f} of {first} "
        f"and {second}"
    )

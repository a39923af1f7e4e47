"""Which images a person should look at first, and how far that order can be trusted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from markupsafe import Markup

from ensemble.appraisal.appraisal import Appraisal
from ensemble.appraisal.doubt import Doubt
from ensemble.appraisal.pictures import doubt_pictures
from ensemble.appraisal.predicted_dice import LEAST_MASKS
from ensemble.appraisal.tables import Floats, doubt_table, sign_table
from ensemble.classes import BACKGROUND
from ensemble.errors import few
from ensemble.progress import Progress
from ensemble.ranks import rank_correlation
from ensemble.report.blocks import (
    Card,
    case,
    class_legend,
    figure,
    heat_table,
    paragraph,
    side_by_side,
    table,
)
from ensemble.report.charts import scatter
from ensemble.report.page import Section
from ensemble.report.picture_uri import picture_uri, share_of_page
from ensemble.report.svg import DICE
from ensemble.streaming import ordered_map
from ensemble.wording import counted

_MOST_PICTURES = 24
_MOST_ROWS = 300
# Images and classes in the matrix: those with the lowest predictions.
_MATRIX = (30, 40)
# Dots of a chart of masks, spread evenly.
_MOST_DOTS = 1500
_THREADS = 2
# A correlation of fewer images may be anything.
_LEAST_RANKED = 10
_PICTURES = ("masks", "doubt")


def trust_section(found: Appraisal) -> Section:
    """Predicted against true Dice of the labelled images."""
    predicted, dice = found.doubt.predicted, found.dice
    images = [sample.name for sample in found.data.samples]
    by_image = scatter(
        predicted.mean(axis=1),
        dice.mean(axis=1),
        images,
        axes=(replace(DICE, title="predicted Dice"), DICE),
        size=(420, 320),
    )
    names = [f"{image}, {name}" for image in images for name in found.class_names]
    shown = np.linspace(0, len(names) - 1, min(len(names), _MOST_DOTS)).astype(int)
    by_mask = scatter(
        predicted.reshape(-1)[shown],
        dice.reshape(-1)[shown],
        [names[k] for k in shown],
        axes=(replace(DICE, title="predicted Dice"), DICE),
        size=(420, 320),
    )
    content = doubt_table(found, found.doubt, "predicted", dice)
    return Section(
        "trust",
        "Dice without labels",
        (
            paragraph(
                _how_predicted(found.doubt) + " If all labelled masks hold something, an empty "
                "one is taken for missed, of Dice 0. " + trust_text(found)
            ),
            side_by_side(figure(by_image, "Images, mean over classes."), figure(by_mask, "Masks.")),
            table(content, "Images, the lowest prediction first.", most_rows=_MOST_ROWS),
        ),
        (content, sign_table(found, found.doubt, "predicted-by-class", dice)),
    )


def _how_predicted(doubt: Doubt) -> str:
    if not doubt.is_fitted:
        return (
            f"A regression needs {LEAST_MASKS} labelled masks that hold something, and there are "
            "fewer here. So what is predicted is the expected Dice: what a mask would have if "
            "probabilities were true. Networks that are too sure of themselves get too much."
        )
    return (
        "What the Dice of a mask will be, predicted from its soft maps alone: its expected Dice if "
        "probabilities were true, their entropy, their peak, and how far the members agree with "
        "it. A labelled image is predicted by a fit that saw none of its group."
    )


def trust_text(found: Appraisal) -> str:
    """How well the prediction holds, in a sentence."""
    predicted, dice = found.doubt.predicted, found.dice
    means = predicted.mean(axis=1), dice.mean(axis=1)
    rank = rank_correlation(*means) if len(dice) >= _LEAST_RANKED else np.nan
    order = "" if np.isnan(rank) else f"ranks images with a correlation of {rank:.2f} and "
    off = float(np.abs(means[0] - means[1]).mean())
    masks = float(np.abs(predicted - dice).mean())
    return f"Predicted Dice {order}is off by {off:.3f} an image and {masks:.3f} a mask in the mean."


def unlike_text(doubt: Doubt) -> str:
    """Which images nothing is known of, in a sentence; "" if none is."""
    if not (count := int(doubt.is_unlike.sum())):
        return ""
    names = [doubt.samples[i].name for i in doubt.order()[:count]]
    which = counted(
        count, "image is unlike all labelled ones", "images are unlike all labelled ones"
    )
    return (
        f"{which} in grey levels or in what members say (novelty above 1), so that the predicted "
        f"Dice says little there: {few(names)}."
    )


def review_section(found: Appraisal, progress: Progress) -> Section:
    """The images to look at first: those without labels if there are any, else the labelled."""
    doubt, dice = (found.review, None) if found.review else (found.doubt, found.dice)
    title = "Review first"
    coloured = [name for name in found.class_names if name != BACKGROUND]
    blocks = [
        paragraph(_review_text(found, doubt)),
        class_legend(coloured),
        *_cases(found, doubt, dice, progress),
    ]
    order = np.array(doubt.order()[: _MATRIX[0]])
    worst = np.argsort(doubt.predicted.mean(axis=0), kind="stable")[: _MATRIX[1]]
    blocks.append(
        heat_table(
            100 * (1 - doubt.predicted[np.ix_(order, worst)]),
            [doubt.samples[i].name for i in order],
            [found.class_names[c] for c in worst],
            caption="What is expected to be lost: 100 (1 - predicted Dice), the lowest first.",
            how=".0f",
            least_shown=0.5,
        )
    )
    if dice is not None:
        return Section("review", title, tuple(blocks))
    content = doubt_table(found, doubt, "review")
    blocks.append(table(content.known(), _table_text(doubt), most_rows=_MOST_ROWS))
    return Section(
        "review", title, tuple(blocks), (content, sign_table(found, doubt, "review-by-class"))
    )


def _review_text(found: Appraisal, doubt: Doubt) -> str:
    mean = float(doubt.predicted.mean())
    what = "other images" if found.review else "labelled images"
    return (
        f"{len(doubt.samples)} {what}; their predicted Dice is {mean:.4f} in the mean. "
        f"{unlike_text(doubt)} Left the masks of the ensemble, right in orange {_orange(found)}."
    )


def _table_text(doubt: Doubt) -> str:
    if doubt.is_unlike.any():
        return "Images, those unlike all labelled ones first, then the most doubtful."
    return "Images, the most doubtful first."


def _orange(found: Appraisal) -> str:
    if len(found.names) == 1:
        return "how unsure the member is of a pixel"
    return "how far members disagree about a pixel, by what they weigh"


def _cases(found: Appraisal, doubt: Doubt, dice: Floats | None, progress: Progress) -> list[Markup]:
    chosen = doubt.order()[:_MOST_PICTURES]
    most_bytes = share_of_page(2 * len(chosen))
    drawn = ordered_map(
        lambda i: doubt_pictures(found, doubt.samples[i]), chosen, threads=_THREADS, ahead=4
    )
    blocks = []
    with progress("drawing the most doubtful", len(chosen)) as advance:
        for i, pictures in zip(chosen, drawn, strict=True):
            name = doubt.samples[i].name
            cards = [
                Card(picture_uri(picture, most_bytes=most_bytes), words, f"{words} of {name}")
                for words, picture in zip(_PICTURES, pictures, strict=True)
            ]
            blocks.append(case(name, _line(found, doubt, dice, i), cards))
            advance(1)
    return blocks


def _line(found: Appraisal, doubt: Doubt, dice: Floats | None, i: int) -> str:
    worst = np.argsort(doubt.predicted[i], kind="stable")[:3]
    lowest = ", ".join(f"{found.class_names[c]} {doubt.predicted[i, c]:.2f}" for c in worst)
    known = "" if dice is None else f", Dice {dice[i].mean():.4f}"
    if doubt.is_unlike[i]:
        known = ", but unlike all labelled images"
    return f"predicted Dice {doubt.predicted[i].mean():.4f}{known}; the most doubtful: {lowest}"

"""What members are worth, class by class, and how alike they are."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from ensemble.appraisal.appraisal import Appraisal
from ensemble.appraisal.tables import (
    agreement_table,
    loss_table,
    member_class_dice,
    member_class_table,
    member_table,
)
from ensemble.intervals import known_mean
from ensemble.report.blocks import heat_table, paragraph, side_by_side, table
from ensemble.report.page import Section
from ensemble.runs.filters import NO_FILTER

_SHOWN = 0.05


def member_section(found: Appraisal) -> Section:
    """Dice of every member and class."""
    names, dice = member_class_dice(found)
    members, by_class = member_table(found), member_class_table(found)
    text = (
        "Members alone and all weighing the same are taken at the threshold .5, the ensemble with "
        "its weights, thresholds and filters, all under the ensemble's views. Low and high: 95 % "
        "interval over groups. Lost without it: what the ensemble loses, without filters, when "
        "the others keep their weights; below 0 the member harms. " + _rounding_text(found)
    )
    return Section(
        "members",
        "Members",
        (
            paragraph(text),
            table(members.known(), "Mean over images, then over classes."),
            heat_table(
                100 * (1 - dice),
                names,
                found.class_names,
                caption="What is lost of each class: 100 (1 - Dice). Empty: the member lacks it.",
                how=".0f",
                least_shown=0.5,
            ),
        ),
        (members, by_class),
    )


def _rounding_text(found: Appraisal) -> str:
    """How far figures of the statistic lie from those of masks as they are written."""
    text = "All but the ensemble's own Dice is of soft maps rounded to 8 bits at full size"
    if any(each != NO_FILTER for each in found.fusion.filters):
        return f"{text}, without filters."
    off = float(np.abs(found.scores.together - found.dice).mean())
    return f"{text}, which changes that by {off:.5f} an image and class here."


def loss_section(found: Appraisal) -> Section | None:
    """What each class loses without each member; None for a member alone."""
    if len(found.names) < 2:
        return None
    losses = 100 * known_mean(found.scores.losses, 1)
    shown = heat_table(
        losses,
        found.names,
        found.class_names,
        caption="100 times the Dice that a class loses without the member; the other colour: it "
        "gains. Empty: nobody else has the class.",
        how=".1f",
        least_shown=_SHOWN,
    )
    return Section("losses", "What each adds", (shown,), (loss_table(found),))


def agreement_section(found: Appraisal) -> Section | None:
    """How alike the masks of members are; None for a member alone."""
    if len(found.names) < 2:
        return None
    content = agreement_table(found)
    apart = 100 * (1 - found.agreement)
    gains = np.where(np.eye(len(found.names), dtype=np.bool_), np.nan, 100 * found.pair_gains)
    blocks: list[Markup] = [
        paragraph(
            "Members that err in the same places add little to each other. The gain of two is what "
            "they score together, each weighing the same, over the better of them."
        ),
        side_by_side(
            heat_table(
                apart,
                found.names,
                found.names,
                caption="100 (1 - Dice) between the masks of two members.",
                how=".1f",
            ),
            heat_table(
                gains, found.names, found.names, caption="100 times what two gain.", how=".1f"
            ),
        ),
        table(content, "Pairs of members."),
    ]
    return Section("agreement", "Agreement", tuple(blocks), (content,))

"""Weights, thresholds and probabilities of each class."""

from __future__ import annotations

import numpy as np

from ensemble.appraisal.appraisal import Appraisal
from ensemble.appraisal.evidence import Evidence
from ensemble.appraisal.tables import calibration_table, curve_table, threshold, weight_table
from ensemble.report.blocks import (
    figure,
    heat_table,
    paragraph,
    side_by_side,
    small_multiples,
    table,
)
from ensemble.report.charts import bars, lines
from ensemble.report.page import Section
from ensemble.report.svg import DICE, Scale

_SMALL = (200, 130)
_CALIBRATED = ([0.05, 0.95], [0.05, 0.95])
_SHARE = Scale(holds=(0.0, 1.0), limits=(0.0, 1.0))


def weight_section(found: Appraisal, evidence: Evidence) -> Section:
    """What each class weighs, and why."""
    content = weight_table(found, evidence)
    stated = (
        "Gains are those that the weights file states: out of fold, tuned against the simple rule, "
        "with their interval over groups. "
    )
    text = (stated if evidence.classes else "") + (
        "The best threshold here is the best one on these images under the same weights, without "
        "filters."
    )
    return Section(
        "weights",
        "Weights and thresholds",
        (
            paragraph(text),
            heat_table(
                found.rules.weights.T,
                found.names,
                found.class_names,
                caption="Share of each member in each class.",
                least_shown=0.005,
            ),
            table(content.known(), "Classes."),
        ),
        (content,),
    )


def threshold_section(found: Appraisal) -> Section | None:
    """Dice against the threshold; None for classes that have none."""
    content = curve_table(found)
    if found.curves is None or content is None:
        return None
    curves = found.curves
    one_scale = Scale(holds=(0.0, float(np.nanmax(curves.scores))), limits=(0.0, 1.0))
    mean = lines(
        {"mean of classes": (curves.thresholds, curves.scores.mean(axis=1))},
        axes=("threshold", DICE),
        size=(520, 240),
    )
    small = [
        figure(
            lines(
                {name: (curves.thresholds, curves.scores[:, c])},
                axes=("", one_scale),
                size=_SMALL,
                mark_x=threshold(found, c),
                label=f"Dice of {name} by its threshold",
            ),
            f"{name}: {threshold(found, c):.2f}",
            terms=name,
        )
        for c, name in enumerate(found.class_names)
    ]
    return Section(
        "thresholds",
        "Threshold curves",
        (
            figure(
                mean, "Mean Dice under the ensemble's weights when all classes have one threshold."
            ),
            paragraph("Each class by its own; the bar is the threshold that it has."),
            small_multiples(*small, caption="Across: threshold; up: Dice, one scale for all."),
        ),
        (content,),
    )


def calibration_section(found: Appraisal) -> Section | None:
    """Whether pixels of a probability are foreground as often; None for exclusive classes."""
    content = calibration_table(found)
    if found.calibration is None or content is None:
        return None
    probability, share = found.calibration.curve()
    error = found.calibration.error()
    order = np.argsort(-np.nan_to_num(error), kind="stable")
    drawn = lines(
        {"ensemble": (probability, share), "calibrated": _CALIBRATED},
        axes=("fused probability", "true share"),
        size=(420, 300),
    )
    of_class = zip(*found.calibration.curves(), strict=True)
    small = [
        figure(
            lines(
                {name: curve, "calibrated": _CALIBRATED},
                axes=(_SHARE, _SHARE),
                size=_SMALL,
                label=f"True share of {name} by its fused probability",
                legend=False,
            ),
            name,
            terms=name,
        )
        for name, curve in zip(found.class_names, of_class, strict=True)
    ]
    off = {found.class_names[c]: float(error[c]) for c in order if np.isfinite(error[c])}
    return Section(
        "calibration",
        "Calibration",
        (
            paragraph(
                "Pixels whose label weights or thresholds can still change, from .05 to .95 of "
                "fused probability, all classes together. Below the line the ensemble is too sure "
                "of foreground; thresholds make up for it, probabilities read as such do not."
            ),
            side_by_side(
                figure(drawn, "How often pixels of a probability are foreground in truth."),
                figure(
                    bars(off, width=420),
                    "Mean distance between probability and truth in bins of .05, by class.",
                ),
            ),
            paragraph("Each class by its own, its pixels in calibration.csv."),
            small_multiples(*small, caption="Across: fused probability; up: true share."),
        ),
        (content,),
    )

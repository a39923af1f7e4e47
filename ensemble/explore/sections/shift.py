"""How the images of another folder differ from these."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from ensemble.explore.exploration import Comparison, Exploration
from ensemble.explore.looks import HISTOGRAM_BINS
from ensemble.explore.notes import classifier_text
from ensemble.explore.sections.pictures import thumbnail_cards, thumbnail_picture
from ensemble.explore.tables import shift_table
from ensemble.report.blocks import Card, figure, gallery, paragraph, side_by_side, table
from ensemble.report.charts import histogram, steps
from ensemble.report.page import Section
from ensemble.report.picture_uri import picture_uri

_MOST_FEATURES = 6
_MOST_UNLIKE = 12


def shift_section(found: Exploration) -> Section | None:
    """The figures that differ most, mean images, and the images most unlike ours."""
    if found.against is None:
        return None
    against = found.against
    content = shift_table(against)
    here, there = str(found.survey.folder), str(against.survey.folder)
    drawn = [
        figure(
            histogram({here: feature.ours, there: feature.theirs}, unit=feature.name),
            f"{feature.name.capitalize()}: distance {feature.distance:.2f}, "
            f"{100 * feature.outside:.0f} % of the others outside of the middle 90 % here.",
        )
        for feature in against.shift.features[:_MOST_FEATURES]
    ]
    return Section(
        "shift",
        "Against other images",
        (
            paragraph(_summary(found, against)),
            side_by_side(_levels(found, against), *drawn),
            gallery(_mean_cards(found, against), "Mean images, stretched to one square."),
            *_most_unlike(against),
            table(content, "What was compared, the most different first."),
        ),
        (content,),
    )


def _summary(found: Exploration, against: Comparison) -> str:
    shift = against.shift
    counts = f"{len(found.survey.samples)} images here, {len(against.survey.samples)} there. "
    text = (
        counts + "Distance is the largest difference between two cumulative distributions; by "
        f"chance the largest of all figures reaches {shift.chance:.2f} in one of twenty shuffles. "
        "Foreground is what is brighter than Otsu's threshold, and tilt how far it points from the "
        "mean direction of all images."
    )
    if shift.auc is None:
        return text
    if shift.told_auc is None:
        return f"{text} A classifier of all figures tells them apart no better than by chance."
    told = classifier_text(shift.told_auc, shift.auc_chance)
    return f"{text} A {told}; it did not see the group that it judges."


def _levels(found: Exploration, against: Comparison) -> Markup:
    edges = np.linspace(0, 1, HISTOGRAM_BINS + 1)
    both = {
        str(survey.folder): (edges, survey.looks.histogram.mean(axis=0))
        for survey in (found.survey, against.survey)
    }
    return figure(steps(both, unit="level"), "Grey levels: mean share of pixels.")


def _mean_cards(found: Exploration, against: Comparison) -> list[Card]:
    cards = []
    for survey in (found.survey, against.survey):
        mean = survey.looks.thumbnail.mean(axis=0).astype(np.uint16)
        picture = thumbnail_picture(mean, np.array([1, 1]), height=192)
        name = f"mean of {survey.folder}"
        cards.append(Card(picture_uri(picture), name, name))
    return cards


def _most_unlike(against: Comparison) -> list[Markup]:
    """Images that the classifier takes for others than ours; none if it only guesses."""
    odds = against.shift.odds
    if odds is None or against.shift.told_auc is None:
        return []
    looks, samples = against.survey.looks, against.survey.samples
    order = np.argsort(-odds, kind="stable")[:_MOST_UNLIKE]
    order = order[odds[order] > 1]
    cards = thumbnail_cards(
        looks.thumbnail[order],
        looks.size[order],
        [samples[i].name for i in order],
        [(f"from there: {int(100 * odds[i] / (1 + odds[i]))} %",) for i in order],
    )
    caption = (
        "Images from there that are most unlike those here, and how probable the classifier holds "
        "it that they are from there."
    )
    return [gallery(cards, caption)]

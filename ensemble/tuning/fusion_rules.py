"""Rules of tuning as the weights of a file, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ensemble.fusion.soft_maps import MapScale
from ensemble.fusion.weights import FusionWeights, uniform_weights
from ensemble.runs.filters import NO_FILTER
from ensemble.tuning.class_plan import ClassPlan
from ensemble.tuning.filter_choice import FilterChoice
from ensemble.tuning.material import Material
from ensemble.tuning.rules import Rules
from ensemble.tuning.sources import Source


def fusion_weights(
    material: Material, rules: Rules, chosen: FilterChoice | None = None
) -> FusionWeights:
    """Tuned rules and filters for all the members' classes; those without labels stay uniform.

    Members of one source share its weight equally.
    """
    stored, sizes = material.stored, [len(source.members) for source in material.sources]
    members = [member for source in material.sources for member in source.members]
    uniform = uniform_weights(members, views=stored.views, space=stored.scale.space)
    tuned = np.array([uniform.class_names.index(name) for name in material.plan.names])
    weights, thresholds = uniform.weights.copy(), uniform.thresholds.copy()
    weights[:, tuned] = np.repeat(rules.weights.T / np.array(sizes)[:, None], sizes, axis=0)
    if not material.plan.exclusive:
        thresholds[tuned] = stored.scale.thresholds(rules.thresholds)
    chosen_filters = () if chosen is None else chosen.filters
    by_name = dict(zip(material.plan.names, chosen_filters, strict=chosen is not None))
    filters = tuple(by_name.get(name, NO_FILTER) for name in uniform.class_names)
    return replace(
        uniform,
        weights=weights,
        thresholds=thresholds,
        filters=() if all(each == NO_FILTER for each in filters) else filters,
    )


def fusion_rules(
    weights: FusionWeights, sources: Sequence[Source], plan: ClassPlan, scale: MapScale
) -> Rules:
    """What weights say of the classes of a plan; a source weighs what its members weigh together.

    Thresholds are shares of the scale. The inverse of `fusion_weights`.
    """
    columns = [weights.class_names.index(name) for name in plan.names]
    row = {name: m for m, name in enumerate(weights.members)}
    summed = np.stack(
        [
            weights.weights[[row[member.name] for member in source.members]][:, columns].sum(axis=0)
            for source in sources
        ],
        axis=1,
    )
    shares = summed / summed.sum(axis=1, keepdims=True)
    return Rules(shares, scale.shares(weights.thresholds[columns]))

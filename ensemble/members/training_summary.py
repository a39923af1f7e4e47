"""What the engine reads of a manifest's training summary, which is otherwise for people."""

from __future__ import annotations

from collections.abc import Iterable

from ensemble.members.manifest import Manifest

GROUPS = "groups"
"""Key of the expression for groups in zoo.yaml, None where images were grouped by folder."""

FAMILY, HELD_OUT = "family", "held_out"
"""Keys of the name that the members of all folds share, and of the images (names in the training
folder) that a member did not learn from; only where a fold of that folder was held out."""


def stated_groups(manifests: Iterable[Manifest]) -> str | None:
    """The expression for groups of all members that state one, None if none does or two differ."""
    stated = {manifest.training.get(GROUPS) for manifest in manifests}
    expressions = [groups for groups in stated if isinstance(groups, str)]
    return expressions[0] if len(expressions) == 1 else None

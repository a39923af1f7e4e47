"""What a weights file says of itself, as far as it does: people edit these files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ensemble.fusion.weights_file import read_weights_file

_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Evidence:
    """`overall` and by class, as `ens tune-weights` writes it; `rules`: what each class follows."""

    overall: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Evidence:
        """That of a weights file; raises WeightsError as `read_weights`."""
        stored = read_weights_file(path)
        return cls(
            stored.evidence,
            {name: entry.rule for name, entry in stored.classes.items()},
            {name: entry.evidence for name, entry in stored.classes.items()},
        )

    @property
    def out_of_fold(self) -> float:
        """The score of what was kept, on images that neither fit nor choice saw; NaN if unsaid."""
        score = self.overall.get("score")
        if not isinstance(score, dict):
            return _NAN
        kept = score.get("kept", score.get(str(self.overall.get("simple_rule"))))
        return _number(kept, "mean")

    @property
    def metric(self) -> str:
        """What was maximised."""
        return str(self.overall.get("metric", "Dice"))

    def variants(self) -> list[tuple[str, str, float, float, float]]:
        """Views, space, score, gain over the first and seconds of what was tried."""
        tried = self.overall.get("variants")
        entries = (
            [each for each in tried if isinstance(each, dict)] if isinstance(tried, list) else []
        )
        return [
            (
                str(each.get("views") or "identity"),
                str(each.get("space", "")),
                _number(each, "score"),
                _number(each.get("gain"), "mean"),
                _number(each, "seconds_an_image"),
            )
            for each in entries
        ]

    def of_class(self, name: str, kind: str, part: str) -> float:
        """A figure of a class, as ("gain_of_tuned", "low"); NaN if unsaid."""
        return _number(self.classes.get(name, {}).get(kind), part)


def _number(entry: object, key: str) -> float:
    value = entry.get(key) if isinstance(entry, dict) else None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and value is not None else _NAN

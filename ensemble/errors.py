"""The errors that a user can cause, and nothing else.

    EnsError
    ├── DataError (ValueError)          a data set that does not hold together
    │   ├── ImageError                  an image that cannot be read or used
    │   ├── LabelError                  a label that cannot be read or used
    │   └── ClassListError              class names, their order, mirror pairs
    ├── RleError (ValueError)           a malformed run-length string or run array
    ├── MemberError (ValueError)        a member file, its manifest, its output
    ├── WeightsError (ValueError)       a weights file, or weights that fit other members
    ├── ConfigError (ValueError)        zoo.yaml and option values
    ├── DeviceError (RuntimeError)      a device that is not there or too small
    │   └── DeviceMemoryError           members or images that do not fit its memory
    └── OutputError (OSError)           a result that cannot be written or continued

A bug is none of these and keeps its traceback. The command line catches `EnsError` only.
"""

from __future__ import annotations

from collections.abc import Sequence


class EnsError(Exception):
    """What is wrong, where, what was expected, what was got, and what to do about it, on one line.

    Inner code states the fact; a boundary that knows the file, member or view adds it with
    `raise error.at(place) from error`.
    """

    def __init__(
        self,
        what: str,
        *,
        where: object = None,
        expected: object = None,
        got: object = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.expected = expected
        self.got = got
        self.remedy = remedy

    def at(self, where: object) -> EnsError:
        """The same error, placed: `where` comes before the place that it already names."""
        place = where if self.where is None else f"{where}: {self.where}"
        return type(self)(
            self.what, where=place, expected=self.expected, got=self.got, remedy=self.remedy
        )

    def __str__(self) -> str:
        line = self.what if self.where is None else f"{self.where}: {self.what}"
        facts = [
            f"{word} {value}"
            for word, value in (("expected", self.expected), ("got", self.got))
            if value is not None
        ]
        if facts:
            line += f": {', '.join(facts)}"
        if self.remedy is not None:
            line += f" ({self.remedy})"
        return " ".join(line.split())


class DataError(EnsError, ValueError):
    """A data set that does not hold together: missing, unpaired or contradictory files."""


class ImageError(DataError):
    """An image that cannot be read, or whose size or type cannot be used."""


class LabelError(DataError):
    """A label that cannot be read, or that does not fit its image."""


class ClassListError(DataError):
    """Class names that are unknown, doubled, missing or paired wrongly."""


class RleError(EnsError, ValueError):
    """A malformed run-length string or run array."""


class MemberError(EnsError, ValueError):
    """A file that is no member, a manifest that does not fit, or an output that is no soft map."""


class WeightsError(EnsError, ValueError):
    """A weights file that is malformed, or made for other members or classes."""


class ConfigError(EnsError, ValueError):
    """A setting in zoo.yaml or on the command line that cannot be used."""


class DeviceError(EnsError, RuntimeError):
    """A device that is not there, or has not enough memory."""


class DeviceMemoryError(DeviceError):
    """What was to run on a device does not fit into its memory."""


class OutputError(EnsError, OSError):
    """A result that cannot be written, or an interrupted one that cannot be continued."""


def few(names: Sequence[str], most: int = 5) -> str:
    """The first few names for a message, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more

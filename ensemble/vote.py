"""Vote: prediction files of models that nobody can run any more become one, in run space.

    tables -> joined by image and class -> runs -> weighted vote -> strings, one image at a time

Held are the names and places of all rows, and the strings of one image. Votes need no image: sizes
matter only where the order of the runs changes, or where their ends are to be checked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ensemble.datasets import ImageFolder
from ensemble.errors import ConfigError, DataError, EnsError, few
from ensemble.images import image_size
from ensemble.labels.pairing import pair_names
from ensemble.outputs.rle_csv import Row, write_predictions
from ensemble.progress import Progress, silent
from ensemble.rle import (
    RleFormat,
    Runs,
    check_runs,
    empty_runs,
    format_pairs,
    parse_pairs,
    reorder,
)
from ensemble.rle_table import RleTable, open_rle_table
from ensemble.run_algebra import VoteRule, vote, vote_rule
from ensemble.wording import counted

Missing = Literal["refuse", "empty"]
SizeOf = Callable[[str], tuple[int, int]]

_NUM_LISTED = 5


@dataclass(frozen=True, slots=True)
class VoteSettings:
    """What wins, and how strings are read and written.

    A pixel wins if the files that hold it have more than `threshold` of the summed weight; without
    `weights` each file counts once. `missing`: a row that other files have is an error, or an empty
    mask. `written` is as `read` unless it is given.
    """

    weights: tuple[float, ...] | None = None
    threshold: float = 0.5
    missing: Missing = "refuse"
    read: RleFormat = RleFormat()
    written: RleFormat | None = None


@dataclass(frozen=True, slots=True)
class VoteSummary:
    """What was voted on: rows in the result, and how many rows a file lacked, the first of them."""

    path: Path
    num_images: int
    num_rows: int
    num_missing: int
    first_missing: tuple[str, ...] = ()


def vote_files(
    paths: Sequence[Path],
    out: Path,
    settings: VoteSettings | None = None,
    *,
    images: ImageFolder | None = None,
    progress: Progress = silent,
) -> VoteSummary:
    """Write the vote of prediction files on every image and class, in the order of the first file.

    Rows are joined by image name and class, to the letter. With `images`, which must be those of
    the files, every run must end inside of its image. Raises DataError for a file without rows, and
    one that lists rows that are missing in a file, unless they count as empty; ConfigError for a
    file that is given twice or is also `out`, and for weights or formats that do not fit; RleError
    with file, line, image and class for a malformed string.
    """
    settings = settings or VoteSettings()
    _refuse_same_files(paths, out)
    rule = vote_rule(_weights(settings, len(paths)), settings.threshold)
    _refuse_unknown_sizes(settings, images)
    tables = [_open_table(path) for path in paths]
    joined = _join(tables)
    num_rows = sum(map(len, joined.values()))
    missing = list(_missing_rows(tables, joined))
    if missing and settings.missing == "refuse":
        raise DataError(
            counted(
                len(missing), "row of another file is missing", "rows of other files are missing"
            ),
            got=few(missing),
            remedy="to count them as empty masks, use --missing empty",
        )
    size_of = None if images is None else _size_reader(images, joined, paths[0])
    polls = _Polls(tables, rule, settings, size_of)
    with progress("voting", len(joined)) as advance:
        write_predictions(out, polls.rows(joined, advance))
    return VoteSummary(out, len(joined), num_rows, len(missing), tuple(missing[:_NUM_LISTED]))


def _refuse_same_files(paths: Sequence[Path], out: Path) -> None:
    times = Counter(path.resolve() for path in paths)
    if doubled := [str(path) for path, count in times.items() if count > 1]:
        raise ConfigError(
            "a file is given twice",
            got=few(doubled),
            remedy="to count a file more than others, use --weights",
        )
    if out.resolve() in times:
        raise ConfigError(
            "the result would overwrite one of the files that vote",
            where=out,
            remedy="give --out another name",
        )


def _open_table(path: Path) -> RleTable:
    table = open_rle_table(path)
    if not table.places:
        raise DataError("holds no rows, so there is nothing to vote on", where=path)
    return table


def _weights(settings: VoteSettings, num_files: int) -> tuple[float, ...]:
    if settings.weights is None:
        return (1.0,) * num_files
    if len(settings.weights) != num_files:
        raise ConfigError(
            "weights do not fit the files",
            expected=f"{num_files}, one a file",
            got=f"{len(settings.weights)}: {', '.join(map(str, settings.weights))}",
        )
    return settings.weights


def _refuse_unknown_sizes(settings: VoteSettings, images: ImageFolder | None) -> None:
    written = settings.written or settings.read
    if written.order != settings.read.order and images is None:
        raise ConfigError(
            f"runs in {settings.read.order} order cannot be written in {written.order} order",
            expected="the sizes of the images",
            remedy="name their folder with --images",
        )


def _join(tables: Sequence[RleTable]) -> dict[str, list[str]]:
    """Classes by image of all tables: those of the first in its order, then what others add."""
    joined: dict[str, dict[str, None]] = {}
    for table in tables:
        for image_name, rows in table.places.items():
            joined.setdefault(image_name, {}).update(dict.fromkeys(rows))
    return {image_name: list(rows) for image_name, rows in joined.items()}


def _missing_rows(tables: Sequence[RleTable], joined: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for table in tables:
        for image_name, class_names in joined.items():
            rows = table.places.get(image_name, {})
            for class_name in class_names:
                if class_name not in rows:
                    yield f"{table.path} has no {image_name}, {class_name}"


def _size_reader(images: ImageFolder, joined: Mapping[str, object], where: Path) -> SizeOf:
    """(H, W) by image name as the files have it; raises DataError unless images pair up."""
    names = pair_names(where, images.samples, joined, what="prediction")
    paths = {sample.name: sample.image for sample in images.samples}
    return lambda image_name: image_size(paths[names[image_name]])


@dataclass(frozen=True, slots=True)
class _Polls:
    """All that is needed to vote on an image."""

    tables: Sequence[RleTable]
    rule: VoteRule
    settings: VoteSettings
    size_of: SizeOf | None

    def rows(
        self, joined: Mapping[str, Sequence[str]], advance: Callable[[int], None]
    ) -> Iterator[Row]:
        """Rows of the result, made one image at a time."""
        for image_name, class_names in joined.items():
            size = None if self.size_of is None else self.size_of(image_name)
            ballots = [
                table.strings(image_name) if image_name in table.places else {}
                for table in self.tables
            ]
            for class_name in class_names:
                masks = [
                    self._runs(table, strings, (image_name, class_name), size)
                    for table, strings in zip(self.tables, ballots, strict=True)
                ]
                yield image_name, class_name, self._format(vote(masks, self.rule), size)
            advance(1)

    def _runs(
        self,
        table: RleTable,
        strings: Mapping[str, str],
        key: tuple[str, str],
        size: tuple[int, int] | None,
    ) -> Runs:
        text = strings.get(key[1], "")
        if not text:
            return empty_runs()
        try:
            runs = parse_pairs(text, base=self.settings.read.base)
            if size is not None:
                check_runs(runs, size)
        except EnsError as error:
            raise error.at(f"{table.where(*key)}: {', '.join(key)}") from error
        return runs

    def _format(self, runs: Runs, size: tuple[int, int] | None) -> str:
        read, written = self.settings.read, self.settings.written or self.settings.read
        if size is not None:
            runs = reorder(runs, size, read.order, written.order)
        return format_pairs(runs, base=written.base)

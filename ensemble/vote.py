"""Vote: prediction files of models that nobody can run any more become one, in run space.

    tables -> joined by image and class -> runs -> weighted vote -> strings, one image at a time

Votes need no image: sizes matter only where the order of the runs changes, or where their ends are
to be checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ensemble.data.datasets import ImageFolder
from ensemble.data.labels.pairing import pair_names
from ensemble.errors import ConfigError
from ensemble.files.output_place import refuse_overwriting
from ensemble.images.reading import image_size
from ensemble.outputs.rle_csv import Row, write_predictions
from ensemble.progress import Progress, silent
from ensemble.runs.joined_tables import JoinedTables, Missing, join_tables
from ensemble.runs.rle import RleFormat, Runs, format_pairs, reorder
from ensemble.runs.run_algebra import VoteRule, vote, vote_rule

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
    refuse_overwriting(out, paths)
    rule = vote_rule(_weights(settings, len(paths)), settings.threshold)
    _refuse_unknown_sizes(settings, images)
    joined = join_tables(
        paths,
        base=settings.read.base,
        missing=settings.missing,
        if_twice="to count a file more than others, use --weights",
    )
    size_of = None if images is None else size_reader(images, joined.classes_of, paths[0])
    polls = _Polls(joined, rule, settings, size_of)
    with progress("voting", len(joined.classes_of)) as advance:
        write_predictions(out, polls.rows(advance))
    missing = joined.missing
    return VoteSummary(
        out, len(joined.classes_of), joined.num_rows, len(missing), missing[:_NUM_LISTED]
    )


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


def size_reader(images: ImageFolder, joined: Mapping[str, object], where: Path) -> SizeOf:
    """(H, W) by image name as the files have it; raises DataError unless images pair up."""
    names = pair_names(where, images.samples, joined, what="prediction")
    paths = {sample.name: sample.image for sample in images.samples}
    return lambda image_name: image_size(paths[names[image_name]])


@dataclass(frozen=True, slots=True)
class _Polls:
    """All that is needed to vote on an image."""

    joined: JoinedTables
    rule: VoteRule
    settings: VoteSettings
    size_of: SizeOf | None

    def rows(self, advance: Callable[[int], None]) -> Iterator[Row]:
        """Rows of the result, made one image at a time."""
        for image_name in self.joined.classes_of:
            size = None if self.size_of is None else self.size_of(image_name)
            for class_name, masks in self.joined.masks(image_name, size):
                yield image_name, class_name, self._format(vote(masks, self.rule), size)
            advance(1)

    def _format(self, runs: Runs, size: tuple[int, int] | None) -> str:
        read, written = self.settings.read, self.settings.written or self.settings.read
        if size is not None:
            runs = reorder(runs, size, read.order, written.order)
        return format_pairs(runs, base=written.base)

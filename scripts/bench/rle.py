"""Finished masks to run-length strings: against other encoders, and reading the masks once.

    python scripts/bench/rle.py [--quick]     # pip install -e '.[bench]' for the encoders

29 masks of 2048 x 2048 of the phantom, as bytes in both memory orders and as bits, on two threads
and on one. Every encoder gets them in the order that suits it, in the same memory; ours writes
row-major "start length" strings from C order, and COCO's, as all the others do, from Fortran order.
Strings are compared with pycocotools before anything is timed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pycocotools.mask
from masks import measured, peer_encoders
from numpy.typing import NDArray

from contest import contest_rle
from ensemble.runs.coco_rle import format_coco
from ensemble.runs.rle import encode, encode_packed, format_pairs, format_rle, transpose
from measure import Row, Times, compare, machine, print_summary
from phantom_maps import phantom_masks

Masks = NDArray[np.uint8]
PACKED_TARGET = 0.25


def main() -> None:
    """Check, then measure the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few rounds: a look, no figures")
    parser.add_argument("--size", type=int, default=2048)
    options = parser.parse_args()
    rounds = 5 if options.quick else 61
    print(machine("numpy", "numba", "hotcoco", "RLEMaskLib", "pycocotools"))
    masks = phantom_masks(0, options.size).view(np.uint8)
    print(f"{masks.mean():.2%} of the pixels are foreground")
    check(masks)
    with ThreadPoolExecutor(2) as pool:
        rows = encoder_rows(masks, pool, rounds)
    rows += [packed_row(masks, rounds), contest_row(masks, rounds), order_row(masks, rounds)]
    print_summary(rows)


def row_string(mask: Masks) -> str:
    """Of a mask in C order."""
    return format_pairs(encode(mask))


def column_string(mask: Masks) -> str:
    """COCO's, of a mask in Fortran order."""
    return format_coco(encode(mask, order="column"), mask.shape, order="column")


def check(masks: Masks) -> None:
    """End here unless strings are those of pycocotools and of the contest's numpy."""
    for mask in masks:
        fortran = np.asfortranarray(mask)
        theirs = pycocotools.mask.encode(fortran)["counts"].decode("ascii")
        packed = format_pairs(encode_packed(packed_words(mask), mask.shape))
        if column_string(fortran) != theirs or {row_string(mask), packed} != {contest_rle(mask)}:
            raise SystemExit("strings differ from those of the others, which measures nothing")


def packed_words(mask: Masks) -> NDArray[np.uint64]:
    """64 pixels a word; the number of pixels is a multiple of 64."""
    return np.packbits(mask.reshape(-1), bitorder="little").view(np.uint64)


def encoder_rows(masks: Masks, pool: ThreadPoolExecutor, rounds: int) -> list[Row]:
    """Both memory orders against the fastest of the others, and all of them on one thread."""
    fortran = [mask.T for mask in masks]  # in the same memory, as the others get them
    words = masks.reshape(-1).view(np.uint64)
    work: dict[str, Callable[[], object]] = {
        "ours, C order, threads": lambda: in_threads(pool, row_string, masks),
        "ours, Fortran order, threads": lambda: in_threads(pool, column_string, fortran),
        "ours, C order, one thread": lambda: [row_string(mask) for mask in masks],
        "ours, Fortran order, one thread": lambda: [column_string(mask) for mask in fortran],
        "floor, reading the masks": words.sum,
    }
    peers = peer_encoders(masks, pool)
    times = measured("finished masks to strings", work | peers, rounds)
    alone = [name for name in peers if "threads" not in name]
    rows = []
    for name in (name for name in work if name.startswith("ours")):
        is_alone = name.endswith("one thread")
        rows.append(against_fastest(name, times, alone if is_alone else list(peers)))
        if is_alone:
            floor = f"{name}, ms, against reading the masks once"
            rows.append(compare(floor, times[name], times["floor, reading the masks"]))
    return rows


def in_threads(
    pool: ThreadPoolExecutor, encoder: Callable[[Masks], str], masks: Sequence[Masks]
) -> list[list[str]]:
    """Half of the masks a thread: handing them out one by one takes long beside the work."""
    parts = [masks[::2], masks[1::2]]
    return list(pool.map(lambda part: [encoder(mask) for mask in part], parts))


def against_fastest(name: str, times: Mapping[str, Times], peers: Sequence[str]) -> Row:
    """A row against the peer whose median is the least."""
    fastest = min(peers, key=lambda peer: times[peer].median)
    return compare(f"{name}, ms, against {fastest}", times[name], times[fastest], 1.0)


def packed_row(masks: Masks, rounds: int) -> Row:
    """Bits, on one thread, against reading the words once."""
    packed = np.stack([packed_words(mask) for mask in masks])
    size = masks.shape[1:]
    times = measured(
        "packed masks to strings",
        {
            "ours": lambda: [format_pairs(encode_packed(words, size)) for words in packed],
            "reading": lambda: np.bitwise_or.reduce(packed, axis=None),
        },
        rounds,
    )
    name = "packed masks to strings, ms, against reading the words once"
    return compare(name, times["ours"], times["reading"], PACKED_TARGET)


def contest_row(masks: Masks, rounds: int) -> Row:
    """Against the contest's own function."""
    times = measured(
        "against numpy",
        {
            "ours": lambda: [row_string(mask) for mask in masks],
            "contest": lambda: [contest_rle(mask) for mask in masks],
        },
        min(rounds, 9),
    )
    return compare("C order, one thread, ms, against numpy", times["ours"], times["contest"])


def order_row(masks: Masks, rounds: int) -> Row:
    """Column-major strings of row-major masks: by transposing runs, and by transposing masks."""
    size = masks.shape[1:]
    times = measured(
        "the other order",
        {
            "runs": lambda: [format_pairs(transpose(encode(mask), size)) for mask in masks],
            "masks": lambda: [format_rle(encode(np.ascontiguousarray(m.T)), size) for m in masks],
        },
        min(rounds, 9),
    )
    name = "column-major strings of C order, ms, against transposing masks"
    return compare(name, times["runs"], times["masks"])


if __name__ == "__main__":
    main()

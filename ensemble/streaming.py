"""Work in threads, in order, with a bound on what is held: beside the caller or in its pauses."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# How a function is run for each of several items: `map`, or the `map` of `Stripes`.
Mapper = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]


def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item], *, threads: int, ahead: int
) -> Iterator[Result]:
    """`map` in threads: results in the order of the items, at most `ahead` items in flight.

    Items are drawn only as room appears, so that a chain of such maps is bounded as a whole. The
    first exception ends the map, after the items in flight.
    """
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def stepwise_map(
    function: Callable[[Item], Result], items: Iterable[Item], *, threads: int, ahead: int
) -> Iterator[Result]:
    """As `ordered_map`, but threads work only while the caller waits: `ahead` items in one step.

    For a caller that keeps all cores busy itself: what runs beside it takes more from it than the
    work is worth, since the threads of its own loops wait for the one that was interrupted.
    """
    source = iter(items)
    with ThreadPoolExecutor(threads) as pool:
        while step := list(islice(source, ahead)):
            yield from list(pool.map(function, step))


class Stripes:
    """Threads that share one short piece of work: each takes every n-th item, once.

    An item each, as pools take them, costs more than a kernel that runs for a tenth of a
    millisecond.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads)

    def __enter__(self) -> Stripes:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Results in the order of the items; the first exception, if any is raised."""
        given = list(items)
        stripes = [given[first :: self._threads] for first in range(self._threads)]
        answers = self._pool.map(lambda stripe: [function(item) for item in stripe], stripes)
        results: list[Any] = [None] * len(given)
        for first, answer in enumerate(answers):
            results[first :: self._threads] = answer
        return results

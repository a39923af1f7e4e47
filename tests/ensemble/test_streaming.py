import threading
import time

import pytest

from ensemble.streaming import ordered_map


def test_results_keep_the_order_of_items():
    def slow_for_small(item):
        time.sleep(0.02 / (item + 1))
        return item * item

    assert list(ordered_map(slow_for_small, range(20), threads=4, ahead=6)) == [
        i * i for i in range(20)
    ]


def test_items_are_drawn_only_as_room_appears():
    drawn = []

    def items():
        for item in range(100):
            drawn.append(item)
            yield item

    results = ordered_map(lambda item: item, items(), threads=2, ahead=5)
    for _ in range(10):
        next(results)
    assert len(drawn) <= 10 + 5
    results.close()


def test_work_is_done_beside_the_caller():
    caller = threading.get_ident()
    workers = set(ordered_map(lambda _: threading.get_ident(), range(8), threads=2, ahead=4))
    assert caller not in workers


def test_an_exception_reaches_the_caller_after_the_results_before_it():
    results = ordered_map(lambda item: 1 // item, [1, 1, 0, 1], threads=2, ahead=2)
    assert [next(results), next(results)] == [1, 1]
    with pytest.raises(ZeroDivisionError):
        list(results)

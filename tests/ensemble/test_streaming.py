import threading
import time

import pytest

from ensemble.streaming import Stripes, ordered_map, stepwise_map

both = pytest.mark.parametrize("mapped", [ordered_map, stepwise_map])


@both
def test_results_keep_the_order_of_items(mapped):
    def slow_for_small(item):
        time.sleep(0.02 / (item + 1))
        return item * item

    results = list(mapped(slow_for_small, range(20), threads=4, ahead=6))
    assert results == [item * item for item in range(20)]


@both
def test_items_are_drawn_only_as_room_appears(mapped):
    drawn = []

    def items():
        for item in range(100):
            drawn.append(item)
            yield item

    results = mapped(lambda item: item, items(), threads=2, ahead=5)
    for _ in range(10):
        next(results)
    assert len(drawn) <= 10 + 5
    results.close()


@both
def test_work_is_done_in_other_threads(mapped):
    caller = threading.get_ident()
    workers = set(mapped(lambda _: threading.get_ident(), range(8), threads=2, ahead=4))
    assert caller not in workers


@both
def test_an_exception_reaches_the_caller_after_the_results_of_the_step_before_it(mapped):
    results = mapped(lambda item: 1 // item, [1, 1, 0, 1], threads=2, ahead=2)
    assert [next(results), next(results)] == [1, 1]
    with pytest.raises(ZeroDivisionError):
        list(results)


def test_a_stepwise_map_rests_while_its_caller_works():
    begun = []
    results = stepwise_map(begun.append, range(6), threads=2, ahead=3)
    for expected in (3, 3, 3, 6, 6, 6):
        next(results)
        time.sleep(0.002)
        assert len(begun) == expected


@pytest.mark.parametrize("count", [0, 1, 2, 3, 10])
def test_stripes_answer_in_the_order_of_the_items(count):
    with Stripes(3) as stripes:
        assert stripes.map(lambda item: item * item, range(count)) == [i * i for i in range(count)]


def test_stripes_are_taken_by_several_threads_and_raise_what_was_raised():
    meeting = threading.Barrier(3, timeout=10)
    with Stripes(3) as stripes:
        assert len(set(stripes.map(lambda _: meeting.wait(), range(3)))) == 3
        with pytest.raises(ZeroDivisionError):
            stripes.map(lambda item: 1 // item, [1, 1, 0, 1])

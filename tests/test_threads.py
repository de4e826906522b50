"""Values made one ahead: the same in the same order, and really beside the reader. Values dealt out: each to one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from recsys.threads import ahead, dealt


def test_the_values_come_as_they_would_without_a_thread() -> None:
    assert list(ahead(iter([]))) == []
    assert list(ahead(iter(range(7)))) == list(range(7))
    assert list(ahead(iter([None, 0, ""]))) == [None, 0, ""]


def test_the_next_value_is_made_while_the_reader_works_on_the_last() -> None:
    begun = [threading.Event() for _ in range(3)]

    def values() -> Iterator[int]:
        for number, event in enumerate(begun):
            event.set()
            yield number

    read = ahead(values())
    assert next(read) == 0
    assert begun[1].wait(10)
    assert not begun[2].wait(0.05)
    assert list(read) == [1, 2]


def test_an_error_reaches_the_reader_after_the_values_before_it() -> None:
    def values() -> Iterator[int]:
        yield 1
        raise ValueError("the second cannot be made")

    read = ahead(values())
    assert next(read) == 1
    with pytest.raises(ValueError, match="the second cannot be made"):
        next(read)


def test_a_reader_that_stops_early_ends_the_thread() -> None:
    before = threading.active_count()
    read = ahead(iter(range(100)))
    assert next(read) == 0
    read.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_each_value_is_dealt_to_one_thread() -> None:
    assert sorted(value for hand in dealt(range(1_000), list, 3) for value in hand) == list(range(1_000))
    assert dealt([], list, 2) == [[], []]


def test_whoever_is_free_takes_the_next_value() -> None:
    rest_done = threading.Event()

    def work(values: Iterator[int]) -> list[int]:
        taken = []
        for value in values:
            taken.append(value)
            assert value or rest_done.wait(10), "the other thread did not go on"
            if value == 5:
                rest_done.set()
        return taken

    assert sorted(dealt(range(6), work, 2)) == [[0], [1, 2, 3, 4, 5]]


def test_an_error_is_raised_when_all_threads_have_ended() -> None:
    ended = []

    def work(values: Iterator[int]) -> None:
        for value in values:
            if value == 0:
                raise ValueError("zero")
            time.sleep(0.01)
            ended.append(value)

    with pytest.raises(ValueError, match="zero"):
        dealt(range(5), work, 2)
    assert ended == [1, 2, 3, 4]

"""Values made one ahead: the same in the same order, and really beside the reader."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from recsys.ahead import ahead


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

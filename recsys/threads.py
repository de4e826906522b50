"""Values made one ahead of whoever reads them, and values dealt out to threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, cast

T = TypeVar("T")
Result = TypeVar("Result")
_END = object()


def ahead(values: Iterator[T]) -> Iterator[T]:
    """`values` in their order, the next one made in a thread while the reader works on the last.

    Memory holds two values instead of one. What `values` raises is raised where it would be without the thread.
    """
    with ThreadPoolExecutor(1) as beside:
        waiting = beside.submit(next, values, _END)
        while (value := waiting.result()) is not _END:
            waiting = beside.submit(next, values, _END)
            yield cast(T, value)


def dealt(values: Iterable[T], work: Callable[[Iterator[T]], Result], threads: int) -> list[Result]:
    """What `work` returns in each of `threads` threads, to which `values` are dealt one by one, as each asks for more.

    What `work` raises is raised when all threads have ended.
    """
    waiting = deque(values)
    with ThreadPoolExecutor(threads) as beside:
        hands = [beside.submit(work, _taken(waiting)) for _ in range(threads)]
    return [hand.result() for hand in hands]


def _taken(waiting: deque[T]) -> Iterator[T]:
    while True:
        try:
            value = waiting.popleft()
        except IndexError:
            return
        yield value

"""Values made one ahead of whoever reads them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, cast

T = TypeVar("T")
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

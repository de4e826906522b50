"""Peak memory of the demonstration: its own processes, those of Airflow and of Postgres, sampled while it runs."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

_NEAR_HIGHEST = 0.95


class PeakMemory:
    """Samples, every `seconds`, the memory of the trees below the processes that `roots` names; `peak_bytes` so far.

    Proportional set size: a page that several processes share is counted once. Where the system does not give it
    (another user's process), the resident size without its shared part stands in. Telling the former walks over all
    pages, so it is asked for where the latter, which costs nothing, is within a twentieth of its highest.
    """

    def __init__(self, roots: Callable[[], list[int]], seconds: float = 3.0) -> None:
        self.peak_bytes = 0
        self._highest = 0
        self._roots = roots
        self._seconds = seconds
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._done.wait(self._seconds):
            self._look()

    def _look(self) -> None:
        processes = tree([os.getpid(), *self._roots()])
        unshared = sum(map(unshared_bytes, processes))
        self._highest = max(self._highest, unshared)
        if unshared >= _NEAR_HIGHEST * self._highest:
            self.peak_bytes = max(self.peak_bytes, sum(map(memory_bytes, processes)))


def tree(roots: list[int]) -> set[int]:
    """Numbers of the processes in `roots` and of all below them."""
    children: dict[int, list[int]] = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            children[int(stat.read_text().rpartition(")")[2].split()[1])].append(int(stat.parent.name))
        except (OSError, IndexError):
            continue
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        process = waiting.pop()
        if process not in found:
            found.add(process)
            waiting += children[process]
    return found


def memory_bytes(process: int) -> int:
    """Memory that the process answers for; 0 when it has ended."""
    folder = Path(f"/proc/{process}")
    try:
        for line in (folder / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except (PermissionError, FileNotFoundError, ProcessLookupError):
        pass
    return unshared_bytes(process)


def unshared_bytes(process: int) -> int:
    """Resident memory that the process shares with no file or segment; 0 when it has ended."""
    try:
        _, resident, shared = map(int, Path(f"/proc/{process}/statm").read_text().split()[:3])
    except (OSError, ValueError):
        return 0
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE")

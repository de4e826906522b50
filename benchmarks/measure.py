"""Run a command as a process of its own and take its seconds and its peak memory from the operating system.

Memory is the kernel's own high-water mark, looked at while the process runs: what wait4 gives counts the memory of the
parent, from which the process was forked, too.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PAUSE_SECONDS = 0.02


@dataclass(frozen=True)
class Measure:
    """Seconds of wall time, peak resident memory in MiB, exit code, and what the command printed."""

    seconds: float
    peak_mib: float
    code: int
    output: str


def measure(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Measure:
    """Run `command` to its end; its standard output is kept, its errors go to the terminal."""
    start = time.perf_counter()
    with subprocess.Popen(
        list(command), stdout=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})}
    ) as process:
        assert process.stdout is not None
        ended, peaks = threading.Event(), [0.0]
        watcher = threading.Thread(target=_watch, args=(process.pid, ended, peaks))
        watcher.start()
        output = process.stdout.read()
        process.wait()
        seconds = time.perf_counter() - start
        ended.set()
        watcher.join()
    return Measure(seconds, max(peaks), process.returncode, output)


def _watch(pid: int, ended: threading.Event, peaks: list[float]) -> None:
    status = Path(f"/proc/{pid}/status")
    while not ended.wait(_PAUSE_SECONDS):
        try:
            lines = status.read_text().splitlines()
        except OSError:
            return
        peaks += [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")]


def measure_python(*arguments: str, environment: Mapping[str, str] | None = None) -> Measure:
    """`measure` of this interpreter with `arguments`."""
    return measure([sys.executable, *arguments], environment)

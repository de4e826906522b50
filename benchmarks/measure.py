"""Run a command as a process of its own and take its seconds and its peak memory from the operating system."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


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
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return Measure(time.perf_counter() - start, usage.ru_maxrss / 1024, process.returncode, output)


def measure_python(*arguments: str, environment: Mapping[str, str] | None = None) -> Measure:
    """`measure` of this interpreter with `arguments`."""
    return measure([sys.executable, *arguments], environment)

"""The demonstration's memory: of whole process trees, and nothing for what has ended."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from demo.memory import PeakMemory, memory_bytes, tree

HOG = "import sys; block = bytearray(60_000_000); print('ready', flush=True); sys.stdin.read()"


def _hog() -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOG], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_a_child_counts_with_its_parent_and_no_longer_when_it_ended() -> None:
    process = _hog()
    assert process.pid in tree([os.getpid()])
    assert memory_bytes(process.pid) > 60_000_000
    process.communicate("")
    assert process.pid not in tree([os.getpid()])
    assert memory_bytes(process.pid) == 0


def test_the_peak_is_kept_after_the_memory_was_given_back() -> None:
    with PeakMemory(lambda: [], seconds=0.02) as memory:
        process = _hog()
        deadline = time.monotonic() + 20
        while memory.peak_bytes < 60_000_000 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.communicate("")
        time.sleep(0.2)
    assert memory.peak_bytes >= 60_000_000


def test_a_block_shorter_than_the_interval_is_looked_at_once() -> None:
    with PeakMemory(lambda: [], seconds=60) as memory:
        pass
    assert memory.peak_bytes > 0

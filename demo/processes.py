"""Servers that outlive the command which started them: started by number and start time, and ended by both.

A number that the system has given to another program meanwhile is recognised by its start time and left alone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from demo.memory import tree

HOST = "127.0.0.1"
Process = dict[str, Any]
"""A started process as it is remembered in a file: its number `pid`, and when it `started`, in the system's count."""


def launch(command: Sequence[str], log: Path, environment: Mapping[str, str], folder: Path) -> Process:
    """Start `command` in `folder`, the leader of a group of its own, its output in `log`."""
    with log.open("w") as output:
        process = subprocess.Popen(
            list(command),
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return {"pid": process.pid, "started": started(process.pid)}


def alive(process: Process | None) -> bool:
    """Whether it is that very process that still runs."""
    return process is not None and started(process["pid"]) == process["started"] is not None


def started(pid: int) -> str | None:
    """When the process began, in the system's own count, or None when it is not running."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def end(process: Process | None, seconds: float) -> bool:
    """End the process with its group and everything below it: ask, wait, then force; False when it did not run."""
    if process is None or not alive(process):
        return False
    below = [{"pid": pid, "started": started(pid)} for pid in tree([process["pid"]])]
    _end_group(process["pid"], seconds)
    _end_each(below)
    return True


def free_port(wanted: int) -> int | None:
    """`wanted` where nothing listens there, else any free port of this machine's loopback; None: there is none."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    return None


def tail(log: Path, lines: int = 40) -> str:
    """The last `lines` of `log`."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def _end_group(group: int, seconds: float) -> None:
    for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 5.0)):
        deadline = time.monotonic() + patience
        try:
            os.killpg(group, number)
            while time.monotonic() < deadline:
                _reap(group)
                os.killpg(group, 0)
                time.sleep(0.1)
        except ProcessLookupError:
            return


def _end_each(processes: list[Process], seconds: float = 5.0) -> None:
    """End what is left of a service's tree: running tasks lead groups of their own and would outlive it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        left = [process["pid"] for process in processes if alive(process)]
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        deadline = time.monotonic() + seconds
        while left and time.monotonic() < deadline and any(alive(process) for process in processes):
            time.sleep(0.1)


def _reap(pid: int) -> None:
    """Collect the child if it is ours, so that an ended one does not count as alive."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return

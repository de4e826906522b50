"""Follow runs through the REST API and print each task when it ends."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from typing import Any

from demo.rest import FINAL_STATES, Airflow, run_state, task_instances, task_log

POLL_SECONDS = 4
ENDED = {"success", "failed", "upstream_failed", "skipped", "removed"}


class RunFailed(RuntimeError):
    """A run failed; the message holds its failing task's log."""


def follow(airflow: Airflow, names: dict[str, str], seconds: float) -> None:
    """Print the tasks of the runs `names` (run id: what to call it) until all have ended.

    Raises RunFailed with the log of the first failing task, or when no task has ended for `seconds`.
    """
    deadline, ended = time.monotonic() + seconds, 0
    printed: set[tuple[str, str, int]] = set()
    waiting = dict(names)
    while waiting:
        running: list[str] = []
        for run_id, name in list(waiting.items()):
            state = run_state(airflow, run_id)
            instances = task_instances(airflow, run_id)
            running += [f"{name} {i['task_id']}" for i in instances if i["state"] in {"running", "queued"}]
            for instance in sorted(instances, key=lambda i: str(i["end_date"] or "")):
                _print_once(name, run_id, instance, printed)
            if state in FINAL_STATES:
                del waiting[run_id]
                if state == "failed":
                    raise RunFailed(_explain(airflow, name, run_id, instances))
        _print_running(running)
        if len(printed) > ended:
            deadline, ended = time.monotonic() + seconds, len(printed)
        if waiting and time.monotonic() > deadline:
            names_left = ", ".join(waiting.values())
            raise RunFailed(f"no task has ended for {seconds:.0f} s: {names_left}; `make demo` waits for them again")
        if waiting:
            time.sleep(POLL_SECONDS)


def _print_once(name: str, run_id: str, instance: dict[str, Any], printed: set[tuple[str, str, int]]) -> None:
    key = (run_id, instance["task_id"], instance["map_index"])
    if key in printed or instance["state"] not in ENDED:
        return
    printed.add(key)
    shard = f"[{instance['map_index']}]" if instance["map_index"] >= 0 else ""
    _clear_line()
    print(f"  {name}  {instance['task_id'] + shard:42}{instance['state']:16}{_seconds(instance):8.1f} s", flush=True)


def _print_running(running: list[str]) -> None:
    """On a terminal, keep one line about what runs now; a log file gets none."""
    if sys.stdout.isatty():
        _clear_line()
        print(f"  … {', '.join(running)}"[:110], end="", flush=True)


def _clear_line() -> None:
    if sys.stdout.isatty():
        print("\r\033[K", end="")


def _seconds(instance: dict[str, Any]) -> float:
    """Seconds from the queueing of a task to its end: the start of its process counts."""
    first, last = instance["queued_when"] or instance["start_date"], instance["end_date"]
    if not first or not last:
        return 0.0
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()


def _explain(airflow: Airflow, name: str, run_id: str, instances: list[dict[str, Any]]) -> str:
    failed = [instance for instance in instances if instance["state"] == "failed"]
    if not failed:
        return f"{name} failed without a failed task; run {run_id}"
    first = min(failed, key=lambda instance: str(instance["start_date"] or ""))
    return f"{name}: task {first['task_id']} failed; its log:\n{task_log(airflow, run_id, first)}"

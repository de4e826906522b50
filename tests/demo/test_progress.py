"""What a person sees while a run goes on, and when it fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from demo import progress, run_demo
from demo.progress import RunFailed, follow
from demo.rest import Airflow, unfinished

RUN = "manual__2017-12-04T00:00:00+00:00"


class _FakeAirflow(Airflow):
    """Answers as Airflow does: the run moves on with every look at its state."""

    def __init__(self, looks: list[tuple[str, dict[str, str]]]) -> None:
        super().__init__("http://127.0.0.1:1", "admin", "secret")
        self._looks = looks
        self.asked: list[str] = []

    def send(self, method: str, path: str, body: Any = None, accept: str = "application/json") -> str:
        self.asked.append(path)
        if path.endswith("/logs/1?map_index=-1"):
            return json.dumps({"content": [{"event": "the disk is full", "level": "error", "timestamp": None}]})
        state, tasks = self._looks[0]
        if "/taskInstances" in path:
            self._looks = self._looks[1:] or self._looks
            return json.dumps({"task_instances": [_instance(name, state) for name, state in tasks.items()]})
        return json.dumps({"state": state})


def _instance(name: str, state: str) -> dict[str, Any]:
    ended = state in progress.ENDED
    return {
        "task_id": name,
        "map_index": -1,
        "state": state,
        "try_number": 1,
        "queued_when": "2026-01-01T00:00:00Z",
        "start_date": "2026-01-01T00:00:01Z",
        "end_date": "2026-01-01T00:00:03.5Z" if ended else None,
    }


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "POLL_SECONDS", 0)


def test_each_task_is_printed_once_with_its_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    looks = [
        ("running", {"claim_run": "running"}),
        ("running", {"claim_run": "success", "data.extract_events": "running"}),
        ("success", {"claim_run": "success", "data.extract_events": "success"}),
    ]
    follow(_FakeAirflow(looks), {RUN: "2017-12-04"}, seconds=10)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [
        ["2017-12-04", "claim_run", "success", "3.5", "s"],
        ["2017-12-04", "data.extract_events", "success", "3.5", "s"],
    ]


def test_a_failure_shows_the_failing_tasks_log() -> None:
    looks = [
        ("failed", {"claim_run": "success", "data.extract_events": "failed", "data.check_extracts": "upstream_failed"})
    ]
    with pytest.raises(RunFailed, match=r"data\.extract_events failed; its log:\n.*the disk is full"):
        follow(_FakeAirflow(looks), {RUN: "2017-12-04"}, seconds=10)


def test_the_ids_of_runs_are_escaped_in_addresses() -> None:
    airflow = _FakeAirflow([("success", {})])
    follow(airflow, {RUN: "2017-12-04"}, seconds=10)
    assert all("%2B00%3A00" in path for path in airflow.asked)


def test_a_run_in_which_no_task_ends_is_given_up() -> None:
    with pytest.raises(RunFailed, match="no task has ended for 0 s: 2017-12-04"):
        follow(_FakeAirflow([("running", {"claim_run": "running"})]), {RUN: "2017-12-04"}, seconds=0)


def test_a_slow_run_is_waited_for_while_its_tasks_end(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(100))
    monkeypatch.setattr(progress.time, "monotonic", lambda: 1000.0 * next(ticks))
    tasks = ["claim_run", "data.extract_events", "data.check_extracts", "publish"]
    looks = [("running", dict.fromkeys(tasks[: n + 1], "success")) for n in range(3)]
    follow(_FakeAirflow([*looks, ("success", dict.fromkeys(tasks, "success"))]), {RUN: "2017-12-04"}, seconds=3000)


class _FakeRuns(Airflow):
    def send(self, method: str, path: str, body: Any = None, accept: str = "application/json") -> str:
        assert "state=queued&state=running" in path
        runs = [
            ("asked", {"as_of_date": "2017-12-04"}, None),
            ("backfilled", {}, "2017-12-04T04:00:00Z"),
            ("by an asset", None, None),
        ]
        told = [{"dag_run_id": run, "conf": conf, "logical_date": at} for run, conf, at in runs]
        return json.dumps({"dag_runs": told})


def test_unfinished_runs_are_known_by_their_days() -> None:
    assert unfinished(_FakeRuns("http://127.0.0.1:1", "admin", "secret")) == {
        "asked": "2017-12-04",
        "backfilled": "2017-12-05",
    }


def test_the_demonstration_ends_with_an_error_code_after_a_failed_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def fail(folder: Path) -> None:
        raise RunFailed("2017-12-04: task publish failed; its log:\nno space left")

    monkeypatch.setattr(run_demo, "run", fail)
    assert run_demo.main(["--folder", str(tmp_path)]) == 1
    assert "no space left" in capsys.readouterr().err

"""The calls of Airflow's REST API that the demonstration makes, as its UI makes them."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any

DAG = "daily_recommendations"
FINAL_STATES = {"success", "failed"}


class RestError(RuntimeError):
    """Airflow answered with an error, or not at all; the message holds what it said."""


@dataclass
class Airflow:
    """An Airflow server at `url`, asked as `user`."""

    url: str
    user: str
    password: str = field(repr=False)
    _token: str | None = field(default=None, repr=False)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send one request and return the answer's JSON. Raises RestError."""
        return json.loads(self.send(method, path, body))

    def send(self, method: str, path: str, body: Any = None, accept: str = "application/json") -> str:
        """Send one request with a token (a new one when it has run out) and return the answer's text."""
        for attempt in (1, 2):
            headers = {"Authorization": f"Bearer {self.token()}", "Content-Type": "application/json", "Accept": accept}
            try:
                return _request(self.url + path, method, headers, body)
            except RestError as error:
                if attempt == 2 or " 401:" not in str(error):
                    raise
                self._token = None
        raise RestError("unreachable")

    def token(self) -> str:
        """A token for the header Authorization: the last one while it is accepted, else a new one."""
        if self._token is None:
            body = {"username": self.user, "password": self.password}
            answer = _request(f"{self.url}/auth/token", "POST", {"Content-Type": "application/json"}, body)
            self._token = str(json.loads(answer)["access_token"])
        return self._token


def is_up(url: str) -> bool:
    """Whether an API server answers at `url`."""
    try:
        _request(f"{url}/api/v2/version", "GET", {}, None, timeout=5)
    except RestError:
        return False
    return True


def create_pools(airflow: Airflow, pools: Mapping[str, Mapping[str, Any]]) -> None:
    """Create the pools that are missing; `pools` is what a file for `airflow pools import` holds."""
    known = {pool["name"] for pool in airflow.call("GET", "/api/v2/pools?limit=100")["pools"]}
    for name, pool in pools.items():
        if name not in known:
            airflow.call("POST", "/api/v2/pools", {"name": name, **pool})


def wait_for_dag(airflow: Airflow, seconds: float = 120) -> None:
    """Wait until the DAG is known. Raises RestError with its import errors, or when it takes too long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if any(dag["dag_id"] == DAG for dag in airflow.call("GET", "/api/v2/dags?limit=100")["dags"]):
            return
        errors = airflow.call("GET", "/api/v2/importErrors")["import_errors"]
        if errors:
            raise RestError(f"the DAG does not load:\n{errors[0]['stack_trace']}")
        time.sleep(0.5)
    raise RestError(f"Airflow does not know the DAG {DAG} after {seconds:.0f} s")


def trigger(airflow: Airflow, as_of_date: date) -> str:
    """Trigger a run for `as_of_date` by the param, without a logical date; returns the run's id."""
    body = {"logical_date": None, "conf": {"as_of_date": as_of_date.isoformat()}}
    return str(airflow.call("POST", f"/api/v2/dags/{DAG}/dagRuns", body)["dag_run_id"])


def unfinished(airflow: Airflow) -> dict[str, str]:
    """As-of date of each run that is queued or at work, by the run's id."""
    runs = airflow.call("GET", f"/api/v2/dags/{DAG}/dagRuns?state=queued&state=running&limit=100")["dag_runs"]
    days = {run["dag_run_id"]: _as_of_date(run) for run in runs}
    return {run: day for run, day in sorted(days.items()) if day}


def _as_of_date(run: dict[str, Any]) -> str | None:
    asked = (run["conf"] or {}).get("as_of_date")
    if asked:
        return str(asked)
    return _next_day(str(run["logical_date"])[:10]) if run["logical_date"] else None


def resume_schedule(airflow: Airflow, note: str, seconds: float = 30) -> None:
    """Resume the DAG's schedule, and end with `note` the run of the latest slot that Airflow makes up for at once."""
    dag = airflow.call("GET", f"/api/v2/dags/{DAG}")
    if not dag["is_paused"]:
        return
    airflow.call("PATCH", f"/api/v2/dags/{DAG}", {"is_paused": False})
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        runs = airflow.call("GET", f"/api/v2/dags/{DAG}/dagRuns?run_type=scheduled")["dag_runs"]
        for run in runs:
            airflow.call("PATCH", _run_path(run["dag_run_id"]), {"state": "failed", "note": note})
        if runs:
            return
        time.sleep(0.2)


def backfill(airflow: Airflow, first: date, last: date) -> dict[str, str]:
    """Backfill the as-of dates `first` to `last`, two at a time, as the UI does; returns each run's as-of date by id.

    The range is given in logical dates, each one the day before its as-of date. A day that has a run is run again.
    """
    body = {
        "dag_id": DAG,
        "from_date": _instant(first - timedelta(days=1)),
        "to_date": _instant(last - timedelta(days=1), hour=23),
        "reprocess_behavior": "completed",
        "max_active_runs": 2,
    }
    planned = airflow.call("POST", "/api/v2/backfills/dry_run", body)["backfills"]
    airflow.call("POST", "/api/v2/backfills", body)
    wanted = {str(run["logical_date"])[:10] for run in planned}
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        runs = airflow.call("GET", f"/api/v2/dags/{DAG}/dagRuns?limit=100&run_type=backfill")["dag_runs"]
        found = {run["dag_run_id"]: str(run["logical_date"])[:10] for run in runs}
        found = {run: _next_day(day) for run, day in sorted(found.items()) if day in wanted}
        if len(found) == len(wanted):
            return found
        time.sleep(0.5)
    raise RestError(f"the backfill made no runs for {', '.join(sorted(wanted))}")


def _next_day(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def run_state(airflow: Airflow, run_id: str) -> str:
    """State of a run: queued, running, success or failed."""
    return str(airflow.call("GET", _run_path(run_id))["state"])


def task_instances(airflow: Airflow, run_id: str) -> list[dict[str, Any]]:
    """The run's task instances, as Airflow describes them."""
    answer = airflow.call("GET", f"{_run_path(run_id)}/taskInstances?limit=1000")
    return list(answer["task_instances"])


def task_log(airflow: Airflow, run_id: str, instance: dict[str, Any]) -> str:
    """Text of the log of a task instance's last try."""
    task = urllib.parse.quote(str(instance["task_id"]))
    path = f"{_run_path(run_id)}/taskInstances/{task}/logs/{instance['try_number']}?map_index={instance['map_index']}"
    entries = json.loads(airflow.send("GET", path))["content"]
    return "\n".join(_log_line(entry) for entry in entries)


def _log_line(entry: Any) -> str:
    if not isinstance(entry, dict):
        return str(entry)
    line = f"{entry.get('timestamp') or '':.19} {entry.get('level') or '':<8}{entry.get('event', '')}"
    for error in entry.get("error_detail") or []:
        frames = "".join(f"\n    {f['filename']}:{f['lineno']} in {f['name']}" for f in error.get("frames", []))
        line += f"{frames}\n    {error.get('exc_type')}: {error.get('exc_value')}"
    return line


def _run_path(run_id: str) -> str:
    return f"/api/v2/dags/{DAG}/dagRuns/{urllib.parse.quote(run_id, safe='')}"


def _instant(day: date, hour: int = 0) -> str:
    return datetime(day.year, day.month, day.day, hour, tzinfo=timezone.utc).isoformat()


def _request(url: str, method: str, headers: dict[str, str], body: Any, timeout: float = 60) -> str:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            text: str = answer.read().decode()
            return text
    except urllib.error.HTTPError as error:
        raise RestError(f"{method} {url} {error.code}: {error.read().decode(errors='replace')}") from error
    except OSError as error:
        raise RestError(f"{method} {url}: {error}") from error

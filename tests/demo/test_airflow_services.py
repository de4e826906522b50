"""Stopping services stops everything below them, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from demo import airflow_services, processes

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
print(child.pid, flush=True)
time.sleep(300)
"""


def test_a_running_task_ends_with_its_service_and_a_stranger_does_not(tmp_path: Path) -> None:
    service = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    assert service.stdout is not None
    task = int(service.stdout.readline())
    entry = {"pid": service.pid, "started": processes.started(service.pid)}
    (tmp_path / "airflow.json").write_text(json.dumps({"processes": {"scheduler": entry}}))
    try:
        assert airflow_services.stop(tmp_path) == ["scheduler"]
        deadline = time.monotonic() + 5
        while processes.started(task) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert processes.started(task) is None
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()

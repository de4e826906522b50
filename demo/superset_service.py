"""Superset on this machine, for the demonstration: on 127.0.0.1 and a free port, reading as bi_reader.

It has an environment of its own, `.bi-venv`, since it needs other versions than Airflow. Its secret, its password and
its process are in `<folder>/superset.json`, readable by their owner alone; what people make in it is in
`<folder>/superset`, its log in `<folder>/logs`.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from demo.postgres import read_environment, write_private
from demo.processes import HOST, alive, end, free_port, launch, tail

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / ".bi-venv" / "bin"
USER = "admin"
START_SECONDS = 300


class SupersetError(RuntimeError):
    """Superset did not start; the message holds the end of its log."""


def start(folder: Path) -> str:
    """Start Superset with the dashboards of bi/, or find it running; its address. Raises SupersetError.

    The warehouse must be up. Superset's own tables and the dashboards are made when what bi/ holds has changed.
    """
    if status(folder):
        return url(folder)
    if not (PROGRAMS / "gunicorn").exists():
        raise SupersetError(f"Superset is not installed in {PROGRAMS.parent}: `make bi` does it")
    state = _state(folder)
    state["port"] = free_port(int(state.get("port") or 8088))
    if state["port"] is None:
        raise SupersetError(f"no free port on {HOST}")
    _save(folder, state)
    environment = service_environment(folder)
    if state.get("prepared") != (wanted := _fingerprint()):
        _prepare(folder, environment)
        state["prepared"] = wanted
    threads = ["--workers", "1", "--worker-class", "gthread", "--threads", "8", "--timeout", "120"]
    command = [str(PROGRAMS / "gunicorn"), *threads, "--bind", f"{HOST}:{state['port']}", "superset.app:create_app()"]
    state["process"] = launch(command, folder / "logs" / "superset.log", environment, ROOT)
    _save(folder, state)
    _wait(folder, state)
    return url(folder)


def stop(folder: Path, seconds: float = 20) -> bool:
    """Stop the Superset that was started from `folder`; False when it did not run."""
    if not is_known(folder):
        return False
    state = _state(folder)
    stopped = end(state.pop("process", None), seconds)
    _save(folder, state)
    return stopped


def is_known(folder: Path) -> bool:
    """Whether Superset was ever started from `folder`."""
    return (folder / "superset.json").exists()


def status(folder: Path) -> bool:
    """Whether it runs."""
    return alive(_state(folder).get("process"))


def url(folder: Path) -> str:
    """Where it listens."""
    return f"http://{HOST}:{_state(folder).get('port', 0)}"


def login(folder: Path) -> tuple[str, str]:
    """Name and password of the administrator."""
    return USER, str(_state(folder)["password"])


def service_environment(folder: Path) -> dict[str, str]:
    """Environment of Superset: the same variables as in docker-compose.yaml."""
    state = _state(folder)
    settings = {
        "SUPERSET_CONFIG_PATH": str(ROOT / "bi" / "superset_config.py"),
        "SUPERSET_HOME": str(folder.resolve() / "superset"),
        "SUPERSET_SECRET": state["secret"],
        "SUPERSET_ADMIN_PASSWORD": state["password"],
        "RECSYS_BI_DSN": read_environment(folder)["RECSYS_BI_DSN"],
        "PYTHONPATH": str(ROOT),
    }
    return {**os.environ, **settings}


def _prepare(folder: Path, environment: dict[str, str]) -> None:
    log = folder / "logs" / "superset-prepare.log"
    with log.open("w") as output:
        command = [str(PROGRAMS / "python"), "-m", "bi.prepare"]
        done = subprocess.run(command, env=environment, stdout=output, stderr=output, cwd=ROOT)
    if done.returncode:
        raise SupersetError(f"the dashboards could not be made ready:\n{tail(log)}")


def _wait(folder: Path, state: dict[str, Any]) -> None:
    log = folder / "logs" / "superset.log"
    deadline = time.monotonic() + START_SECONDS
    while not _answers(f"{url(folder)}/health"):
        if not alive(state["process"]):
            raise SupersetError(f"Superset ended:\n{tail(log)}")
        if time.monotonic() > deadline:
            raise SupersetError(f"Superset does not answer after {START_SECONDS} s:\n{tail(log)}")
        time.sleep(0.3)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _fingerprint() -> str:
    """Digest of everything in bi/ that Superset is made ready from."""
    files = sorted(path for path in (ROOT / "bi").rglob("*") if path.suffix in {".py", ".yaml", ".txt"})
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def _state(folder: Path) -> dict[str, Any]:
    file = folder / "superset.json"
    if file.exists():
        return dict(json.loads(file.read_text()))
    return {"secret": secrets.token_hex(32), "password": secrets.token_urlsafe(16)}


def _save(folder: Path, state: dict[str, Any]) -> None:
    for needed in (folder / "superset", folder / "logs"):
        needed.mkdir(parents=True, exist_ok=True)
    write_private(folder / "superset.json", json.dumps(state, indent=2) + "\n")

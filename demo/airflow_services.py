"""Airflow's services on this machine: api-server, then dag-processor and scheduler, on 127.0.0.1 and a free port.

Their home is `<folder>/airflow`, their logs `<folder>/logs`, their processes `<folder>/airflow.json`. Metadata are in
the project-local Postgres. Only processes that were started here are stopped.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from demo.postgres import read_environment, write_private
from demo.processes import HOST, alive, end, free_port, launch, tail
from demo.rest import Airflow, create_pools, is_up

ROOT = Path(__file__).resolve().parent.parent
USER = "admin"
SERVICES = ("api-server", "dag-processor", "scheduler")
START_SECONDS = 180


class ServiceError(RuntimeError):
    """A service did not start; the message holds the end of its log."""


def start(folder: Path) -> Airflow:
    """Start what is not running; returns the way to the REST API. The databases must be up. Raises ServiceError."""
    state = _state(folder)
    if all(alive(state["processes"].get(service)) for service in SERVICES) and is_up(_url(state)):
        return client(folder)
    stop(folder)
    state = _state(folder)
    state["port"] = free_port(int(state.get("port") or 8080))
    if state["port"] is None:
        raise ServiceError(f"no free port on {HOST}")
    environment = service_environment(folder, state)
    _save(folder, state)
    _migrate(folder, environment)
    _launch(folder, state, environment, "api-server", "--host", HOST, "--port", str(state["port"]))
    _wait(folder, state)
    create_pools(client(folder), json.loads((ROOT / "plugins" / "pools.json").read_text()))
    # A scheduler that starts before the API server listens fails its first tasks.
    _launch(folder, state, environment, "dag-processor")
    _launch(folder, state, environment, "scheduler", "--skip-serve-logs")
    return client(folder)


def stop(folder: Path, seconds: float = 40) -> list[str]:
    """Stop the services that were started from `folder`, newest first; returns their names."""
    state = _state(folder)
    stopped = []
    for service in reversed(SERVICES):
        if end(state["processes"].pop(service, None), seconds):
            stopped.append(service)
    _save(folder, state)
    return stopped


def status(folder: Path) -> dict[str, bool]:
    """Whether each service runs."""
    processes = _state(folder)["processes"]
    return {service: alive(processes.get(service)) for service in SERVICES}


def process_ids(folder: Path) -> list[int]:
    """Numbers of the processes that run; their own children come below them."""
    return [process["pid"] for process in _state(folder)["processes"].values() if alive(process)]


def client(folder: Path) -> Airflow:
    """The REST API of the running services, with the password that Airflow drew for the user."""
    passwords = json.loads((folder / "airflow" / "passwords.json").read_text())
    return Airflow(_url(_state(folder)), USER, passwords[USER])


def service_environment(folder: Path, state: dict[str, Any]) -> dict[str, str]:
    """Environment of every service: where the databases are, how Airflow is set up, how many threads a task may use."""
    databases = read_environment(folder)
    home = folder.resolve() / "airflow"
    settings = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__FERNET_KEY": state["fernet_key"],
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{_url(state)}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": databases["AIRFLOW_DSN"].replace("postgresql:", "postgresql+psycopg2:"),
        "AIRFLOW__API__BASE_URL": _url(state),
        "AIRFLOW__API__SECRET_KEY": state["api_secret"],
        "AIRFLOW__API_AUTH__JWT_SECRET": state["jwt_secret"],
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        # A look at every run costs a sixth of a core's second: half as many leave more to the tasks.
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "2",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "900",
        # The first call of a task waits until the api-server has made its routes: seconds, on a busy machine many.
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "RECSYS_SHOP_DSN": databases["RECSYS_SHOP_DSN"],
        "RECSYS_WAREHOUSE_DSN": databases["RECSYS_WAREHOUSE_DSN"],
        "RECSYS_BI_DSN": databases.get("RECSYS_BI_DSN", ""),
        "RECSYS_LAKE": str(folder.resolve() / "lake"),
        "RECSYS_CONFIG": os.environ.get("RECSYS_CONFIG") or str(ROOT / "demo" / "settings.toml"),
        "PYTHONPATH": str(ROOT),
        "OPENBLAS_NUM_THREADS": "1",
        # Large blocks stay with the process instead of going back to the system after each use: half the page faults.
        "MALLOC_MMAP_THRESHOLD_": "1000000000",
        "MALLOC_TRIM_THRESHOLD_": "1000000000",
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, **settings, "PATH": path}


def _migrate(folder: Path, environment: dict[str, str]) -> None:
    log = folder / "logs" / "db-migrate.log"
    with log.open("w") as output:
        done = subprocess.run([_program(), "db", "migrate"], env=environment, stdout=output, stderr=output, cwd=ROOT)
    if done.returncode:
        raise ServiceError(f"airflow db migrate failed:\n{tail(log)}")


def _launch(folder: Path, state: dict[str, Any], environment: dict[str, str], service: str, *options: str) -> None:
    log = folder / "logs" / f"{service}.log"
    state["processes"][service] = launch([_program(), service, *options], log, environment, ROOT)
    _save(folder, state)


def _wait(folder: Path, state: dict[str, Any]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_up(_url(state)):
        log = folder / "logs" / "api-server.log"
        if not alive(state["processes"]["api-server"]):
            raise ServiceError(f"the api-server ended:\n{tail(log)}")
        if time.monotonic() > deadline:
            raise ServiceError(f"the api-server does not answer after {START_SECONDS} s:\n{tail(log)}")
        time.sleep(0.3)


def _state(folder: Path) -> dict[str, Any]:
    file = folder / "airflow.json"
    if file.exists():
        return dict(json.loads(file.read_text()))
    return {
        "processes": {},
        "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "jwt_secret": secrets.token_hex(32),
        "api_secret": secrets.token_hex(32),
    }


def _save(folder: Path, state: dict[str, Any]) -> None:
    for needed in (folder / "airflow", folder / "logs"):
        needed.mkdir(parents=True, exist_ok=True)
    write_private(folder / "airflow.json", json.dumps(state, indent=2) + "\n")


def _url(state: dict[str, Any]) -> str:
    return f"http://{HOST}:{state.get('port', 0)}"


def _program() -> str:
    return str(Path(sys.executable).parent / "airflow")

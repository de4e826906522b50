"""Start, stop and look at the demonstration's services; open a session on its warehouse."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from demo import airflow_services, postgres, superset_service
from demo.rest import RestError
from recsys.database import DatabaseError
from recsys.warehouse import create_warehouse

FAILURES = (
    postgres.ServerError,
    airflow_services.ServiceError,
    superset_service.SupersetError,
    RestError,
    DatabaseError,
)


def up(folder: Path) -> None:
    """Start Postgres and Airflow where they do not run; the warehouse exists afterwards."""
    server = postgres.start(folder)
    create_warehouse(server.dsn("warehouse"))
    airflow_services.start(folder)


def bi(folder: Path) -> None:
    """Start Postgres and Superset where they do not run, and print where the dashboards are."""
    server = postgres.start(folder)
    create_warehouse(server.dsn("warehouse"))
    superset_service.start(folder)
    print(bi_login(folder))


def down(folder: Path) -> None:
    """Stop Superset and Airflow, then Postgres, and say what was stopped."""
    stopped = ["superset"] if superset_service.stop(folder) else []
    stopped += airflow_services.stop(folder)
    if postgres.stop(folder):
        stopped.append("postgres")
    print(f"Stopped: {', '.join(stopped) or 'nothing was running'}")


def status(folder: Path) -> bool:
    """Print what runs and where; whether all that `up` starts does."""
    server = postgres.status(folder)
    running = airflow_services.status(folder)
    dashboards = superset_service.is_known(folder) and superset_service.status(folder)
    print(f"  {'postgres':15}{f'running on {server.host}:{server.port}' if server else 'stopped'}")
    for service, runs in running.items():
        print(f"  {service:15}{'running' if runs else 'stopped'}")
    if superset_service.is_known(folder):
        print(f"  {'superset':15}{'running' if dashboards else 'stopped'}")
    if all(running.values()):
        print(login(folder))
    if dashboards:
        print(bi_login(folder))
    return server is not None and all(running.values())


def login(folder: Path) -> str:
    """Where the UI is and how to log in, as one line."""
    airflow = airflow_services.client(folder)
    return f"Airflow's UI: {airflow.url}  user {airflow.user}, password {airflow.password}"


def bi_login(folder: Path) -> str:
    """Where the dashboards are and how to log in, as one line."""
    user, password = superset_service.login(folder)
    return f"Dashboards: {superset_service.url(folder)}/dashboard/list/  user {user}, password {password}"


def clean(folder: Path) -> None:
    """Stop everything that was started here and delete the folder."""
    down(folder)
    postgres.remove(folder)
    shutil.rmtree(folder, ignore_errors=True)
    print(f"Deleted {folder}")


def psql(folder: Path) -> None:
    """Become a psql session on the warehouse; prints nothing of its own. Starts Postgres if need be."""
    server = postgres.start(folder)
    program = str(postgres.psql_path())
    # Not among the arguments: every user of the machine can list those.
    os.environ["PGPASSWORD"] = server.passwords["recsys_writer"]
    options = ["-X", "-v", "ON_ERROR_STOP=1", "-h", server.host, "-p", str(server.port), "-U", "recsys_writer"]
    options += ["-d", "warehouse"]
    os.execv(program, [program, *([] if sys.stdin.isatty() else ["-q"]), *options])


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 3 when `status` finds something stopped, 1 after an error."""
    parser = argparse.ArgumentParser(prog="python -m demo.services", description=__doc__)
    parser.add_argument("command", choices=("up", "bi", "down", "status", "clean", "psql"))
    parser.add_argument("--folder", type=Path, default=Path(".demo"), help="state of the services (default: .demo)")
    options = parser.parse_args(arguments)
    try:
        if options.command == "status":
            return 0 if status(options.folder) else 3
        {"up": up, "bi": bi, "down": down, "clean": clean, "psql": psql}[options.command](options.folder)
        if options.command == "up":
            status(options.folder)
    except FAILURES as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

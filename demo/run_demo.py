"""The whole workflow on real data: load a shop, run a day, backfill two more, print what came out."""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

from demo import airflow_services, load_shop, postgres, report
from demo.memory import PeakMemory
from demo.progress import RunFailed, follow
from demo.rest import RestError, backfill, resume_schedule, trigger, unfinished, wait_for_dag
from demo.services import login
from recsys.database import DatabaseError, connect
from recsys.warehouse import create_warehouse, published_days

FIRST_DAY = date(2017, 12, 4)
BACKFILLED = (FIRST_DAY + timedelta(days=1), FIRST_DAY + timedelta(days=2))
DAYS = (FIRST_DAY, *BACKFILLED)
PATIENCE_SECONDS = 1800
"""How long no task may end before the demonstration gives up; a slow machine may take longer in all."""
SCHEDULE_NOTE = "Ended by make demo: this shop's data end in 2017, there is nothing to recommend for today."


def run(folder: Path) -> None:
    """Everything that is not done yet, then the report. Raises what the parts raise."""
    started = time.monotonic()
    with PeakMemory(lambda: _processes(folder)) as memory:
        _say("Postgres, the shop and the warehouse; Airflow: api-server, dag-processor, scheduler")
        server = postgres.start(folder)
        with ThreadPoolExecutor(1) as beside:
            starting = beside.submit(airflow_services.start, folder)
            if load_shop.main(["--folder", str(folder)]):
                raise DatabaseError("the shop could not be loaded")
            create_warehouse(server.dsn("warehouse"))
        airflow = starting.result()
        wait_for_dag(airflow)
        print(login(folder))
        running = {run: day for run, day in unfinished(airflow).items() if date.fromisoformat(day) in DAYS}
        if running:
            _say("Runs that an earlier call began")
            follow(airflow, running, PATIENCE_SECONDS)
        done = _published(server)
        if FIRST_DAY in done:
            _say(f"{FIRST_DAY} is published already")
        else:
            _say(f"Run as of {FIRST_DAY}, triggered with the parameter as_of_date")
            resume_schedule(airflow, SCHEDULE_NOTE)
            follow(airflow, {trigger(airflow, FIRST_DAY): str(FIRST_DAY)}, PATIENCE_SECONDS)
        if done.issuperset(BACKFILLED):
            _say(f"{BACKFILLED[0]} and {BACKFILLED[-1]} are published already")
        else:
            _say(f"Backfill as of {BACKFILLED[0]} to {BACKFILLED[-1]}, two days at a time")
            follow(airflow, backfill(airflow, BACKFILLED[0], BACKFILLED[-1]), PATIENCE_SECONDS)
        _say("Result")
        report.print_report(server, FIRST_DAY)
    seconds = time.monotonic() - started
    print(f"\n{login(folder)}\nDAG: {airflow.url}/dags/daily_recommendations   stop everything: make down")
    print(f"Wall time {seconds:.0f} s, peak memory of all processes {memory.peak_bytes / 2**20:,.0f} MiB")


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns 1 with the reason, after a failed task with its log."""
    parser = argparse.ArgumentParser(prog="python -m demo.run_demo", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(".demo"), help="state of the services (default: .demo)")
    options = parser.parse_args(arguments)
    try:
        run(options.folder)
    except (postgres.ServerError, airflow_services.ServiceError, RestError, RunFailed, DatabaseError) as error:
        print(f"\nerror: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; `make demo` goes on from here, `make down` stops the services", file=sys.stderr)
        return 130
    return 0


def _processes(folder: Path) -> list[int]:
    server = postgres.status(folder)
    return [*airflow_services.process_ids(folder), *([server.pid] if server else [])]


def _published(server: postgres.Server) -> set[date]:
    with connect(server.dsn("warehouse"), "warehouse") as connection:
        return set(published_days(connection))


def _say(text: str) -> None:
    print(f"\n== {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

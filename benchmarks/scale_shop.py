"""A generated shop end to end, a step at a time: `python -m benchmarks.scale_shop [--folder FOLDER]`.

Each step runs as `python -m recsys STEP` in a process of its own, as Airflow runs it; its seconds and its peak memory
are the operating system's. With `--folder`, server, lake and figures stay there: a later call goes on after the last
step that ended well, or with `--from STEP` from that step on. Prints a Markdown table; exits with 1 when a step fails.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.generated_shop import load
from benchmarks.measure import measure_python
from demo import postgres
from recsys.schemas import USER_SHARDS
from recsys.steps import STEPS, recommend_users
from recsys.storage import Lake, list_keys
from recsys.warehouse import create_warehouse

NAMES = [step.__name__ for step in STEPS]


@dataclass(frozen=True)
class Figure:
    """What one step took; of a step in shards the sum of their seconds and the largest memory."""

    step: str
    seconds: float
    peak_mib: float


def main() -> None:
    """Load the shop, run every step, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--items", type=int, default=50_000)
    parser.add_argument("--folder", type=Path, help="keep everything here, and go on where the last call ended")
    parser.add_argument("--from", dest="first", choices=NAMES, help="begin with this step (default: the first missing)")
    args = parser.parse_args()
    if args.folder:
        args.folder.mkdir(parents=True, exist_ok=True)
        run(args.folder, args)
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        run(Path(folder), args)


def run(folder: Path, args: argparse.Namespace) -> None:
    """Bring the shop of `folder` to the last step; the server is stopped at the end, its data stay."""
    server = postgres.start(folder)
    try:
        state = folder / "figures.json"
        known = json.loads(state.read_text()) if state.exists() else _load(server, args)
        figures = {row["step"]: Figure(**row) for row in known["figures"]}
        as_of = date.fromisoformat(known["as_of"])
        environment = {
            "RECSYS_SHOP_DSN": server.dsn("shop"),
            "RECSYS_WAREHOUSE_DSN": server.dsn("warehouse"),
            "RECSYS_LAKE": str((folder / "lake").resolve()),
            "OPENBLAS_NUM_THREADS": "1",
        }
        missing = [name for name in NAMES if name not in figures]
        first = args.first or (missing[0] if missing else None)
        for name in NAMES[NAMES.index(first) :] if first else []:
            figures[name] = _measured(name, as_of, environment)
            print(f"{name}: {figures[name].seconds:,.1f} s, {figures[name].peak_mib:,.0f} MiB", flush=True)
            rows = [vars(figures[step]) for step in NAMES if step in figures]
            state.write_text(json.dumps({"as_of": known["as_of"], "figures": rows}, indent=1))
        _print([figures[name] for name in NAMES])
    finally:
        postgres.stop(folder)


def _load(server: postgres.Server, args: argparse.Namespace) -> dict[str, Any]:
    as_of = load(server.dsn("shop"), args.events, args.users, args.items).date()
    create_warehouse(server.dsn("warehouse"))
    print(f"loaded {args.events:,} events; as of {as_of}", flush=True)
    return {"as_of": as_of.isoformat(), "figures": []}


def _measured(name: str, as_of: date, environment: dict[str, str]) -> Figure:
    calls: list[tuple[str, ...]] = [()]
    if name == recommend_users.__name__:
        calls = [("--shard", n) for n in list_keys(Lake(environment["RECSYS_LAKE"]), USER_SHARDS, as_of_date=as_of)]
    runs = []
    for options in calls:
        arguments = ("-m", "recsys", name, "--as-of", as_of.isoformat(), *options)
        runs.append(measure_python(*arguments, environment=environment))
        if runs[-1].code:
            sys.exit(f"{' '.join(arguments[2:])} failed with exit code {runs[-1].code}")
    return Figure(name, sum(run.seconds for run in runs), max(run.peak_mib for run in runs))


def _print(figures: list[Figure]) -> None:
    print("| step | seconds | peak MiB |\n| --- | ---: | ---: |")
    for figure in figures:
        print(f"| {figure.step} | {figure.seconds:,.1f} | {figure.peak_mib:,.0f} |")
    print(f"| all | {sum(figure.seconds for figure in figures):,.0f} | {max(f.peak_mib for f in figures):,.0f} |")


if __name__ == "__main__":
    main()

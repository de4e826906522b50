"""Run a day's steps from a shell, as the scheduler does: `python -m recsys --help`."""

from __future__ import annotations

import argparse
import dataclasses
import getpass
import json
import logging
import os
import socket
import sys
from typing import Any

from recsys import steps
from recsys.arguments import a_day
from recsys.config import ConfigError, load_environment, load_settings

INTRODUCTION = """\
Builds a shop's recommendations of one day, step by step, from a Postgres database into another.

  python -m recsys create-warehouse            once: schemas, tables, roles in the warehouse
  python -m recsys run --as-of 2017-12-04      all steps of a day in this process
  python -m recsys STEP --as-of 2017-12-04     one step; the steps before it must have run for that day
  python -m recsys explain --user U --item I --as-of D     why an item is in a list, or not
  python -m recsys backtest --from D --to E    past days as those mornings saw them, and what came of it
  python -m recsys rollback                    show readers the day that was published before the current one
"""
ENVIRONMENT = """\
The as-of date is the day that the recommendations are for: a run knows everything before its 00:00, nothing later.

environment:
  RECSYS_SHOP_DSN        the shop's database, read only: postgresql://user:password@host/shop
  RECSYS_WAREHOUSE_DSN   the database that receives the result tables
  RECSYS_LAKE            folder or object store URI for Parquet files
  RECSYS_CONFIG          optional: TOML file with settings (see: python -m recsys settings)
  RECSYS_SOURCE_SQL      optional: folder with one SELECT a table, instead of sql/source
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command that `arguments` (default: the shell's) ask for; returns the exit code, 1 after an error."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    options = build_parser().parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO, stream=sys.stderr)
    try:
        _run(options)
    except Exception as error:
        if not isinstance(error, _expected_errors()):
            raise
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The parser of the command line: one command a step, and those about the whole."""
    parser = argparse.ArgumentParser(
        "python -m recsys",
        description=INTRODUCTION,
        epilog=ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    whole = _add(commands, "run", "Run every step of a day, in order, in this process.")
    _add_day(whole)
    _add_full_extract(whole)
    for step in steps.STEPS:
        command = _add(commands, step.__name__, (step.__doc__ or "").strip())
        _add_day(command)
        if step is steps.extract_events:
            _add_full_extract(command)
        if step is steps.recommend_users:
            command.add_argument("--shard", type=int, default=0, help="number of the shard, from 0 (default: 0)")
    complete = _add(commands, "complete-basket", "Print the items that complete a basket, one JSON line each.")
    complete.add_argument("items", nargs="+", metavar="ITEM", help="item_id of an item in the basket")
    complete.add_argument("--as-of", type=a_day, required=True, metavar="DATE", help="a day that was built")
    complete.add_argument("--user", metavar="USER", help="user_id: prefer what the user is likely to buy")
    complete.add_argument("--count", type=int, default=10, help="items to print (default: 10)")
    rollback = _add(commands, "rollback", "Show readers an earlier published day.")
    rollback.add_argument("--to", type=a_day, metavar="DATE", help="default: the day before the current")
    release = _add(commands, "release", "Give a day free that a killed run still holds.")
    release.add_argument("--as-of", type=a_day, required=True, metavar="DATE", help="the day, YYYY-MM-DD")
    create = _add(commands, "create-warehouse", "Create schemas, tables, views and roles in the warehouse; repeatable.")
    create.add_argument("--admin-dsn", help="database and a role that may create roles (default: RECSYS_WAREHOUSE_DSN)")
    why = _add(commands, "explain", "Tell why an item is in a user's lists of a day, or why it is not.")
    why.add_argument("--user", required=True, metavar="USER_ID", help="whose lists")
    why.add_argument("--item", required=True, metavar="ITEM_ID", help="which item")
    why.add_argument("--as-of", type=a_day, required=True, metavar="DATE", help="day of the lists")
    backtest = _add(commands, "backtest", "Build past days one by one, then measure what they published.")
    for name, text in (("--from", "first day"), ("--to", "last day")):
        backtest.add_argument(name, dest=f"day_{name[2:]}", type=a_day, required=True, metavar="DATE", help=text)
    backtest.add_argument("--every", type=int, default=1, metavar="DAYS", help="days between two (default: 1)")
    _add(commands, "settings", "Print the settings in force as JSON.")
    return parser


def _add(commands: Any, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    return parser


def _add_day(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--as-of",
        type=a_day,
        required=True,
        metavar="DATE",
        help="day to build recommendations for, YYYY-MM-DD; everything before its 00:00 is known",
    )
    parser.add_argument(
        "--accept", action="append", default=[], metavar="CHECK", help="failed check to let pass: gate …"
    )
    parser.add_argument("--why", default="", help="why it may pass; recorded beside your name")
    parser.add_argument("--run-id", default=f"shell:{socket.gethostname()}:{os.getpid()}", help="name of the run")


def _add_full_extract(parser: argparse.ArgumentParser) -> None:
    text = "read every event day of the look-back window again, also those that the lake holds"
    parser.add_argument("--full-extract", action="store_true", help=text)


def _run(options: argparse.Namespace) -> None:
    if options.command == "settings":
        print(json.dumps(dataclasses.asdict(load_settings()), indent=2))
    elif options.command == "rollback":
        from recsys.recommendations.publish import rollback

        print(f"current day: {rollback(load_environment(), options.to)}")
    elif options.command == "explain":
        from recsys.recommendations.explain import explain
        from recsys.run import RunContext

        context = RunContext(options.as_of, load_environment(), load_settings(), "explain")
        print("\n".join(explain(context, options.user, options.item)))
    elif options.command == "backtest":
        from recsys.backtest import backtest, describe

        settings = load_settings()
        run_id = f"backtest:{os.getpid()}"
        table = backtest(options.day_from, options.day_to, load_environment(), settings, run_id, options.every)
        print(describe(table, settings.models.horizon_days))
    elif options.command == "complete-basket":
        _complete(options)
    elif options.command == "release":
        from recsys.claims import release_day

        print(f"{options.as_of}: released from {release_day(load_environment(), options.as_of)['run']}")
    elif options.command == "create-warehouse":
        from recsys.warehouse import create_warehouse

        counts = create_warehouse(options.admin_dsn or load_environment().warehouse_dsn)
        print(f"the warehouse is there: {counts['tables']} tables")
    else:
        _run_steps(options)


def _complete(options: argparse.Namespace) -> None:
    from recsys.recommendations.bundle_completion import complete_for_user
    from recsys.run import RunContext

    context = RunContext(options.as_of, load_environment(), load_settings(), "shell")
    for row in complete_for_user(context, options.items, options.user, options.count).to_dicts():
        print(json.dumps(row))


def _run_steps(options: argparse.Namespace) -> None:
    from recsys.run import Accepted, RunContext

    if options.accept and not options.why.strip():
        raise ConfigError("say with --why why the accepted checks may fail")
    accepted = Accepted(tuple(options.accept), getpass.getuser(), options.why) if options.accept else Accepted()
    full = getattr(options, "full_extract", False)
    context = RunContext(options.as_of, load_environment(), load_settings(), options.run_id, accepted, full)
    if options.command == "run":
        steps.run_all(context)
        return
    step = {step.__name__: step for step in steps.STEPS}[options.command]
    steps.run_one(step, context, *([options.shard] if step is steps.recommend_users else []))


def _expected_errors() -> tuple[type[Exception], ...]:
    from recsys.database import DatabaseError
    from recsys.run import RunError
    from recsys.schemas import SchemaError
    from recsys.storage import LakeError

    return (ConfigError, DatabaseError, LakeError, RunError, SchemaError)


if __name__ == "__main__":
    sys.exit(main())

"""Walk the demonstration's shop through past days, and print what the published lists reached: `make backtest`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from demo import load_shop, postgres
from recsys.__main__ import main as recsys_main
from recsys.warehouse import create_warehouse


def main(arguments: list[str] | None = None) -> int:
    """Start Postgres, load the shop where that is not done, and backtest; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m demo.backtest", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(".demo"), help="state of the services (default: .demo)")
    parser.add_argument("--from", dest="first", required=True, metavar="DATE", help="first day to build")
    parser.add_argument("--to", dest="last", required=True, metavar="DATE", help="last day to build")
    parser.add_argument("--every", default="1", metavar="DAYS", help="days between two (default: 1)")
    options = parser.parse_args(arguments)
    try:
        server = postgres.start(options.folder)
        if load_shop.main(["--folder", str(options.folder)]):
            return 1
        create_warehouse(server.dsn("warehouse"))
    except postgres.ServerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    os.environ.update(server.environment())
    os.environ["RECSYS_LAKE"] = str(options.folder.resolve() / "lake")
    os.environ.setdefault("RECSYS_CONFIG", str(Path(__file__).with_name("settings.toml")))
    return recsys_main(["backtest", "--from", options.first, "--to", options.last, "--every", options.every])


if __name__ == "__main__":
    sys.exit(main())

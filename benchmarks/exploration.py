"""What exploration costs: lists of a built day, with one share of explored places after the other.

    python -m benchmarks.exploration --as-of 2017-11-06 --until 2017-12-04 [--shares 0.02 0.1 0.2]

Takes the lake of the environment (see `python -m recsys --help`), in which the steps of the as-of date have run up to
the lists (with `new_items.explore_share` at 0), and the events that a run of `until` sees, in which at least
check_extracts has run. Prints a line a share: ndcg@10 and ndcg@50 of for_you against what users bought until then, the
paired difference of both to the lists without exploration, explored rows, and how many of them were bought.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from datetime import date

import polars as pl

from benchmarks.rule_costs import holdout
from recsys import schemas
from recsys.config import load_environment, load_settings
from recsys.data.events import read_events
from recsys.models.metrics import Values, estimate
from recsys.models.metrics import ndcg as ndcg_of
from recsys.recommendations.exploration import arms, with_exploration
from recsys.recommendations.new_arrivals import load_new_day
from recsys.recommendations.published_lists import scan_lists
from recsys.recommendations.reasons import EXPLORATION
from recsys.recommendations.rules import blocked_items, drop_blocked
from recsys.recommendations.stock_cover import read_stock_cover
from recsys.run import RunContext
from recsys.storage import read_partition

TOPS = (10, 50)


def main() -> None:
    """Print a line a share."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--as-of", type=date.fromisoformat, required=True, help="past day whose lists were built")
    parser.add_argument("--until", type=date.fromisoformat, required=True, help="end of the holdout, a later day")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.02, 0.05, 0.1, 0.2])
    options = parser.parse_args()
    context = RunContext(options.as_of, load_environment(), load_settings(), "benchmark")
    compare(context, options.until, options.shares)


def compare(context: RunContext, until: date, shares: list[float]) -> None:
    """Print the cost of each of `shares` on the lists of the context's day."""
    plain = scan_lists(context.lake, context.as_of_date).filter(pl.col("list") == "for_you").collect()
    plain = plain.sort("user_id", "rank")
    truth = holdout(context, until).join(plain.select("user_id").unique(), on="user_id", how="semi")
    users, bought, choice = chosen(context)
    without = values_of(plain, truth)
    for share in [0.0, *shares]:
        settings = dataclasses.replace(context.settings.new_items, explore_share=share)
        asked = dataclasses.replace(context, settings=dataclasses.replace(context.settings, new_items=settings))
        lists = with_exploration(plain.drop("propensity"), choice, users, bought, asked)
        explored = lists.filter(pl.col("generator") == EXPLORATION)
        line: dict[str, object] = {"share": share, "explored": explored.height}
        line["bought"] = explored.join(truth, on=["user_id", "item_id"], how="semi").height
        for top, values in values_of(lists, truth).items():
            told = estimate(values - without[top], context.settings.models.bootstrap_draws, context.settings.seed)
            line[f"ndcg@{top}"] = round(float(values.mean()), 4)
            line[f"ndcg@{top} more"] = [round(x, 4) for x in (told.value, told.low, told.high)]
        print(json.dumps(line))


def chosen(context: RunContext) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """user_id, segment of all users; user_id, item_id of known purchases; ARMS of the day."""
    day = {"as_of_date": context.as_of_date}
    items, users = (read_partition(context.lake, table, **day) for table in (schemas.ITEMS, schemas.USERS))
    blocked = blocked_items(items, read_stock_cover(context, items), context.as_of, context.settings.rules)
    new = drop_blocked(items.filter(pl.col("item_id").is_in(load_new_day(context).model.item_ids)), blocked)
    events = read_events(context, columns=["user_id", "item_id", "event_type", "occurred_at"])
    bought = events.filter(pl.col("event_type") == "purchase").select("user_id", "item_id").unique().collect()
    return users.select("user_id", "segment"), bought, arms(events, users, new, context)


def values_of(lists: pl.DataFrame, truth: pl.DataFrame) -> dict[int, Values]:
    """ndcg of each user of `truth`, by the number of places that count."""
    pairs = truth.select(user="user_id", item="item_id")
    ranked = lists.select("rank", user="user_id", item="item_id").sort("user", "rank")
    return {top: ndcg_of(ranked.filter(pl.col("rank") <= top), pairs, top) for top in TOPS}


if __name__ == "__main__":
    main()

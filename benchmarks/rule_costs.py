"""What each rule costs in ndcg@10 on a past cut.

    python -m benchmarks.rule_costs --as-of 2017-11-06 --until 2017-12-04 [--stock-exposure 0.05 0.1]

Takes the lake of the environment (see `python -m recsys --help`), in which the steps of the as-of date have run, and
the events that a run of `until` sees, in which at least check_extracts has run. Prints one line a rule.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import polars as pl

from recsys import schemas
from recsys.config import load_environment, load_settings
from recsys.data.events import read_events
from recsys.models import scoring
from recsys.recommendations.rule_costs import rule_costs
from recsys.recommendations.rules import blocked_items, users_with_consent
from recsys.recommendations.stock_cover import read_stock_cover
from recsys.run import RunContext
from recsys.storage import read_partition


def bought_after(context: RunContext, until: date) -> pl.LazyFrame:
    """user_id, item_id, occurred_at of purchases between the as-of date and `until`, as a run of `until` sees them."""
    later = RunContext(until, context.environment, context.settings, context.run_id)
    bought = read_events(later, columns=["user_id", "item_id", "event_type", "occurred_at"]).filter(
        (pl.col("event_type") == "purchase") & (pl.col("occurred_at") >= context.as_of)
    )
    return bought.select("user_id", "item_id", "occurred_at")


def holdout(context: RunContext, until: date) -> pl.DataFrame:
    """user_id, item_id bought between the as-of date and `until`, as a run of `until` sees them."""
    return bought_after(context, until).select("user_id", "item_id").unique().collect()


def measure_rules(context: RunContext, until: date, strengths: list[float]) -> Iterator[tuple[float, pl.DataFrame]]:
    """Frames of `rule_costs` by stock_exposure, for the users who had history and bought something until `until`."""
    items, users = (
        read_partition(context.lake, table, as_of_date=context.as_of_date) for table in (schemas.ITEMS, schemas.USERS)
    )
    cover = read_stock_cover(context, items)
    known = read_events(context, columns=["user_id", "item_id"]).unique().collect()
    truth = holdout(context, until).join(known.select("user_id").unique(), on="user_id", how="semi")
    truth = truth.join(known.select("item_id").unique(), on="item_id", how="semi")
    agreed = users_with_consent(truth["user_id"].unique().sort().to_list(), users, context.settings.rules)
    truth = truth.filter(pl.col("user_id").is_in(agreed))
    scored = scoring.score_users(scoring.load_scorer(context), agreed)
    for strength in strengths:
        rules = replace(context.settings.rules, stock_exposure=strength)
        blocked = blocked_items(items, cover, context.as_of, rules)
        yield strength, rule_costs(scored, truth, blocked, items, cover, rules)


def main() -> None:
    """Print the cost of each rule."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--as-of", type=date.fromisoformat, required=True, help="past day whose steps have run")
    parser.add_argument("--until", type=date.fromisoformat, required=True, help="end of the holdout, a later day")
    parser.add_argument("--stock-exposure", type=float, nargs="*", help="strengths to measure; default: the setting's")
    options = parser.parse_args()
    context = RunContext(options.as_of, load_environment(), load_settings(), "benchmark")
    strengths = options.stock_exposure or [context.settings.rules.stock_exposure]
    for strength, costs in measure_rules(context, options.until, strengths):
        print(f"{f'(exposure {strength:g})':<18}{'ndcg@10':>9}{'cost':>9}")
        for rule, value, cost in costs.rows():
            print(f"{rule:<18}{value:>9.4f}{cost:>9.2%}")


if __name__ == "__main__":
    main()

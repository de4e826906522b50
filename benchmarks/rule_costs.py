"""What each rule costs in ndcg@10 on a past cut.

    python -m benchmarks.rule_costs --as-of 2017-11-06 --until 2017-12-04

Takes the lake of the environment (see `python -m recsys --help`), in which the steps of the as-of date have run, and
the events that a run of `until` sees, in which at least check_extracts has run. Prints one line a rule.
"""

from __future__ import annotations

import argparse
from datetime import date

import polars as pl

from recsys import schemas
from recsys.config import load_environment, load_settings
from recsys.data.events import read_events
from recsys.models import scoring
from recsys.recommendations.rule_costs import rule_costs
from recsys.recommendations.rules import blocked_items, users_with_consent
from recsys.run import RunContext
from recsys.storage import read_partition


def holdout(context: RunContext, until: date) -> pl.DataFrame:
    """user_id, item_id bought between the as-of date and `until`, as a run of `until` sees them."""
    later = RunContext(until, context.environment, context.settings, context.run_id)
    bought = read_events(later, columns=["user_id", "item_id", "event_type", "occurred_at"]).filter(
        (pl.col("event_type") == "purchase") & (pl.col("occurred_at") >= context.as_of)
    )
    return bought.select("user_id", "item_id").unique().collect()


def measure_rules(context: RunContext, until: date) -> pl.DataFrame:
    """The frame of `rule_costs` for the users who had history on the as-of date and bought something until `until`."""
    items, users, stock = (
        read_partition(context.lake, table, as_of_date=context.as_of_date)
        for table in (schemas.ITEMS, schemas.USERS, schemas.STOCK)
    )
    known = read_events(context, columns=["user_id", "item_id"]).unique().collect()
    truth = holdout(context, until).join(known.select("user_id").unique(), on="user_id", how="semi")
    truth = truth.join(known.select("item_id").unique(), on="item_id", how="semi")
    agreed = users_with_consent(truth["user_id"].unique().sort().to_list(), users, context.settings.rules)
    truth = truth.filter(pl.col("user_id").is_in(agreed))
    scored = scoring.score_users(scoring.load_scorer(context), agreed)
    blocked = blocked_items(items, stock, context.as_of, context.settings.rules)
    return rule_costs(scored, truth, blocked, items, context.settings.rules)


def main() -> None:
    """Print the cost of each rule."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--as-of", type=date.fromisoformat, required=True, help="past day whose steps have run")
    parser.add_argument("--until", type=date.fromisoformat, required=True, help="end of the holdout, a later day")
    options = parser.parse_args()
    context = RunContext(options.as_of, load_environment(), load_settings(), "benchmark")
    costs = measure_rules(context, options.until)
    print(f"{'rule':<16}{'ndcg@10':>9}{'cost':>9}")
    for rule, value, cost in costs.rows():
        print(f"{rule:<16}{value:>9.4f}{cost:>9.2%}")


if __name__ == "__main__":
    main()

"""What each rule costs in ndcg@10 of the list for_you on a past cut, measured against what users went on to buy.

    python -m benchmarks.rule_costs --as-of 2017-11-06 --until 2017-12-04 [--stock-exposure 0.05 0.1]

A rule that never cost anything would never do anything; a rule that costs much keeps good items from users. Each
rule is measured alone and all of them together, against the same lists without any rule.

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
from recsys.recommendations.lists import build_lists
from recsys.recommendations.rules import blocked_items, users_with_consent
from recsys.recommendations.stock_cover import exposed, read_stock_cover
from recsys.run import RunContext
from recsys.settings.lists import RulesSettings
from recsys.storage import read_partition

TOP = 10
MEASURED = ("retired", "out_of_stock", "bought_lately", "category_limit", "stock_exposure")
"""Rules that change the lists of users who gave their consent."""


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


def ndcg(lists: pl.DataFrame, truth: pl.DataFrame, top: int = TOP) -> float:
    """Mean over the users of `truth` of the normalised discounted cumulative gain of the first `top` ranks.

    `lists` has user_id, item_id and rank (from 1), `truth` the pairs user_id, item_id; every pair is worth the same,
    the ideal list holds min(top, pairs) of them, and a user without a list scores 0.
    """
    gain = 1 / (pl.col("rank") + 1).log(2)
    hits = lists.filter(pl.col("rank") <= top).join(truth, on=["user_id", "item_id"], how="semi")
    found = hits.group_by("user_id").agg(found=gain.sum())
    ideal = pl.DataFrame({"rank": range(1, top + 1)}).select(best="rank", ideal=gain.cum_sum())
    best = truth.group_by("user_id").agg(best=pl.len().clip(upper_bound=top).cast(pl.Int64))
    scores = best.join(ideal, on="best").join(found, on="user_id", how="left").sort("user_id")
    mean = scores.select((pl.col("found").fill_null(0.0) / pl.col("ideal")).mean()).item()
    return float(mean or 0.0)


def rule_costs(
    scored: pl.DataFrame,
    truth: pl.DataFrame,
    blocked: pl.DataFrame,
    items: pl.DataFrame,
    cover: pl.DataFrame,
    rules: RulesSettings,
) -> pl.DataFrame:
    """One row per rule and one for `all` and `none`: rule, ndcg@10, cost (share of the ndcg@10 without rules).

    `scored` are the candidates of users with consent, `truth` the pairs user_id, item_id bought in the holdout,
    `blocked` what `blocked_items` gives for the day; `items` has item_id and category_path,
    `cover` item_id and push (`with_cover`).
    """
    bare = _for_you(scored, blocked, items, rules, ())
    without = ndcg(bare, truth)
    values = {"none": without}
    pushed = exposed(scored, cover, ("score",), rules.stock_exposure)
    for name, chosen in {**{rule: (rule,) for rule in MEASURED}, "all": MEASURED}.items():
        candidates = pushed if "stock_exposure" in chosen else scored
        values[name] = ndcg(_for_you(candidates, blocked, items, rules, chosen), truth)
    costs = [1 - value / without if without else 0.0 for value in values.values()]
    return pl.DataFrame({"rule": list(values), "ndcg@10": list(values.values()), "cost": costs})


def _for_you(
    scored: pl.DataFrame, blocked: pl.DataFrame, items: pl.DataFrame, rules: RulesSettings, chosen: tuple[str, ...]
) -> pl.DataFrame:
    """The first TOP personal ranks of for_you under the `chosen` rules alone."""
    settings = replace(
        rules,
        list_length=TOP,
        gap_share=rules.gap_share if "bought_lately" in chosen else 0.0,
        max_per_category=rules.max_per_category if "category_limit" in chosen else 0,
    )
    nobody = pl.DataFrame(schema={"list": pl.String, "user_id": pl.String, "segment": pl.String, "item_id": pl.String})
    nothing_popular = pl.DataFrame(schema={"segment": pl.String, "item_id": pl.String, "score": pl.Float64})
    only = scored.with_columns(discover_score=pl.lit(None, pl.Float32), repeat_score=pl.lit(None, pl.Float32))
    gone = blocked.filter(pl.col("rule").is_in(chosen))
    lists = build_lists(only, nobody, nobody, nothing_popular, nobody, gone, items, settings)
    return lists.filter(pl.col("list") == "for_you").select("user_id", "item_id", "rank")


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

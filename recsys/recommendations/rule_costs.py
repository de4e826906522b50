"""What each rule costs in ndcg@10 of the list for_you, measured against what users went on to buy.

A rule that never cost anything would never do anything; a rule that costs much keeps good items from users. Each
rule is measured alone and all of them together, against the same lists without any rule.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from recsys.recommendations.lists import build_lists
from recsys.recommendations.rules import RULES
from recsys.recommendations.stock_cover import exposed
from recsys.settings.lists import RulesSettings

TOP = 10
MEASURED = (*RULES, "stock_exposure")


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

"""What sells together: directed pairs of items with their evidence, in two orders, each with its reason.

`mine_pairs` goes through the baskets block by block (recsys.recommendations.pair_counts), scores every pair that met
(pair_scores), tests it (pair_significance) and keeps the best partners of each item; `pair_rows` turns them into rows
of the table, apart from substitutes (pair_relations), and lends pairs to items too thin for their own (pair_lending).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from recsys.data.events import read_events
from recsys.recommendations.baskets import Baskets, build_baskets
from recsys.recommendations.combinations import read_combinations
from recsys.recommendations.pair_counts import PairBlock, count_pairs
from recsys.recommendations.pair_lending import lend_pairs
from recsys.recommendations.pair_reasons import with_reasons
from recsys.recommendations.pair_relations import drop_avoided, find_substitutes
from recsys.recommendations.pair_scores import PairScorer, fit_scorer, top_rows
from recsys.recommendations.pair_significance import NullModel, fit_null, p_values, q_values, worth_keeping
from recsys.run import Counts, RunContext
from recsys.schemas import ITEM_PAIRS, ITEMS
from recsys.settings.combinations import PairSettings
from recsys.storage import read_partition, write_partition

EVENT_COLUMNS = ["user_id", "item_id", "event_type", "quantity", "order_id", "session_id", "occurred_at"]


@dataclass(frozen=True)
class MinedPairs:
    """The best pairs of every item, the null model behind them, and how many pairs were tested and found.

    `pairs` has one row a kept pair: anchor and partner (positions), score, rank_score, distinct_score, baskets, users,
    expected_baskets, expected_users, p_value, q_value, oldest, newest (days before the as-of date), recent.
    """

    pairs: pl.DataFrame
    null: NullModel
    tests: int
    significant: int


def build_item_pairs(context: RunContext) -> Counts:
    """Step: write the day's item_pairs to the lake."""
    settings = context.settings.pairs
    items = read_partition(context.lake, ITEMS, as_of_date=context.as_of_date)
    events = read_events(context, columns=EVENT_COLUMNS)
    time_zone = context.settings.time_zone
    baskets = build_baskets(events, items, context.as_of_date, context.as_of, time_zone, settings)
    mined = mine_pairs(baskets, settings)
    substitutes = find_substitutes(events, items, baskets, mined, settings, context.as_of, time_zone)
    combinations, language = read_combinations(context), context.settings.language
    rows = pair_rows(baskets, items, mined, substitutes, combinations, settings, language)
    rows = rows.with_columns(
        as_of_date=pl.lit(context.as_of_date), model_version=pl.lit(context.settings.fingerprint())
    )
    written = write_partition(context.lake, ITEM_PAIRS, rows, as_of_date=context.as_of_date)
    return {"rows": written, "baskets": len(baskets.user), "tested": mined.tests, "significant": mined.significant}


def mine_pairs(baskets: Baskets, settings: PairSettings) -> MinedPairs:
    """Count, score and test all pairs of items that are in at least `min_item_baskets` baskets."""
    weights = baskets.weights(settings.half_life_days, settings.size_exponent)
    tested = baskets.item_baskets >= settings.min_item_baskets
    scorer, null = fit_scorer(baskets, weights, settings), fit_null(baskets)
    parts, found = [], [np.zeros(0)]
    for block in count_pairs(baskets, weights, tested, settings.recent_days, settings.block_rows):
        kept, p = _mine_block(block, scorer, null, settings)
        parts.append(kept)
        found.append(p)
    p_found, tests = np.concatenate(found), int(tested.sum()) * (int(tested.sum()) - 1) // 2
    pairs = pl.concat(parts) if parts else _mine_nothing()
    q = q_values(pairs["p_value"].to_numpy(), p_found, tests)
    significant = int((q_values(p_found, p_found, tests) <= settings.max_q).sum())
    return MinedPairs(pairs.with_columns(q_value=pl.Series(q, dtype=pl.Float64)), null, tests, significant)


def _mine_block(
    block: PairBlock, scorer: PairScorer, null: NullModel, settings: PairSettings
) -> tuple[pl.DataFrame, np.ndarray]:
    """The block's best pairs, and the small p-values of its pairs (each unordered pair once)."""
    likelihood = scorer.likelihood(block)
    rank_score = scorer.likely_score(block.partner, likelihood)
    distinct_score = scorer.distinct_score(block.partner, likelihood)
    expected, expected_users = np.ones(len(block.anchor)), np.ones(len(block.anchor))
    p = np.ones(len(block.anchor))
    enough = np.flatnonzero(block.users >= settings.min_users)
    best = [top_rows(block.anchor, score, settings.pairs_per_item) for score in (rank_score, distinct_score)]
    looked_at = np.union1d(enough, np.concatenate(best))
    expected[looked_at] = null.expected_baskets(block.anchor[looked_at], block.partner[looked_at])
    expected_users[looked_at] = null.expected_users(expected[looked_at])
    p[enough] = p_values(block.users[enough], expected_users[enough])
    strength = np.where(p <= settings.max_q, -np.log(np.maximum(p, 1e-300)), 0.0)
    best.append(top_rows(block.anchor, strength, settings.pairs_per_item))
    kept = np.unique(np.concatenate(best))
    columns: dict[str, Any] = {
        "anchor": block.anchor, "partner": block.partner, "score": likelihood, "rank_score": rank_score,
        "distinct_score": distinct_score, "baskets": block.baskets, "users": block.users,
        "expected_baskets": expected, "expected_users": expected_users, "p_value": p,
        "oldest": block.oldest, "newest": block.newest, "recent": block.recent,
    }  # fmt: skip
    once = worth_keeping(p) & (block.anchor < block.partner)
    return pl.DataFrame({name: values[kept] for name, values in columns.items()}), p[once]


def _mine_nothing() -> pl.DataFrame:
    whole = ["anchor", "partner", "baskets", "users", "oldest", "newest", "recent"]
    real = ["score", "rank_score", "distinct_score", "expected_baskets", "expected_users", "p_value"]
    return pl.DataFrame(schema={name: pl.Int64 for name in whole} | {name: pl.Float64 for name in real})


def pair_rows(
    baskets: Baskets,
    items: pl.DataFrame,
    mined: MinedPairs,
    substitutes: pl.DataFrame,
    combinations: pl.DataFrame,
    settings: PairSettings,
    language: str = "en",
) -> pl.DataFrame:
    """All rows of item_pairs but the columns as_of_date and model_version, sorted by key.

    Partners that are retired are left out; forbidden pairs too, as complements and as substitutes; forced ones lead
    both orders. An item never borrows its substitute.
    """
    named = _name(baskets, mined.pairs, settings)
    named = drop_avoided(named, substitutes)
    lent = lend_pairs(named, items, baskets, substitutes, settings)
    named = pl.concat([named, lent], how="diagonal_relaxed")
    named = _apply_rules(named, items, combinations, baskets)
    ranked = _rank(named, settings)
    # What the shop forces together stays a pair, whatever people do.
    apart = _allowed(drop_avoided(substitutes, ranked), items, combinations, baskets)
    rows = pl.concat([ranked, apart], how="diagonal_relaxed")
    prices = items.select("item_id", price="list_price").unique("item_id", keep="first", maintain_order=True)
    rows = rows.join(prices, on="item_id", how="left", maintain_order="left")
    other = prices.rename({"item_id": "other_item_id", "price": "other_price"})
    rows = rows.join(other, on="other_item_id", how="left", maintain_order="left")
    return with_reasons(rows, items, language).sort("item_id", "other_item_id")


def _name(baskets: Baskets, pairs: pl.DataFrame, settings: PairSettings) -> pl.DataFrame:
    ids = pl.Series(baskets.item_ids, dtype=pl.String)
    anchor, partner = pairs["anchor"].to_numpy(), pairs["partner"].to_numpy()
    held = pl.Series(baskets.item_baskets[anchor])
    span, prior = int(np.append(baskets.age_days, 1).max()), settings.lift_prior
    day = pl.lit(baskets.as_of_date)
    pace = pl.col("baskets") * min(settings.recent_days / span, 1.0)
    return pairs.with_columns(
        item_id=ids.gather(anchor),
        other_item_id=ids.gather(partner),
        relation=pl.lit("complement"),
        evidence=pl.lit("own"),
        confidence=pl.col("baskets") / held,
        lift=(pl.col("baskets") + prior) / (pl.col("expected_baskets") + prior),
        significant=pl.col("q_value") <= settings.max_q,
        first_seen=day - pl.duration(days=pl.col("oldest")),
        last_seen=day - pl.duration(days=pl.col("newest")),
        trend=(pl.col("recent") + 1.0) / (pace + 1.0),
    ).drop("anchor", "partner", "oldest", "newest", "recent")


def _apply_rules(
    pairs: pl.DataFrame, items: pl.DataFrame, combinations: pl.DataFrame, baskets: Baskets
) -> pl.DataFrame:
    forced = _both_ways(combinations, "forced").with_columns(forced=pl.lit(True))
    forced = forced.filter(pl.col("item_id") != pl.col("other_item_id"))
    pairs = pairs.join(forced, on=["item_id", "other_item_id"], how="full", coalesce=True)
    fill = {"relation": "complement", "evidence": "forced", "significant": False, "forced": False}
    zero = ["score", "rank_score", "distinct_score", "baskets", "users", "confidence", "expected_baskets"]
    return _allowed(pairs, items, combinations, baskets).with_columns(
        *[pl.col(name).fill_null(value) for name, value in fill.items()],
        *[pl.col(name).fill_null(0) for name in [*zero, "expected_users"]],
        *[pl.col(name).fill_null(1.0) for name in ("lift", "p_value", "q_value")],
    )


def _allowed(pairs: pl.DataFrame, items: pl.DataFrame, combinations: pl.DataFrame, baskets: Baskets) -> pl.DataFrame:
    """`pairs` without retired partners and forbidden pairs."""
    retired = items.filter(pl.col("retired_at").dt.date() <= baskets.as_of_date)["item_id"]
    forbidden = _both_ways(combinations, "forbidden")
    kept = pairs.join(forbidden, on=["item_id", "other_item_id"], how="anti")
    return kept.filter(~pl.col("other_item_id").is_in(retired.implode()))


def _both_ways(combinations: pl.DataFrame, rule: str) -> pl.DataFrame:
    """item_id, other_item_id of the pairs with this rule, in both directions."""
    told = combinations.filter(pl.col("rule") == rule).select("item_id", "other_item_id")
    swapped = told.select(item_id="other_item_id", other_item_id="item_id")
    return pl.concat([told, swapped]).unique()


def _rank(pairs: pl.DataFrame, settings: PairSettings) -> pl.DataFrame:
    """Places in both orders; forced partners first, ties by id; rows outside both are kept where significant."""

    def place(score: str) -> pl.Expr:
        shown = (pl.col(score) > 0) | pl.col("forced")
        order = pl.int_range(1, pl.len() + 1).over("item_id", order_by=["~forced", f"-{score}", "other_item_id"])
        return pl.when(shown & (order <= settings.pairs_per_item)).then(order).cast(pl.Int32)

    keyed = pairs.with_columns(
        (~pl.col("forced")).alias("~forced"),
        *[(-pl.col(name)).alias(f"-{name}") for name in ("rank_score", "distinct_score")],
    )
    ranked = keyed.with_columns(rank=place("rank_score"), rank_distinct=place("distinct_score"))
    ranked = ranked.drop("~forced", "-rank_score", "-distinct_score")
    shown = pl.col("rank").is_not_null() | pl.col("rank_distinct").is_not_null() | pl.col("significant")
    return ranked.filter(shown).drop("rank_score", "distinct_score", "forced")

"""Pairs of the shop whose combinations are known."""

from __future__ import annotations

import dataclasses
import itertools
from datetime import date

import numpy as np
import polars as pl
import pytest

from recsys.recommendations.item_pairs import mine_pairs, pair_rows
from recsys.recommendations.pair_counts import count_pairs
from recsys.recommendations.pair_relations import find_substitutes, no_substitutes
from recsys.recommendations.pair_scores import top_rows
from recsys.schemas import ITEM_PAIRS
from tests.recommendations.combination_shop import (
    AS_OF,
    SETS,
    SETTINGS,
    combination_baskets,
    combination_events,
    combination_items,
    no_rules,
    rules,
)  # fmt: skip


def make_rows(events: pl.DataFrame, combinations: pl.DataFrame | None = None) -> pl.DataFrame:
    baskets, items = combination_baskets(events), combination_items()
    mined = mine_pairs(baskets, SETTINGS)
    substitutes = find_substitutes(events.lazy(), items, baskets, mined, SETTINGS, AS_OF, "UTC")
    return pair_rows(baskets, items, mined, substitutes, no_rules() if combinations is None else combinations, SETTINGS)


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    return make_rows(combination_events())


def row(rows: pl.DataFrame, item: str, other: str) -> dict[str, object]:
    found = rows.filter((pl.col("item_id") == item) & (pl.col("other_item_id") == other)).to_dicts()
    assert len(found) <= 1
    return found[0] if found else {}


@pytest.mark.parametrize(
    ("item", "other"), [("bread", "butter"), ("torch", "battery"), ("battery", "rope"), ("candle", "holly")]
)
def test_planted_pairs_are_significant_and_lead_the_distinct_order_both_ways(
    rows: pl.DataFrame, item: str, other: str
) -> None:
    for left, right in ((item, other), (other, item)):
        found = row(rows, left, right)
        assert found["significant"] and found["relation"] == "complement" and found["evidence"] == "own"
        assert found["rank_distinct"] in (1, 2)
        assert found["lift"] > 2.0


def test_nothing_but_the_planted_pairs_is_significant(rows: pl.DataFrame) -> None:
    strong = rows.filter("significant")
    together = [*SETS.values(), ("candle", "holly")]
    planted = {pair for items in together for pair in itertools.permutations(items, 2)}
    assert set(strong.select("item_id", "other_item_id").rows()) == planted


def test_one_heavy_user_makes_no_pair(rows: pl.DataFrame) -> None:
    found = row(rows, "ink", "paper")
    assert found["baskets"] == 12 and found["users"] == 1
    assert not found["significant"] and found["q_value"] == 1.0


def test_bestseller_is_never_significant_nor_in_the_distinct_order(rows: pl.DataFrame) -> None:
    milk = rows.filter(pl.col("other_item_id") == "milk")
    assert milk.filter("significant").is_empty()
    assert milk["rank_distinct"].null_count() == milk.height
    assert milk.filter(pl.col("rank") == 1).height > 10


def test_substitutes_are_kept_apart_and_unranked(rows: pl.DataFrame) -> None:
    for left, right in (("tea_green", "tea_black"), ("tea_black", "tea_green")):
        found = row(rows, left, right)
        assert found["relation"] == "substitute" and found["rank"] is None and found["rank_distinct"] is None
    assert rows.filter(pl.col("relation") == "substitute").height == 2


def test_seasonal_pair_tells_its_season(rows: pl.DataFrame) -> None:
    found = row(rows, "candle", "holly")
    assert found["first_seen"] >= date(2023, 12, 1)
    assert found["trend"] > 3.0
    assert row(rows, "bread", "butter")["trend"] < 2.0


def test_new_item_borrows_from_the_item_with_the_like_title(rows: pl.DataFrame) -> None:
    found = row(rows, "bread_new", "butter")
    assert found["evidence"] == "text" and found["baskets"] == 0 and not found["significant"]
    assert "similar" in str(found["reason_code"])


def test_excluded_category_never_appears(rows: pl.DataFrame) -> None:
    assert "petrol" not in set(rows["other_item_id"])


def test_ranks_run_without_gaps_and_reasons_are_given(rows: pl.DataFrame) -> None:
    for order in ("rank", "rank_distinct"):
        places = rows.drop_nulls(order).group_by("item_id").agg(n=pl.len(), top=pl.col(order).max())
        assert places.filter(pl.col("n") != pl.col("top")).is_empty()
    assert rows["reason_text"].null_count() == 0
    told = row(rows, "bread", "butter")
    chance = f": {told['baskets']} baskets of {told['users']} users, where chance gives {told['expected_baskets']:.1f}"
    assert str(told["reason_text"]).endswith(chance)


def test_rows_fit_the_table(rows: pl.DataFrame) -> None:
    stamped = rows.with_columns(as_of_date=pl.lit(date(2024, 1, 1)), model_version=pl.lit("v"))
    assert ITEM_PAIRS.conform(stamped.to_arrow()).num_rows == rows.height
    assert rows.select(pl.struct("item_id", "other_item_id").is_duplicated().any()).item() is False


def test_forbidden_pairs_are_left_out_and_forced_ones_lead() -> None:
    forced = rules(("bread", "butter", "forbidden"), ("noise00", "rope", "forced"))
    rows = make_rows(combination_events(), forced)
    assert row(rows, "bread", "butter") == {} and row(rows, "butter", "bread") == {}
    for left, right in (("noise00", "rope"), ("rope", "noise00")):
        assert row(rows, left, right)["rank"] == 1


def test_a_substitute_is_never_borrowed_and_is_a_pair_only_where_the_shop_forces_it() -> None:
    events, items = combination_events(), combination_items()
    baskets = combination_baskets(events)
    mined = mine_pairs(baskets, SETTINGS)
    found = find_substitutes(events.lazy(), items, baskets, mined, SETTINGS, AS_OF, "UTC")
    thin = found.head(1).with_columns(item_id=pl.lit("bread_new"), other_item_id=pl.lit("butter"))
    forced = rules(("tea_green", "tea_black", "forced"))
    rows = pair_rows(baskets, items, mined, pl.concat([found, thin]), forced, SETTINGS)
    assert row(rows, "bread_new", "butter")["relation"] == "substitute"
    assert row(rows, "tea_green", "tea_black")["rank"] == 1
    assert rows.select(pl.struct("item_id", "other_item_id").is_duplicated().any()).item() is False


def test_a_forbidden_or_retired_partner_is_no_substitute_either() -> None:
    banned = make_rows(combination_events(), rules(("tea_green", "tea_black", "forbidden")))
    assert row(banned, "tea_green", "tea_black") == {} and row(banned, "tea_black", "tea_green") == {}
    events, items = combination_events(), combination_items()
    baskets = combination_baskets(events)
    mined = mine_pairs(baskets, SETTINGS)
    found = find_substitutes(events.lazy(), items, baskets, mined, SETTINGS, AS_OF, "UTC")
    gone = pl.when(pl.col("item_id") == "tea_black").then(pl.lit(AS_OF)).otherwise("retired_at")
    retired = items.with_columns(retired_at=gone.cast(items.schema["retired_at"]))
    rows = pair_rows(baskets, retired, mined, found, no_rules(), SETTINGS)
    assert row(rows, "tea_green", "tea_black") == {}
    assert row(rows, "tea_black", "tea_green")["relation"] == "substitute"


def test_the_future_and_the_order_of_events_change_nothing() -> None:
    events = combination_events()
    future = events.with_columns(
        pl.col("occurred_at") + pl.duration(days=400), pl.format("f{}", "event_id").alias("event_id")
    )
    mixed = pl.concat([events, future]).sample(fraction=1.0, shuffle=True, seed=3)
    assert make_rows(mixed).equals(make_rows(events))


def test_small_blocks_give_the_same_counts_as_one_block() -> None:
    baskets = combination_baskets()
    weights = baskets.weights(100.0, 0.5)
    everything = np.ones(len(baskets.item_ids), bool)
    whole = next(count_pairs(baskets, weights, everything, 28))
    parts = list(count_pairs(baskets, weights, everything, 28, rows=500))
    assert len(parts) > 5
    for name in ("anchor", "partner", "baskets", "users", "weight", "oldest", "newest", "recent"):
        assert np.array_equal(np.concatenate([getattr(part, name) for part in parts]), getattr(whole, name))
    dense = (baskets.lines.T @ baskets.lines).toarray()
    assert np.array_equal(dense[whole.anchor, whole.partner], whole.baskets)


def test_an_empty_shop_gives_no_row() -> None:
    baskets = combination_baskets(combination_events().head(0))
    mined = mine_pairs(baskets, SETTINGS)
    rows = pair_rows(baskets, combination_items(), mined, no_substitutes(), no_rules(), SETTINGS)
    assert rows.is_empty()


def test_baskets_of_one_item_make_no_pair() -> None:
    events = combination_events().with_columns(order_id=pl.format("{}{}", "order_id", "item_id"))
    baskets = combination_baskets(events)
    assert mine_pairs(baskets, SETTINGS).pairs.is_empty()


def test_best_rows_of_short_and_long_runs_are_those_of_a_plain_sort() -> None:
    rng = np.random.default_rng(0)
    anchor = np.repeat(np.arange(40), rng.integers(0, 30, 40) ** 2)
    score = rng.integers(-2, 30, len(anchor)).astype(np.float64)
    order = np.lexsort((np.arange(len(score)), -score, anchor))
    wanted = [row for a in range(40) for row in [r for r in order if anchor[r] == a and score[r] > 0][:7]]
    assert np.bincount(anchor).max() > 500
    assert top_rows(anchor, score, 7).tolist() == wanted


def test_huge_baskets_are_left_out() -> None:
    small = combination_baskets(settings=dataclasses.replace(SETTINGS, max_basket_items=3))
    assert small.sizes.max() == 3


@pytest.mark.parametrize(("time_zone", "found"), [("UTC", 0), ("America/New_York", 2)])
def test_a_visit_without_a_session_is_a_day_of_the_shop(time_zone: str, found: int) -> None:
    """Each looks at both teas on one evening of New York, around midnight of UTC."""
    views = pl.col("event_type") == "view"
    midnight = pl.col("occurred_at").dt.truncate("1d")
    apart = pl.when(pl.col("item_id") == "tea_green").then(pl.duration(minutes=-10)).otherwise(pl.duration(minutes=10))
    events = combination_events().with_columns(
        session_id=pl.when(~views).then("session_id"),
        occurred_at=pl.when(views).then(midnight + apart).otherwise("occurred_at"),
    )
    baskets = combination_baskets(events)
    mined = mine_pairs(baskets, SETTINGS)
    rows = find_substitutes(events.lazy(), combination_items(), baskets, mined, SETTINGS, AS_OF, time_zone)
    assert rows.height == found

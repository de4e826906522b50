"""Exploration: seeded draws, told propensities, and a list that keeps its shape."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import numpy as np
import polars as pl
import pytest

from recsys.config import Environment, Settings
from recsys.recommendations.exploration import ARMS, arms, explored_ranks, propensities, with_exploration
from recsys.recommendations.explored import slot_rows, slot_sums
from recsys.recommendations.lists import FACTS
from recsys.run import RunContext
from recsys.settings.lists import RulesSettings
from recsys.settings.new_items import NewItemSettings

DAY = date(2024, 6, 1)
NOBODY = pl.DataFrame(schema={"user_id": pl.String, "item_id": pl.String})
USERS = [f"u{number:03d}" for number in range(300)]
SEGMENTS = pl.DataFrame({"user_id": USERS, "segment": [None, *["gold"] * 299]}, schema_overrides={"segment": pl.String})
CHOICE = pl.DataFrame(
    [("", "new1", 1.0, 9.0), ("gold", "new1", 8.0, 20.0), ("gold", "new2", 4.0, 24.0), ("gold", "new3", 4.0, 24.0)],
    schema=ARMS,
    orient="row",
)


def context(share: float = 0.5, day: date = DAY, **changes: float) -> RunContext:
    new = replace(NewItemSettings(explore_share=share, explore_prior=2.0), **changes)  # type: ignore[arg-type]
    settings = Settings(new_items=new, rules=RulesSettings(list_length=4))
    return RunContext(day, Environment("", "", "lake"), settings, "test")


def lists_of(users: list[str], fallback: str | None = None) -> pl.DataFrame:
    """Four old items a user in for_you, and one in discover."""
    rows = [("for_you", user, rank, f"old{rank}", 1.0 / rank) for user in users for rank in (1, 2, 3, 4)]
    rows += [("discover", user, 2, "old9", 0.1) for user in users]
    frame = pl.DataFrame(rows, schema=["list", "user_id", "rank", "item_id", "score"], orient="row")
    facts = [pl.lit(None, kind).alias(name) for name, kind in FACTS.items() if name != "generator"]
    told = frame.with_columns(*facts, generator=pl.lit("als"), fallback=pl.lit(fallback, pl.String))
    return told.cast({"rank": pl.Int32, "score": pl.Float32})


def explored(run: RunContext, lists: pl.DataFrame | None = None, bought: pl.DataFrame = NOBODY) -> pl.DataFrame:
    return with_exploration(lists_of(USERS) if lists is None else lists, CHOICE, SEGMENTS, bought, run)


def test_by_default_nothing_is_explored() -> None:
    assert NewItemSettings().explore_share == 0
    told = explored(context(0.0))
    assert told.drop("propensity").equals(lists_of(USERS))
    assert told["propensity"].null_count() == len(told)


@pytest.mark.parametrize(("share", "ranks"), [(0.1, [10, 20, 30, 40, 50]), (0.02, [50]), (0.01, []), (1.0, [1, 2, 3])])
def test_places_are_spread_evenly(share: float, ranks: list[int]) -> None:
    assert explored_ranks(NewItemSettings(explore_share=share), 3 if share == 1 else 50) == ranks


def test_new_items_take_places_and_leave_scores_and_other_lists_alone() -> None:
    lists, told = lists_of(USERS), explored(context())
    assert told.select("list", "user_id", "rank", "score").equals(lists.select("list", "user_id", "rank", "score"))
    drawn = told.filter(pl.col("propensity").is_not_null())
    assert set(drawn["rank"]) == {2, 4}
    assert set(drawn["list"]) == {"for_you"}
    assert set(drawn["generator"]) == {"exploration"}
    assert told.select("list", "user_id", "item_id").is_unique().all()
    assert set(drawn.filter(pl.col("user_id") == "u000")["item_id"]) == {"new1"}


def test_the_same_day_draws_the_same_and_another_day_differently() -> None:
    assert explored(context()).equals(explored(context()))
    assert not explored(context()).equals(explored(context(day=DAY + timedelta(days=1))))


def test_told_propensities_are_the_shares_of_draws() -> None:
    """299 users of one segment: each item has each place as often as its propensity says, give or take chance."""
    drawn = explored(context()).filter(pl.col("propensity").is_not_null() & (pl.col("user_id") != "u000"))
    for row in drawn.group_by("item_id", "rank").agg(pl.len(), pl.col("propensity").first()).iter_rows(named=True):
        assert row["len"] / 299 == pytest.approx(row["propensity"], abs=0.1)
    shares = dict(drawn.group_by("item_id").agg(pl.col("propensity").first()).iter_rows())
    assert shares["new1"] > shares["new2"]
    assert sum(shares.values()) == pytest.approx(1.0, abs=0.05)


def test_the_item_that_drew_highest_stands_in_any_of_the_places() -> None:
    """Each item that is shown is as often in one place as in the other."""
    drawn = explored(context()).filter(pl.col("propensity").is_not_null() & (pl.col("user_id") != "u000"))
    first = drawn.group_by("item_id").agg(pl.len(), share=(pl.col("rank") == 2).mean())
    assert set(first["item_id"]) == {"new1", "new2", "new3"}
    assert first["share"].to_list() == pytest.approx([0.5] * 3, abs=0.12)


def test_estimates_are_of_all_users_where_some_lists_lack_places() -> None:
    """Every other list ends before the second place, and its users buy less: they count as much as the others."""
    short = (pl.col("user_id").str.slice(1).cast(pl.Int64) % 2 == 1) & (pl.col("rank") == 4)
    out, deep = explored(context(), lists_of(USERS).filter(~short)), 2
    items, gold = ["new1", "new2", "new3"], [user for user in USERS if user != "u000"]
    truth = pl.DataFrame({"user_id": gold}).join(pl.DataFrame({"item_id": items}), how="cross")
    even = pl.col("user_id").str.slice(1).cast(pl.Int64) % 2 == 0
    bought = truth.filter(even | (pl.col("item_id") == "new1")).with_columns(revenue=pl.lit(0.0))
    rows = slot_rows([slot_sums("for_you", out.filter(pl.col("user_id") != "u000"), bought, deep)], deep, 10.0)
    (told,) = (row[4:7] for row in rows if row[2:4] == ("explored", "uniform_precision@2"))
    assert told[0] == pytest.approx(len(bought) / len(truth), abs=0.05)


@pytest.mark.parametrize(("evenly", "tells_the_truth"), [(0.1, True), (0.0, False)])
def test_the_estimate_is_of_all_items_where_the_best_are_known_well(evenly: float, tells_the_truth: bool) -> None:
    """After 2,000 trials the twentieth of twenty items is never drawn by its rate: no weight can stand in for it."""
    users, items = [f"u{number}" for number in range(3_000)], [f"new{number:02d}" for number in range(20)]
    rates = np.linspace(0.01, 0.2, len(items))
    arms = pl.DataFrame({"segment": "", "item_id": items, "wins": 2_000 * rates, "losses": 2_000 * (1 - rates)})
    segments = pl.DataFrame({"user_id": users, "segment": ""})
    run = context(explore_evenly=evenly)
    out = with_exploration(lists_of(users), arms.cast(ARMS), segments, NOBODY, run)  # type: ignore[arg-type]
    liked = np.random.default_rng(1).random((len(users), len(items))) < rates
    user, item = (pl.Series(places) for places in np.nonzero(liked))
    reached = pl.DataFrame({"user_id": pl.Series(users).gather(user), "item_id": pl.Series(items).gather(item)})
    sums = slot_sums("for_you", out, reached.with_columns(revenue=pl.lit(0.0)), 4)
    ((_, low, high),) = (row[4:7] for row in slot_rows([sums], 4, 100.0) if str(row[3]).startswith("uniform"))
    assert (low < liked.mean() < high) == tells_the_truth  # type: ignore[operator]


def test_propensities_of_equal_items_are_equal() -> None:
    equal = propensities(np.full(4, 3.0), np.full(4, 9.0), 1, 4_000, np.random.default_rng(1))
    assert equal == pytest.approx([0.25] * 4, abs=0.03)


def test_fallback_lists_are_not_explored_and_nothing_bought_or_listed_is_drawn() -> None:
    assert explored(context(), lists_of(USERS, "segment"))["propensity"].null_count() == 5 * len(USERS)
    bought = pl.DataFrame({"user_id": USERS, "item_id": ["new1"] * len(USERS)})
    assert "new1" not in explored(context(), bought=bought)["item_id"]
    listed = lists_of(USERS).with_columns(pl.col("item_id").replace("old1", "new1"))
    told = explored(context(), listed).filter(pl.col("propensity").is_not_null())
    assert "new1" not in told["item_id"]


def test_an_item_among_the_fallbacks_below_is_not_drawn_too() -> None:
    """A new item may be popular already: the list is topped up with it, and holds it once."""
    last = pl.col("rank") == 4
    told = pl.col("item_id").replace("old4", "new1"), pl.when(last).then(pl.lit("trending")).alias("fallback")
    mixed = lists_of(USERS).with_columns(pl.when(last).then(told[0]).otherwise("item_id").alias("item_id"), told[1])
    found = explored(context(0.25, explore_items=3), mixed)
    assert found.select("list", "user_id", "item_id").is_unique().all()
    found = explored(context(), mixed)
    assert found.select("list", "user_id", "item_id").is_unique().all()
    assert found["propensity"].count() > 0


def test_arms_count_buyers_of_the_segment() -> None:
    """Two gold users and one of no segment were there; one gold user bought new1. Older events do not count."""
    at = datetime(2024, 5, 25, tzinfo=timezone.utc)
    events = pl.DataFrame(
        [("a", "new1", "purchase", at), ("a", "new1", "purchase", at), ("b", "new1", "view", at),
         ("c", "old", "purchase", at), ("d", "new1", "purchase", at - timedelta(days=90))],
        schema=["user_id", "item_id", "event_type", "occurred_at"], orient="row",
    )  # fmt: skip
    users = pl.DataFrame({"user_id": ["a", "b", "d"], "segment": ["gold"] * 3})
    new = pl.DataFrame({"item_id": ["new1", "new2"], "launched_at": [at, at]})
    told = arms(events.lazy(), users, new, context())
    assert told.select("segment", "item_id").rows() == [
        ("", "new1"), ("", "new2"), ("gold", "new1"), ("gold", "new2")
    ]  # fmt: skip
    # Mean rate of gold: (1 + 1) / (4 + 2); the prior is two users strong.
    assert told.filter(pl.col("segment") == "gold")["wins"].to_list() == pytest.approx([1 + 2 / 3, 2 / 3])
    assert told.filter(pl.col("segment") == "gold")["losses"].to_list() == pytest.approx([1 + 4 / 3, 2 + 4 / 3])
    assert arms(events.lazy(), users, new, context(explore_items=1))["item_id"].to_list() == ["new1", "new1"]

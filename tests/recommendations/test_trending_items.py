"""Trends: observed against what past, category and weekday led to expect."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np
import polars as pl
import pytest

from recsys.recommendations.fallback import fallback_rows, trending_by_segment
from recsys.recommendations.trending_items import (
    EVERYBODY,
    expected_counts,
    fallback_items,
    trending_rows,
    with_trend_reasons,
)
from recsys.settings.data import InteractionSettings
from recsys.settings.trending import TrendingSettings

Row = tuple[object, ...]
AS_OF = datetime(2020, 5, 1, tzinfo=timezone.utc)
ITEMS = pl.DataFrame(
    {"item_id": ["steady", "rising", "fading", "sunday", "ice"], "category_path": ["A", "A", "A", "B", "C"]}
)
USERS = pl.DataFrame({"user_id": [f"u{n}" for n in range(40)], "segment": ["young"] * 20 + [None] * 20})
SETTINGS = TrendingSettings(prior=0.5, prior_days=1.0)


def daily(item: str, users: int, first: int, last: int, every: int = 1, kind: str = "purchase") -> list[Row]:
    """`users` users take the item every `every` days, from `first` to `last` days ago."""
    return [
        (f"u{user}", item, kind, AS_OF - timedelta(days=day) + timedelta(hours=12))
        for day in range(last, first + 1)
        if day % every == 0
        for user in range(users)
    ]


def told(*rows: Row, settings: TrendingSettings = SETTINGS, segment: str = EVERYBODY) -> dict[str, dict[str, float]]:
    schema = {"user_id": pl.String, "item_id": pl.String, "event_type": pl.String,
              "occurred_at": pl.Datetime("us", "UTC")}  # fmt: skip
    frame = pl.DataFrame(list(rows), schema=schema, orient="row")
    counts = expected_counts(frame, ITEMS, USERS, AS_OF, "UTC", settings)
    counts = counts.filter(pl.col("segment") == segment)
    return {row["item_id"]: row for row in counts.to_dicts()}


def test_steady_is_as_expected_and_a_rise_is_told() -> None:
    before = [*daily("sunday", 10, 98, 1), *daily("ice", 2, 98, 15), *daily("fading", 6, 98, 15)]
    found = told(*before, *daily("ice", 6, 14, 1))
    assert found["sunday"]["above"] == pytest.approx(1.0, abs=0.05)
    assert found["ice"]["above"] > 2.5
    assert "fading" not in found


def test_a_category_that_grows_as_a_whole_makes_no_item_of_it_a_trend() -> None:
    rows = [row for item in ("steady", "rising") for row in (*daily(item, 4, 98, 15), *daily(item, 12, 14, 1))]
    found = told(*rows)
    assert found["rising"]["above"] == pytest.approx(1.0, abs=0.1)
    assert found["rising"]["category_above"] == pytest.approx(3.0, rel=0.1)


@pytest.mark.parametrize("first", [21, 35, 60])
def test_a_young_shop_is_measured_against_the_days_that_it_has(first: int) -> None:
    found = told(*daily("steady", 10, first, 1), *daily("rising", 4, first, 15), *daily("rising", 12, 14, 1))
    assert found["steady"]["category_above"] == pytest.approx(22 / 14, rel=0.1)
    assert found["rising"]["above"] > 1.8
    assert told(*daily("steady", 10, first, 1))["steady"]["above"] == pytest.approx(1.0, abs=0.05)


def test_in_its_first_days_a_shop_has_no_trend() -> None:
    found = told(*daily("steady", 10, 14, 1), *daily("ice", 3, 2, 1))
    assert {row["above"] for row in found.values()} == {1.0}
    assert found["steady"]["observed"] == found["steady"]["expected"] > 0


def test_what_is_bought_on_one_weekday_is_expected_on_that_day() -> None:
    found = told(*daily("sunday", 10, 98, 1, every=7), settings=replace(SETTINGS, recent_days=7, baseline_days=84))
    assert found["sunday"]["above"] == pytest.approx(1.0, abs=0.1)


def test_a_new_item_is_judged_by_its_category() -> None:
    found = told(*daily("steady", 10, 98, 1), *daily("rising", 10, 14, 1))
    assert found["rising"]["above"] > 1.5
    assert found["rising"]["expected"] > 0


def test_views_count_where_nothing_is_bought_and_not_beside_purchases() -> None:
    assert "ice" in told(*daily("ice", 5, 10, 1, kind="view"))
    assert "ice" not in told(*daily("steady", 10, 98, 1), *daily("ice", 5, 10, 1, kind="view"))


def test_users_of_an_empty_segment_count_once_among_all() -> None:
    schema = {"user_id": pl.String, "item_id": pl.String, "event_type": pl.String,
              "occurred_at": pl.Datetime("us", "UTC")}  # fmt: skip
    events = pl.DataFrame(daily("ice", 6, 14, 1), schema=schema, orient="row")
    users = pl.DataFrame({"user_id": ["u0", "u1", "u2"], "segment": ["", " ", "young"]})
    counts = expected_counts(events, ITEMS, users, AS_OF, "UTC", SETTINGS)
    plain = expected_counts(events, ITEMS, users.filter(pl.col("segment") == "young"), AS_OF, "UTC", SETTINGS)
    keys = ["segment", "item_id"]
    assert counts.sort(keys).equals(plain.sort(keys))
    popular = trending_by_segment(events, users, AS_OF, InteractionSettings())
    rows = trending_rows(popular, counts, 3, SETTINGS)
    assert rows.select(keys).rows() == [("", "ice"), ("young", "ice")]
    wanted = pl.DataFrame({"list": ["for_you"] * 2, "user_id": ["u0", "u2"], "segment": ["", "young"]})
    shown = fallback_rows(wanted, fallback_items(rows)).select("user_id", "item_id", "fallback")
    assert sorted(shown.rows()) == [("u0", "ice", "trending"), ("u2", "ice", "segment")]


def test_a_user_counts_once_a_day_and_segments_apart() -> None:
    once = told(*daily("ice", 3, 10, 1))
    assert told(*daily("ice", 3, 10, 1) * 5) == once
    young = told(*daily("ice", 30, 10, 1), segment="young")
    assert young["ice"]["observed"] == pytest.approx(told(*daily("ice", 20, 10, 1))["ice"]["observed"])


def test_no_events_no_trend() -> None:
    assert told() == {}


POPULAR = pl.DataFrame(
    {"segment": [None, None, "young"], "item_id": ["big", "up", "up"], "score": [10.0, 9.0, 2.0], "rank": [1, 2, 1]},
    schema_overrides={"rank": pl.Int32},
)
COUNTS = pl.DataFrame(
    {"segment": ["", ""], "item_id": ["big", "up"], "observed": [5.0, 8.0], "expected": [5.0, 2.0],
     "above": [1.0, 3.0], "category_above": [1.0, 1.0]}
)  # fmt: skip


def test_order_reasons_and_what_the_fallback_reads() -> None:
    rows = with_trend_reasons(trending_rows(POPULAR, COUNTS, 50, TrendingSettings(power=0.5)))
    assert rows.select("segment", "rank", "item_id", "reason_code", "reason_text").rows() == [
        ("", 1, "up", "rising", "200 % above what its past and its category tell"),
        ("", 2, "big", "steady", "Popular right now"),
        ("young", 1, "up", "steady", "Popular right now with users of young"),
    ]
    told = fallback_items(rows)
    assert told.select("segment", "item_id", "rank").rows() == [(None, "up", 1), (None, "big", 2), ("young", "up", 1)]


def test_what_chance_alone_lifts_is_not_called_rising() -> None:
    """In a shop in which nothing changes, more than half of the first places of a list were called rising."""
    draw = np.random.default_rng(0)
    rate = np.exp(draw.normal(-0.7, 1.2, 200))
    users = [f"u{number}" for number in range(3000)]
    rows = [
        (users[user], f"i{item}", "purchase", AS_OF - timedelta(days=age) + timedelta(hours=12))
        for age in range(1, 99)
        for item, count in enumerate(draw.poisson(rate))
        for user in draw.integers(0, 3000, count)
    ]
    events = pl.DataFrame(rows, schema=["user_id", "item_id", "event_type", "occurred_at"], orient="row")
    items = pl.DataFrame({"item_id": [f"i{number}" for number in range(200)], "category_path": "A"})
    nobody = pl.DataFrame(schema={"user_id": pl.String, "segment": pl.String})

    def reasons(taken: pl.DataFrame) -> pl.DataFrame:
        counts = expected_counts(taken, items, nobody, AS_OF, "UTC", TrendingSettings())
        popular = trending_by_segment(taken, nobody, AS_OF, InteractionSettings())
        return with_trend_reasons(trending_rows(popular, counts, 10, TrendingSettings()))

    still = reasons(events)
    assert (still.head(20)["above"] > 1.1).mean() > 0.3
    assert (still["reason_code"] == "rising").mean() < 0.1
    age = (pl.lit(AS_OF) - pl.col("occurred_at")).dt.total_days()
    others = events.filter((pl.col("item_id") == "i91") & (age < 14)).with_columns(pl.col("user_id") + " too")
    lifted = reasons(pl.concat([events, others])).filter(pl.col("item_id") == "i91")
    assert lifted["reason_code"].to_list() == ["rising"]


def test_power_nought_is_popularity() -> None:
    rows = trending_rows(POPULAR, COUNTS, 50, TrendingSettings(power=0.0))
    assert rows.filter(pl.col("segment") == "")["item_id"].to_list() == ["big", "up"]

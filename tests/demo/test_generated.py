"""What is generated knows the past alone, and has the shape that the documentation says."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import numpy as np
import polars as pl
import pytest

from demo import generated
from demo.draws import in_order, uniform

START = datetime(2017, 3, 1, tzinfo=timezone.utc)
CUT = 3000


def purchase_lines(count: int, seed: int) -> pl.DataFrame:
    """`count` lines, one every ten minutes, of 40 users, 200 items and 7 categories."""
    random = np.random.default_rng(seed)
    items = random.integers(0, 200, count)
    return pl.DataFrame(
        {
            "user_id": random.integers(0, 40, count),
            "item_id": items,
            "category": [f"category {item % 7}" for item in items],
            "occurred_at": [START + timedelta(minutes=10 * place) for place in range(count)],
        }
    ).with_columns(pl.col("occurred_at").cast(pl.Datetime("us", "UTC")))


@pytest.mark.parametrize("later", [0, 1, 500, 4000])
def test_later_purchases_do_not_change_earlier_rows(later: int) -> None:
    lines = purchase_lines(CUT + 2000, seed=1)
    moment = lines["occurred_at"][CUT]
    other = purchase_lines(later, seed=2).with_columns(
        pl.col("user_id") + 1000,
        pl.col("item_id") + 9000,
        pl.lit("category 0").alias("category"),
        pl.col("occurred_at") - START + moment,
    )
    before = generated.browsing(lines).filter(pl.col("occurred_at") < moment)
    after = generated.browsing(pl.concat([lines[:CUT], other])).filter(pl.col("occurred_at") < moment)
    assert before.height > 500
    assert before.equals(after)


def test_a_view_is_later_than_its_line_and_of_an_item_bought_before_it() -> None:
    lines = purchase_lines(CUT, seed=3).with_row_index("line")
    views = generated.browsing(lines).filter(pl.col("event_type") == "view")
    views = views.with_columns(pl.col("event_id").str.split("-").list.get(1).cast(pl.UInt32).alias("line"))
    derived = views.join(lines.select("line", bought_at="occurred_at", buyer="user_id"), on="line")
    assert derived.height == views.height > 500
    assert derived.filter(pl.col("occurred_at") <= pl.col("bought_at")).is_empty()
    assert derived.filter(pl.col("user_id") != pl.col("buyer")).is_empty()
    first = lines.group_by("item_id").agg(pl.col("line").min().alias("first_line"))
    assert derived.join(first, on="item_id").filter(pl.col("first_line") >= pl.col("line")).is_empty()


def test_carts_and_favourites_follow_their_view() -> None:
    events = generated.browsing(purchase_lines(CUT, seed=4))
    views = events.filter(pl.col("event_type") == "view").select("session_id", "item_id", viewed_at="occurred_at")
    for kind in ("cart", "favourite"):
        followers = events.filter(pl.col("event_type") == kind)
        joined = followers.join(views, on=["session_id", "item_id"])
        assert joined.height == followers.height > 50
        assert joined.filter(pl.col("occurred_at") <= pl.col("viewed_at")).is_empty()
    assert events["event_id"].is_unique().all()
    assert events["source"].unique().to_list() == ["generated"]


def test_nothing_is_generated_after_the_year() -> None:
    lines = purchase_lines(CUT, seed=5).with_columns(pl.col("occurred_at") + timedelta(days=285))
    assert generated.browsing(lines)["occurred_at"].max() < datetime(2018, 1, 1, tzinfo=timezone.utc)


def test_earlier_picks_a_row_before_of_the_same_group() -> None:
    groups = np.array([1, 2, 1, 1, 2])
    assert generated.earlier(groups, np.zeros(5)).tolist() == [-1, -1, 0, 0, 1]
    assert generated.earlier(groups, np.full(5, 0.99)).tolist() == [-1, -1, 0, 2, 1]


def state_by_day(counts: pl.DataFrame, item: int, days: int) -> list[bool]:
    """Whether `item` is out on each day by its newest count up to that day, as a reader of the table finds it."""
    own = counts.filter(pl.col("item_id") == item).sort("snapshot_date")
    grid = pl.DataFrame({"day": [date(2017, 1, 1) + timedelta(days=day) for day in range(days)]})
    found = grid.join_asof(own, left_on="day", right_on="snapshot_date")
    assert found.filter((pl.col("day") - pl.col("snapshot_date")).dt.total_days() > 13).is_empty()
    return (found["on_hand"] == 0).to_list()


def test_the_newest_count_tells_the_state() -> None:
    items = np.arange(600)
    first = pl.DataFrame({"item_id": items, "day": [date(2017, 1, 1)] * len(items)})
    counts = generated.stock(first)
    out = generated.out_of_stock(items, np.arange(365))
    for item in (0, 7, 123, 599):
        assert state_by_day(counts, item, 365) == out[item].tolist()


def test_about_one_in_a_hundred_items_is_out_and_never_for_long() -> None:
    out = generated.out_of_stock(np.arange(4000), np.arange(365))
    assert 0.007 < out[:, 10:].mean() < 0.011
    single = generated.out_of_stock(np.array([42]), np.arange(365))[0]
    assert single.any()


def test_stock_hangs_on_neither_other_items_nor_later_first_sales() -> None:
    early = pl.DataFrame({"item_id": [11, 12], "day": [date(2017, 1, 5), date(2017, 2, 1)]})
    late = pl.DataFrame({"item_id": [3, 900], "day": [date(2017, 6, 1), date(2017, 7, 1)]})
    alone = generated.stock(early)
    together = generated.stock(pl.concat([late, early]))
    assert together.filter(pl.col("item_id").is_in([11, 12])).equals(alone)
    assert alone.filter(pl.col("item_id") == 12)["snapshot_date"].min() == date(2017, 2, 1)


def test_draws_keep_their_beginning_and_spread_evenly() -> None:
    assert in_order(1000, "view")[:10].tolist() == in_order(10, "view").tolist()
    assert in_order(10, "view").tolist() != in_order(10, "cart").tolist()
    numbers = uniform(np.arange(500)[:, None], np.arange(200)[None, :], "even")
    assert numbers.min() >= 0 and numbers.max() < 1
    assert np.histogram(numbers, bins=10, range=(0, 1))[0] == pytest.approx(np.full(10, 10_000), rel=0.05)

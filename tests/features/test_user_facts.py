"""Facts of users as of a cut."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import polars as pl
import pytest

from recsys.features.user_facts import category_shares, encode_purchases, model_ready, top_categories, user_facts
from tests.audience_shop import AS_OF, USERS, campaigns, day, events, items, purchases


def facts(user_id: str, cut_days: float = 0) -> dict[str, float]:
    users = pl.Series([user_id], dtype=pl.String)
    return user_facts(purchases(), campaigns(), "coming", users, day(cut_days)).row(0, named=True)


def test_facts_of_a_fan() -> None:
    fan = facts("fan_0")
    assert (fan["u_trips"], fan["u_lines"], fan["t_trips"], fan["t_items"]) == (26, 52, 26, 1)
    assert fan["t_share"] == pytest.approx(0.5)
    assert fan["t_last"] == pytest.approx(6.5)
    assert fan["t_gap"] == pytest.approx(7.0)
    assert (fan["h_contacts"], fan["h_responses"], fan["h_campaigns"]) == (4, 4, 4)
    assert fan["h_last_contact"] == pytest.approx(60.0)
    assert fan["h_last_response"] == pytest.approx(53.0)
    assert fan["h_alike"] == pytest.approx(4.0)
    assert fan["h_rate"] == pytest.approx(4.5 / 9)


def test_who_never_bought_or_heard_has_nothing_to_tell() -> None:
    cleaner = facts("cleaner_1")
    assert (cleaner["t_lines"], cleaner["h_contacts"], cleaner["h_responses"]) == (0, 0, 0)
    assert cleaner["t_last"] is None
    stranger = facts("nobody")
    assert stranger["u_trips"] is None


def test_nothing_after_the_cut_is_seen() -> None:
    cut = day(-65)
    users = pl.Series(USERS)
    before = user_facts(purchases(), campaigns(), "past_4", users, cut)
    known = campaigns().before(cut)
    early = encode_purchases(events().filter(pl.col("occurred_at") < cut), items(), "UTC")
    shown, names = model_ready(user_facts(early, known, "past_4", users, cut))
    assert model_ready(before)[0].select(names).rows() == shown.select(names).rows()


def test_a_deal_is_told_by_earlier_prices_alone() -> None:
    rows = events().filter((pl.col("item_id") == "tea") & (pl.col("user_id") == "fan_0")).head(4)
    priced = rows.with_columns(unit_price=pl.Series([2.0, 1.0, 2.0, 9.0]))
    assert encode_purchases(priced, items(), "UTC").rows["deal"].to_list() == [False, True, False, False]


def test_model_ready_numbers_are_finite_and_complete() -> None:
    users = pl.Series(["cleaner_0", "fan_0", "nobody"])
    ready, names = model_ready(user_facts(purchases(), campaigns(), "coming", users, AS_OF))
    assert ready["user_id"].to_list() == users.to_list()
    values = ready.select(names)
    assert values.null_count().sum_horizontal().item() == 0
    assert values.select(pl.all().is_finite().all()).row(0) == (True,) * len(names)
    assert "t_gap" not in names


def test_shares_of_the_categories_of_most_buyers() -> None:
    assert top_categories(purchases(), AS_OF, 2) == ["HOME", "DRINKS"]
    shares, names = category_shares(purchases(), pl.Series(["cleaner_0", "fan_0", "nobody"]), AS_OF, ["HOME", "DRINKS"])
    assert shares.select(names).rows() == [(1.0, 0.0), (0.5, 0.5), (0.0, 0.0)]


def test_buyers_of_a_window() -> None:
    found = purchases().buyers(pl.Series(["tea"]), day(-21), day(-14))
    assert sum(name.startswith("novice") for name in found["user_id"]) == 30
    assert found["spend"].unique().to_list() == [2.0]
    assert purchases().buyers(pl.Series(["coffee"]), day(-200), AS_OF + timedelta(days=9)).is_empty()


def test_an_unknown_price_is_neither_a_deal_nor_part_of_a_mean_or_a_median() -> None:
    rows = events().filter((pl.col("item_id") == "tea") & (pl.col("user_id") == "fan_0")).head(5)
    priced = rows.with_columns(unit_price=pl.Series([None, 2.0, None, 2.0, 1.8]), quantity=pl.lit(2.0))
    found = encode_purchases(priced, items(), "UTC")
    assert found.rows["deal"].to_list() == [False, False, False, False, True]
    assert found.rows["spend"].to_list() == pytest.approx([0.0, 4.0, 0.0, 4.0, 3.6])
    fan = user_facts(found, campaigns(), "coming", pl.Series(["fan_0"]), AS_OF).row(0, named=True)
    assert (fan["u_price"], fan["u_deal"]) == (2.0, pytest.approx(0.2))


def test_a_shop_without_prices_has_facts() -> None:
    found = encode_purchases(events().with_columns(unit_price=pl.lit(None, pl.Float64)), items(), "UTC")
    ready, names = model_ready(user_facts(found, campaigns(), "coming", pl.Series(["fan_0"]), AS_OF))
    assert ready.select(names).null_count().sum_horizontal().item() == 0
    assert ready.select("u_price", "u_deal", "u_spend").row(0) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(("time_zone", "trips"), [("UTC", 2), ("America/New_York", 1)])
def test_a_trip_without_an_order_is_a_day_of_the_shop(time_zone: str, trips: int) -> None:
    late = datetime(2024, 5, 20, 23, 50, tzinfo=timezone.utc)
    rows = events().head(2).with_columns(
        user_id=pl.lit("ann"),
        order_id=pl.lit(None, pl.String),
        occurred_at=pl.Series([late, late + timedelta(minutes=20)]),
    )  # fmt: skip
    assert encode_purchases(rows, items(), time_zone).rows["trip"].n_unique() == trips

"""Who is left out of an audience, how many are in it, who is kept apart: every number known beforehand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from recsys.recommendations.audience_results import above_holdout
from recsys.recommendations.audiences import (
    above_privacy_floor,
    chosen,
    contact_limits,
    not_due,
    sized,
    with_holdout,
    within_contact_limit,
)
from recsys.settings.audiences import AudienceSettings
from tests.audience_shop import AS_OF, day

SETTINGS = AudienceSettings(max_share=1.0)
FREE = {"contacts": None, "units": None}
NONE = pl.DataFrame(schema={"campaign_id": pl.String, "user_id": pl.String, "contacted_at": pl.Datetime("us", "UTC")})
"""No contact."""


def scored(users: int, campaign: str = "c", way: str = "response", best: float = 0.5) -> pl.DataFrame:
    """`users` users u000, u001 … whose probability falls from `best`, none of them kept apart."""
    return pl.DataFrame(
        {
            "campaign_id": [campaign] * users,
            "way": [way] * users,
            "user_id": [f"u{n:03}" for n in range(users)],
            "probability": [best - n / 1000 for n in range(users)],
            "holdout": [False] * users,
        }
    )


def cut(rows: pl.DataFrame, limits: dict[str, object], settings: AudienceSettings = SETTINGS) -> pl.DataFrame:
    asked = rows.group_by("campaign_id", "way").agg(users=pl.len().cast(pl.Int64))
    return sized(rows, {"c": limits}, asked, settings)


def facts(*rows: tuple[str, float | None, float | None]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"user_id": pl.String, "t_last": pl.Float64, "t_gap": pl.Float64}, orient="row")


def test_who_bought_lately_and_is_not_due_before_the_end_is_left_out() -> None:
    known = facts(("due soon", 5, 20), ("due late", 5, 90), ("overdue", 95, 90), ("never", None, None))
    assert not_due(known, AS_OF, day(28), SETTINGS).to_list() == ["due late"]


def test_who_bought_once_has_the_gap_of_the_others() -> None:
    known = facts(("once", 5, None), ("a", 50, 90), ("b", 50, 90))
    assert "once" in not_due(known, AS_OF, day(28), SETTINGS).to_list()
    assert "once" not in not_due(known, AS_OF, day(86), SETTINGS).to_list()


def test_where_nobody_buys_twice_one_purchase_lasts() -> None:
    assert not_due(facts(("once", 300, None)), AS_OF, day(28), SETTINGS).to_list() == ["once"]


def test_a_user_is_asked_at_most_so_often_the_likeliest_first() -> None:
    rows = pl.concat([scored(1, name, best=chance) for name, chance in (("a", 0.1), ("b", 0.3), ("c", 0.2))])
    two = AudienceSettings(max_campaigns=2, period_days=28)
    assert within_contact_limit(rows, NONE, AS_OF, two)["campaign_id"].to_list() == ["b", "c"]
    had = pl.DataFrame({"campaign_id": ["x", "y"], "user_id": ["u000"] * 2, "contacted_at": [day(-3), day(-40)]})
    assert within_contact_limit(rows, had, AS_OF, two)["campaign_id"].to_list() == ["b"]
    other_way = rows.with_columns(way=pl.lit("affinity"))
    assert within_contact_limit(pl.concat([rows, other_way]), NONE, AS_OF, two).height == 4


def test_who_is_not_taken_by_an_audience_keeps_the_place_for_the_next() -> None:
    """All are likeliest to answer a, and less likely b than c; each campaign pays for 30 contacts, a user is in two."""
    rows = pl.concat([scored(100, name, best=chance) for name, chance in (("a", 0.9), ("b", 0.3), ("c", 0.4))])
    limits = {name: {"contacts": 30, "units": None} for name in "abc"}
    made = chosen(rows, limits, NONE, AS_OF, AudienceSettings(max_campaigns=2)).sort("campaign_id", "rank")
    ranked = {name: own["user_id"].to_list() for (name,), own in made.group_by("campaign_id", maintain_order=True)}
    first, second = ([f"u{n:03}" for n in range(start, start + 30)] for start in (0, 30))
    assert ranked == {"a": first, "c": first, "b": second}
    assert set(made["sized_by"]) == {"budget"}
    assert made.group_by("user_id").len()["len"].max() == 2


def test_contacts_of_the_past_leave_no_place_and_no_other_user_is_asked_more_often() -> None:
    rows = pl.concat([scored(10, name, best=chance) for name, chance in (("a", 0.9), ("b", 0.3))])
    had = pl.DataFrame({"campaign_id": ["x"], "user_id": ["u000"], "contacted_at": [day(-3)]})
    limits = {name: {"contacts": 4, "units": None} for name in "ab"}
    made = chosen(rows, limits, had, AS_OF, AudienceSettings(max_campaigns=1))
    ranked = {name: own["user_id"].to_list() for (name,), own in made.group_by("campaign_id", maintain_order=True)}
    assert ranked == {"a": ["u001", "u002", "u003", "u004"], "b": ["u005", "u006", "u007", "u008"]}


def test_random_audiences_are_stable() -> None:
    """No user would rather be in an audience that would rather have the user than somebody it has."""
    rng = np.random.default_rng(3)
    usual = {f"c{n}": rate for n, rate in enumerate((0.3, 0.25, 0.2, 0.1, 0.02))}
    rows = pl.concat(
        scored(300, name).with_columns(probability=pl.Series(rate * rng.uniform(0.2, 3, 300)))
        for name, rate in usual.items()
    )
    made = chosen(rows, dict.fromkeys(usual, FREE), NONE, AS_OF, AudienceSettings(max_campaigns=2, max_share=0.3))
    assert dict(made.group_by("campaign_id").len().iter_rows()) == dict.fromkeys(usual, 90)
    least = made.group_by("campaign_id").agg(least=pl.col("probability").min())
    worst = made.group_by("user_id").agg(worst=pl.col("probability").min(), places=pl.len())
    out = rows.join(made, on=["campaign_id", "user_id"], how="anti").join(least, on="campaign_id")
    out = out.join(worst, on="user_id", how="left").with_columns(pl.col("places").fill_null(0))
    wish = (pl.col("places") < 2) | (pl.col("probability") > pl.col("worst"))
    assert out.filter(wish & (pl.col("probability") > pl.col("least"))).is_empty()


def test_the_holdout_hangs_on_the_ids_alone() -> None:
    drawn = with_holdout(scored(999).drop("holdout"), 0.1)
    assert 70 <= drawn["holdout"].sum() <= 130
    again = with_holdout(scored(999, way="affinity").drop("holdout").reverse(), 0.1).reverse()
    assert again["holdout"].to_list() == drawn["holdout"].to_list()
    other = with_holdout(scored(999, campaign="d").drop("holdout"), 0.1)
    assert other["holdout"].to_list() != drawn["holdout"].to_list()
    assert with_holdout(scored(9).drop("holdout"), 0.0)["holdout"].sum() == 0


def test_a_budget_ends_the_audience_and_who_is_kept_apart_costs_nothing() -> None:
    kept = cut(scored(100), {"contacts": 30, "units": None})
    assert (kept.height, kept["rank"].max(), kept["sized_by"][0]) == (30, 30, "budget")
    apart = scored(100).with_columns(holdout=pl.Series([n % 2 == 0 for n in range(100)]))
    assert cut(apart, {"contacts": 30, "units": None}).filter(~pl.col("holdout")).height == 30


def test_a_budget_that_is_used_up_leaves_no_audience_of_users_kept_apart() -> None:
    rows = scored(10).with_columns(holdout=pl.col("user_id").is_in(["u000", "u001"]))
    assert cut(rows, {"contacts": 0, "units": None}).is_empty()
    assert cut(rows, {"contacts": 1, "units": None})["user_id"].to_list() == ["u000", "u001", "u002"]


def test_stock_ends_the_audience_where_the_expected_buyers_take_it() -> None:
    level = scored(100).with_columns(probability=pl.lit(0.25))
    kept = cut(level, {"contacts": None, "units": 10.0})
    assert (kept.height, kept["sized_by"][0]) == (40, "stock")
    assert cut(level, {"contacts": None, "units": 0.0}).is_empty()


def test_without_a_budget_a_share_ends_the_audience() -> None:
    kept = cut(scored(100), FREE, AudienceSettings(max_share=0.3))
    assert (kept.height, kept["sized_by"][0]) == (30, "share")
    assert cut(scored(100), FREE)["sized_by"].unique().to_list() == ["everybody"]
    rich = cut(scored(100), {"contacts": 1000, "units": None}, AudienceSettings(max_share=0.3))
    assert rich.height == 100


def test_deciles_are_tenths_of_the_audience_and_ties_go_to_the_smaller_id() -> None:
    kept = cut(scored(50).with_columns(probability=pl.lit(0.2)).reverse(), FREE)
    assert kept["user_id"].to_list() == [f"u{n:03}" for n in range(50)]
    assert kept["decile"].to_list() == [n // 5 + 1 for n in range(50)]


def test_a_small_audience_is_not_shown() -> None:
    rows = pl.concat([scored(49), scored(50, way="affinity")])
    shown, small = above_privacy_floor(rows, 50)
    assert shown["way"].unique().to_list() == ["affinity"]
    assert small.rows() == [("c", "response", 49)]


@pytest.mark.parametrize(
    ("budget", "cost", "contacts"),
    [(10.0, 0.5, 20), (10.0, 3.0, 3), (None, 0.5, None), (10.0, None, None), (10.0, 0.0, None), (0.3, 0.1, 3)],
)
def test_contacts_that_a_budget_pays_for(budget: float | None, cost: float | None, contacts: int | None) -> None:
    campaign = {"budget": budget, "contact_cost": cost}
    stock = pl.DataFrame(schema={"item_id": pl.String, "on_hand": pl.Float64})
    assert contact_limits(campaign, pl.Series(["tea"]), stock, SETTINGS) == {"contacts": contacts, "units": None}


@pytest.mark.parametrize(("made", "left"), [(0, 20), (15, 5), (20, 0), (25, 0)])
def test_contacts_that_were_made_use_up_the_budget(made: int, left: int) -> None:
    stock = pl.DataFrame(schema={"item_id": pl.String, "on_hand": pl.Float64})
    told = contact_limits({"budget": 10.0, "contact_cost": 0.5}, pl.Series(["tea"]), stock, SETTINGS, made)
    assert told["contacts"] == left
    free = contact_limits({"budget": None, "contact_cost": 0.5}, pl.Series(["tea"]), stock, SETTINGS, made)
    assert free["contacts"] is None


def test_units_of_stock_that_may_go() -> None:
    stock = pl.DataFrame({"item_id": ["tea", "cup", "pot"], "on_hand": [100.0, 50.0, -5.0]})
    campaign = {"budget": None, "contact_cost": None}
    settings = AudienceSettings(stock_share=0.8)
    assert contact_limits(campaign, pl.Series(["tea", "pot"]), stock, settings)["units"] == 80.0
    assert contact_limits(campaign, pl.Series(["pot"]), stock, settings)["units"] == 0.0
    assert contact_limits(campaign, pl.Series(["unknown"]), stock, settings)["units"] is None


def test_the_best_of_an_audience_are_compared_with_as_likely_users_of_the_holdout() -> None:
    """Contacting changes nothing here; the best half, contacted alone, buys five times as often as the other."""
    count = 2000
    users = pl.DataFrame({"user_id": [f"u{number:04}" for number in range(count)]}).with_columns(
        rank=pl.int_range(count) + 1, holdout=pl.int_range(count) % 10 == 3
    )
    often = pl.when(pl.col("rank") <= count // 2).then(4).otherwise(20)
    buyers = users.filter((pl.col("rank") // 10) % often == 0)
    users = users.with_columns(contacted_at=pl.lit(day(-20)))
    happened = buyers.select("user_id", spend=pl.lit(1.0), bought_at=pl.lit(day(-10)))
    holdout, free = users.filter("holdout"), users.filter(~pl.col("holdout"))
    plain = free.filter(pl.col("rank") <= count // 2)
    # 25 % of the best half buy, 5 % of the others: 10 points above the holdout, none of them caused.
    rates = [group["user_id"].is_in(buyers["user_id"].implode()).mean() for group in (plain, holdout)]
    assert rates[0] - rates[1] == pytest.approx(0.10, abs=0.01)
    told = above_holdout(plain, holdout, happened)
    assert told["above_holdout"] == pytest.approx(0.0, abs=0.01)
    assert told["above_holdout_low"] < 0 < told["above_holdout_high"]
    everybody = above_holdout(free, holdout, happened)
    assert everybody["above_holdout"] == pytest.approx(0.0, abs=0.01)


def test_a_small_holdout_is_compared_as_a_whole() -> None:
    groups = [
        pl.DataFrame({"user_id": [f"{name}{number}" for number in range(size)], "rank": range(size)}).with_columns(
            contacted_at=pl.lit(day(-20))
        )
        for name, size in (("a", 40), ("h", 8))
    ]
    happened = pl.DataFrame({"user_id": ["a1", "a2", "a3", "a4", "h1"], "spend": 1.0, "bought_at": day(-10)})
    told = above_holdout(*groups, happened)
    assert told["above_holdout"] == pytest.approx(4 / 40 - 1 / 8)
    shares, sizes = (5 / 42, 2 / 10), (42, 10)
    spread = 1.959964 * sum(p * (1 - p) / n for p, n in zip(shares, sizes, strict=True)) ** 0.5
    assert told["above_holdout_high"] == pytest.approx(shares[0] - shares[1] + spread)


def test_who_is_contacted_later_is_compared_with_those_who_had_not_bought_either() -> None:
    """Three in ten buy within four weeks whatever happens; half are contacted at once, in the third week of the others
    those who had not bought: they were told to buy nearly six points more seldom than the holdout."""
    count = 4000
    number = pl.int_range(count)
    users = pl.DataFrame({"user_id": [f"u{number:04}" for number in range(count)]}).with_columns(
        rank=number + 1, holdout=number % 10 == 3, bought_on=pl.when(number % 100 < 30).then(number % 28)
    )
    late = (number // 100) % 2 == 1
    users = users.with_columns(contacted_on=pl.when(late).then(14).otherwise(0))
    users = users.with_columns(
        contacted_at=pl.lit(day(-30)) + pl.duration(days="contacted_on"),
        bought_at=pl.lit(day(-30)) + pl.duration(days="bought_on", hours=1),
    )
    written = (pl.col("contacted_on") == 0) | pl.col("bought_on").is_null() | (pl.col("bought_on") >= 14)
    contacted, holdout = users.filter(~pl.col("holdout") & written), users.filter("holdout").drop("contacted_at")
    happened = users.drop_nulls("bought_on").select("user_id", "bought_at", spend=pl.lit(1.0))
    rates = [group["user_id"].is_in(happened["user_id"].implode()).mean() for group in (contacted, holdout)]
    assert rates[0] - rates[1] < -0.05
    told = above_holdout(contacted.drop("bought_at", "bought_on"), holdout.drop("bought_at"), happened)
    assert told["above_holdout"] == pytest.approx(0.0, abs=0.02)
    assert told["above_holdout_low"] < 0 < told["above_holdout_high"]
    before = holdout.select("user_id", spend=pl.lit(1.0), bought_at=pl.lit(day(-31)))
    assert above_holdout(contacted.drop("bought_at", "bought_on"), holdout.drop("bought_at"), before) == {}

"""The three demand steps on the shop of tests/demand_shop.py: what each of its items must get."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from recsys import schemas
from recsys.models.item_demand import build_item_demand
from recsys.recommendations.demand_forecast import build_demand_forecast
from recsys.recommendations.published_demand import campaign_demand
from recsys.recommendations.reorder_suggestions import build_reorder_suggestions
from recsys.run import RunContext, RunError
from recsys.settings.demand import DemandSettings
from recsys.settings.opening import OpeningSettings
from recsys.storage import Lake, file_checksum, partition_path, read_partition, write_partition
from tests import demand_shop as shop

DAY = {"as_of_date": shop.AS_OF_DATE}
MADE = (schemas.ITEM_DEMAND, schemas.DEMAND_FORECAST, schemas.REORDER_SUGGESTIONS)


def build(context: RunContext, sold: pl.DataFrame | None = None) -> dict[str, str]:
    shop.write_to_lake(context, sold)
    build_item_demand(context)
    build_demand_forecast(context)
    build_reorder_suggestions(context)
    return {table.name: file_checksum(context.lake, partition_path(table.name, **DAY)) for table in MADE}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, dict[str, str]]:
    context = shop.context_of(str(tmp_path_factory.mktemp("lake")))
    return context.lake, build(context)


@pytest.fixture(scope="module")
def forecast(built: tuple[Lake, dict[str, str]]) -> pl.DataFrame:
    return read_partition(built[0], schemas.DEMAND_FORECAST, **DAY)


@pytest.fixture(scope="module")
def suggestions(built: tuple[Lake, dict[str, str]]) -> dict[str, dict[str, Any]]:
    rows = read_partition(built[0], schemas.REORDER_SUGGESTIONS, **DAY)
    return {row["item_id"]: row for row in rows.iter_rows(named=True)}


def total(forecast: pl.DataFrame, item: str) -> float:
    return float(forecast.filter(pl.col("item_id") == item)["mean"].sum())


def test_each_forecast_item_has_every_day_of_the_horizon(forecast: pl.DataFrame) -> None:
    days = [shop.AS_OF_DATE + timedelta(days=offset) for offset in range(28)]
    for item in forecast["item_id"].unique():
        assert forecast.filter(pl.col("item_id") == item)["forecast_date"].to_list() == days


def test_a_steady_item_goes_on(forecast: pl.DataFrame) -> None:
    assert total(forecast, "steady") == pytest.approx(28, rel=0.05)


def test_nothing_is_forecast_for_a_closed_day(forecast: pl.DataFrame, tmp_path: Path) -> None:
    context = shop.context_of(str(tmp_path))
    day = shop.AS_OF_DATE + timedelta(days=9)
    shut = replace(context.settings, opening=OpeningSettings((f"{day:%m-%d}",)))
    build(replace(context, settings=shut))
    rows = read_partition(context.lake, schemas.DEMAND_FORECAST, **DAY)
    numbers = ["mean", "q10", "q50", "q90"]
    assert rows.filter(pl.col("forecast_date") == day).select(pl.max_horizontal(numbers).max()).item() == 0
    assert forecast.filter(pl.col("forecast_date") == day)["mean"].min() > 0  # type: ignore[operator]
    assert total(rows, "steady") == pytest.approx(total(forecast, "steady"))


def test_a_week_without_stock_does_not_lower_the_forecast(forecast: pl.DataFrame, tmp_path: Path) -> None:
    assert total(forecast, "emptied") == pytest.approx(56, rel=0.05)
    blind = shop.context_of(str(tmp_path))
    shop.write_to_lake(blind)
    write_partition(blind.lake, schemas.STOCK_OUTS, schemas.STOCK_OUTS.arrow_schema.empty_table(), **DAY)
    build_item_demand(blind)
    build_demand_forecast(blind)
    taken_for_no_demand = read_partition(blind.lake, schemas.DEMAND_FORECAST, **DAY)
    assert total(taken_for_no_demand, "emptied") < 52


def test_a_cancelled_order_is_no_demand(forecast: pl.DataFrame, tmp_path: Path) -> None:
    sold = shop.events()
    one = sold.filter(pl.col("event_id") == "steady:10").with_columns(user_id=pl.lit("other"), quantity=80_995.0)
    later = pl.col("occurred_at") + timedelta(minutes=16)
    back = one.with_columns(event_id=pl.lit("back"), event_type=pl.lit("return"), occurred_at=later)
    context = shop.context_of(str(tmp_path))
    both = [one.with_columns(event_id=pl.lit("mistyped")), back]
    build(context, pl.concat([sold, *both]).sort("occurred_at", "event_id"))
    assert read_partition(context.lake, schemas.DEMAND_FORECAST, **DAY).equals(forecast)


def test_a_launched_item_is_forecast_by_the_days_it_was_on_sale(forecast: pl.DataFrame) -> None:
    assert 60 < total(forecast, "launched") <= 85


def test_a_retired_item_has_no_forecast_and_no_order(
    forecast: pl.DataFrame, suggestions: dict[str, dict[str, Any]]
) -> None:
    assert "retired" not in set(forecast["item_id"])
    row = suggestions["retired"]
    assert (row["reason_code"], row["suggested_quantity"]) == ("retired", 0)
    assert row["reason_text"] == "The item left the range; 4 left in stock."


def test_an_item_with_one_sale_is_forecast_at_next_to_nothing(
    forecast: pl.DataFrame, suggestions: dict[str, dict[str, Any]]
) -> None:
    assert 0 < total(forecast, "once") < 1
    assert (suggestions["once"]["reason_code"], suggestions["once"]["suggested_quantity"]) == ("overstock", 0)


def test_weekdays_keep_their_pattern(forecast: pl.DataFrame) -> None:
    weekday = pl.col("forecast_date").dt.weekday()
    means = forecast.filter(pl.col("item_id") == "weekly").group_by(weekday).agg(pl.col("mean").mean())
    by_day = dict(means.iter_rows())
    assert by_day[6] == max(by_day.values()) > 2 * by_day[2]


def test_no_lead_time_leaves_one_day_to_bridge(suggestions: dict[str, dict[str, Any]]) -> None:
    at_once, steady = suggestions["at_once"], suggestions["steady"]
    assert at_once["lead_time_demand"] == 0
    assert 1 <= at_once["reorder_point"] < steady["reorder_point"]
    assert (at_once["reason_code"], steady["reason_code"]) == ("enough", "reorder")


def test_the_minimum_order_is_bought_whole(suggestions: dict[str, dict[str, Any]]) -> None:
    bulky, steady = suggestions["bulky"], suggestions["steady"]
    assert bulky["order_up_to"] == steady["order_up_to"] < 50
    assert bulky["suggested_quantity"] == 50
    assert steady["suggested_quantity"] == steady["order_up_to"] - 3
    assert bulky["suggested_cost"] == 50.0


def test_an_empty_shelf_is_ordered_after_what_loses_more(suggestions: dict[str, dict[str, Any]]) -> None:
    row = suggestions["emptied"]
    assert (row["reason_code"], row["priority"], row["days_of_cover"]) == ("out_of_stock", 2, 0)
    assert suggestions["launched"]["priority"] == 1
    assert row["stock_out_date"] == shop.AS_OF_DATE
    assert row["suggested_quantity"] >= row["reorder_point"] >= 10


def test_cover_counts_the_days_until_stock_is_gone(suggestions: dict[str, dict[str, Any]]) -> None:
    row = suggestions["steady"]
    assert row["days_of_cover"] == pytest.approx(3, rel=0.2)
    assert row["stock_out_date"] - shop.AS_OF_DATE in {timedelta(days=2), timedelta(days=3)}


def test_same_input_same_bytes_and_the_future_changes_none(built: tuple[Lake, dict[str, str]], tmp_path: Path) -> None:
    known = shop.events()
    later = known.with_columns(
        event_id=pl.format("f{}", "event_id"),
        occurred_at=pl.lit(shop.instant(shop.AS_OF_DATE)),
        ingested_at=pl.lit(shop.instant(shop.AS_OF_DATE)),
        quantity=pl.lit(1e6),
    )
    learnt_later = known.with_columns(
        event_id=pl.format("l{}", "event_id"), ingested_at=pl.lit(shop.instant(shop.AS_OF_DATE)), quantity=pl.lit(1e6)
    )
    shuffled = pl.concat([learnt_later, later, known.reverse()])
    assert build(shop.context_of(str(tmp_path)), shuffled) == built[1]


def test_only_the_items_that_sell_most_have_daily_rows_but_all_have_suggestions(tmp_path: Path) -> None:
    few = replace(shop.SETTINGS, demand=DemandSettings(published_items=2))
    context = shop.context_of(str(tmp_path), few)
    build(context)
    published = read_partition(context.lake, schemas.DEMAND_FORECAST, **DAY)
    assert set(published["item_id"]) == {"at_once", "bulky"}
    assert read_partition(context.lake, schemas.REORDER_SUGGESTIONS, **DAY).height == len(shop.ITEM_IDS)


def test_bundles_shown_to_users_stand_in_a_column_of_their_own(tmp_path: Path, forecast: pl.DataFrame) -> None:
    context = shop.context_of(str(tmp_path))
    shown = pl.DataFrame({"bundle_id": ["b"] * 1000, "new_items": [1] * 1000, "user_id": [str(i) for i in range(1000)]})
    rest = dict.fromkeys(("score", "rank", "position"), pl.lit(1)) | dict.fromkeys(
        ("anchor_item_id", "reason_code", "reason_text", "model_version"), pl.lit("x")
    )
    nothing = {"list_price": pl.lit(None), "days_of_cover": pl.lit(None), "as_of_date": pl.lit(shop.AS_OF_DATE)}
    write_partition(context.lake, schemas.USER_BUNDLES, shown.with_columns(**rest, **nothing), **DAY)
    members = pl.DataFrame({"bundle_id": ["b", "b"], "item_id": ["steady", "weekly"]})
    write_partition(context.lake, schemas.BUNDLE_ITEMS, members.with_columns(**rest, **nothing), **DAY)
    build(context)
    rows = read_partition(context.lake, schemas.DEMAND_FORECAST, **DAY)
    steady = rows.filter(pl.col("item_id") == "steady")
    assert steady["published_demand"].to_list() == pytest.approx([0.5] * 28)
    assert rows.filter(pl.col("item_id") == "bulky")["published_demand"].sum() == 0
    assert rows.drop("published_demand").equals(forecast.drop("published_demand"))


def test_a_campaign_s_audience_raises_the_days_it_runs_on_and_what_is_ordered(
    tmp_path: Path, forecast: pl.DataFrame, suggestions: dict[str, dict[str, Any]]
) -> None:
    context = shop.context_of(str(tmp_path))
    shop.write_to_lake(context)
    write_campaign(context, users=400, probability=0.5)
    for step in (build_item_demand, build_demand_forecast, build_reorder_suggestions):
        step(context)
    rows = read_partition(context.lake, schemas.DEMAND_FORECAST, **DAY)
    steady = rows.filter(pl.col("item_id") == "steady").sort("forecast_date")
    # 200 buyers, a fifth of them caused, over the ten days from the third on; one item is promoted.
    assert steady["published_demand"].to_list() == pytest.approx([0] * 2 + [4] * 10 + [0] * 16)
    assert rows.filter(pl.col("item_id") == "bulky")["published_demand"].sum() == 0
    assert rows.drop("published_demand").equals(forecast.drop("published_demand"))
    ordered = read_partition(context.lake, schemas.REORDER_SUGGESTIONS, **DAY).filter(pl.col("item_id") == "steady")
    assert ordered["order_up_to"].item() == pytest.approx(suggestions["steady"]["order_up_to"] + 9 * 4, abs=1)


def test_a_campaign_longer_than_its_audience_s_probabilities_tell_brings_as_much_a_day(tmp_path: Path) -> None:
    """200 purchases within 28 days, a fifth of them caused: it was told of all 84 days, a third of it a day."""
    context = shop.context_of(str(tmp_path))
    shop.write_to_lake(context)
    write_campaign(context, users=400, probability=0.5, days=84)
    (campaign,) = campaign_demand(context, pl.DataFrame({"item_id": ["steady"], "level": [1.0]}))
    assert (campaign.start, campaign.end) == (2, 86)
    assert campaign.units.rows() == [("steady", pytest.approx(40 / 28))]


def write_campaign(context: RunContext, users: int, probability: float, days: int = 10) -> None:
    """A campaign for `steady` from the third day on for `days`, and its audience, of which nobody is kept apart."""
    first = shop.instant(shop.AS_OF_DATE + timedelta(days=2))
    campaign = pl.DataFrame({"campaign_id": ["c"], "starts_at": [first], "ends_at": [first + timedelta(days=days - 1)]})
    target = pl.DataFrame({"campaign_id": ["c"], "target_type": ["item"], "target": ["steady"]})
    audience = pl.DataFrame(
        {"campaign_id": "c", "user_id": [str(number) for number in range(users)], "probability": probability}
    ).with_columns(
        pl.lit(1).alias("rank"), pl.lit(1).alias("decile"), pl.lit(value=False).alias("holdout"),
        pl.lit(shop.AS_OF_DATE).alias("as_of_date"),
        *(pl.lit("x").alias(name) for name in ("way", "sized_by", "reason_code", "reason_text", "model_version")),
    )  # fmt: skip
    made = {
        schemas.CAMPAIGNS: campaign,
        schemas.CAMPAIGN_TARGETS: target,
        schemas.CAMPAIGN_AUDIENCES: audience,
    }
    for table, rows in made.items():
        types = pl.DataFrame(table.arrow_schema.empty_table()).schema
        filled = rows.with_columns(pl.lit(None).alias(n) for n in types if n not in rows.columns)
        write_partition(context.lake, table, filled.select(pl.col(n).cast(k) for n, k in types.items()), **DAY)


def test_a_shop_without_stock_gets_forecasts_and_no_suggestions(tmp_path: Path) -> None:
    context = shop.context_of(str(tmp_path))
    shop.write_to_lake(context)
    write_partition(context.lake, schemas.STOCK, schemas.STOCK.arrow_schema.empty_table(), **DAY)
    build_item_demand(context)
    assert build_demand_forecast(context)["rows"]
    assert build_reorder_suggestions(context) == {"rows": 0}


def test_a_shop_without_a_single_sale_gets_no_rows(tmp_path: Path) -> None:
    context = shop.context_of(str(tmp_path))
    shop.write_to_lake(context, shop.events().with_columns(event_type=pl.lit("view")))
    assert build_item_demand(context)["items"] == 0
    assert build_demand_forecast(context)["rows"] == 0
    rows = build_reorder_suggestions(context)
    assert (rows["orders"], rows["rows"]) == (0, len(shop.ITEM_IDS))


def test_a_forecast_without_its_first_step_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="run build_item_demand first"):
        build_demand_forecast(shop.context_of(str(tmp_path)))

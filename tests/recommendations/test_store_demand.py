"""How an item's demand is dealt out to stores."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from recsys.models.demand_spread import assumed_spread
from recsys.recommendations.store_demand import build_store_demand, store_shares
from recsys.schemas import STORE_DEMAND
from recsys.storage import read_partition
from tests import demand_shop as shop

UNITS = pl.DataFrame(
    {
        "item_id": ["tea", "tea", "cup", "cup"],
        "store_id": ["north", "south", "north", "south"],
        "units": [30.0, 10.0, 0.0, 40.0],
    }
)


def test_a_store_s_share_leans_on_what_it_sells_of_everything() -> None:
    # North sells 30 of 80 units of everything.
    found = store_shares(UNITS, 40.0)
    assert found["share"].to_list() == pytest.approx([45 / 80, 35 / 80, 15 / 80, 65 / 80])
    assert store_shares(UNITS, 0.0)["share"].to_list() == [0.75, 0.25, 0.0, 1.0]


def test_what_is_bought_in_no_store_is_no_store_s_demand() -> None:
    # Half of the tea is ordered on the web.
    web = pl.DataFrame({"item_id": ["tea"], "store_id": [None], "units": [40.0]}, schema=UNITS.schema)
    found = store_shares(pl.concat([UNITS, web]), 0.0)
    assert found.select("item_id", "store_id").equals(UNITS.select("item_id", "store_id"))
    assert found["share"].to_list() == [30 / 80, 10 / 80, 0.0, 1.0]
    leaning = store_shares(pl.concat([UNITS, web]), 40.0)
    assert leaning["share"][:2].to_list() == pytest.approx([(30 + 40 * 30 / 120) / 120, (10 + 40 * 50 / 120) / 120])
    one_and_the_web = pl.concat([UNITS.filter(pl.col("store_id") == "north"), web])
    assert store_shares(one_and_the_web, 20.0).is_empty()


def test_a_shop_with_one_store_or_none_has_no_rows() -> None:
    assert store_shares(UNITS.filter(pl.col("store_id") == "north"), 20.0).is_empty()
    assert store_shares(UNITS.clear(), 20.0).columns == ["item_id", "store_id", "units", "share"]


def test_stores_share_the_forecast_and_rare_ones_have_no_row(tmp_path: Path) -> None:
    context = shop.context_of(str(tmp_path))
    day_number = pl.col("event_id").str.split(":").list.last().cast(pl.Int64)
    store = pl.when(day_number == 1).then(pl.lit("fair")).when(day_number % 4 == 0).then(pl.lit("north"))
    shop.write_to_lake(context, shop.events().with_columns(store_id=store.otherwise(pl.lit("south"))))
    demand = pl.DataFrame({"item_id": ["steady", "unsold"], "level": [2.0, 1.0], "dispersion": [1.0, 1.0]})
    assert build_store_demand(context, demand, assumed_spread(True)) == 2
    rows = read_partition(context.lake, STORE_DEMAND, as_of_date=shop.AS_OF_DATE)
    assert rows["store_id"].to_list() == ["north", "south"]
    # Every fourth of 140 units was sold in the north.
    assert rows["share"][0] == pytest.approx(0.25, abs=0.02)
    assert rows["horizon_demand"].to_list() == pytest.approx([56 * share for share in rows["share"]])
    assert (rows["horizon_q10"] < rows["horizon_q50"]).all() and (rows["horizon_q50"] < rows["horizon_q90"]).all()


def test_a_shop_that_tells_no_stores_gets_an_empty_table(tmp_path: Path) -> None:
    context = shop.context_of(str(tmp_path))
    shop.write_to_lake(context)
    demand = pl.DataFrame({"item_id": ["steady"], "level": [1.0], "dispersion": [1.0]})
    assert build_store_demand(context, demand, assumed_spread(True)) == 0


def test_orders_without_a_store_are_not_dealt_out_to_stores(tmp_path: Path) -> None:
    context = shop.context_of(str(tmp_path))
    number = pl.col("event_id").str.split(":").list.last().cast(pl.Int64)
    store = pl.when(number % 2 == 0).then(None).when(number % 4 == 1).then(pl.lit("north")).otherwise(pl.lit("south"))
    shop.write_to_lake(context, shop.events().with_columns(store_id=store))
    demand = pl.DataFrame({"item_id": ["steady"], "level": [1.0], "dispersion": [1.0]})
    build_store_demand(context, demand, assumed_spread(True))
    rows = read_partition(context.lake, STORE_DEMAND, as_of_date=shop.AS_OF_DATE)
    assert rows["share"].to_list() == pytest.approx([0.25, 0.25], abs=0.02)

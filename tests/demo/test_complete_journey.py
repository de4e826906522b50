"""The real rows: traps of the data, and item versions that follow from earlier sales alone."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import polars as pl
import pytest

from demo import complete_journey

PRODUCTS = pl.DataFrame(
    {
        "product_id": [1, 2],
        "manufacturer_id": [69, 2],
        "department": ["GROCERY", "FUEL"],
        "brand": ["Private", "National"],
        "product_category": ["FRUIT", "FUEL"],
        "product_type": ["APPLE SAUCE", "GASOLINE-REG UNLEADED"],
        "package_size": ["50 OZ", None],
    }
)


def transactions(*rows: tuple[int, int, float, float, str]) -> pl.DataFrame:
    """Lines (item, quantity, paid, shop's discount, time) of household 7, each in a basket of its own."""
    columns = ["product_id", "quantity", "sales_value", "retail_disc", "time"]
    frame = pl.DataFrame(rows, schema=columns, orient="row").with_row_index("basket_id")
    return frame.select(
        pl.lit(7).alias("household_id"),
        pl.lit(31).alias("store_id"),
        pl.col("basket_id").cast(pl.Int64),
        "product_id",
        "quantity",
        pl.col("sales_value").cast(pl.Float64),
        pl.col("retail_disc").cast(pl.Float64),
        pl.lit(0.0).alias("coupon_match_disc"),
        pl.col("time").str.to_datetime(time_unit="ns").alias("transaction_timestamp"),
    )


def utc(year: int, month: int, *rest: int) -> datetime:
    return datetime(year, month, *rest, tzinfo=timezone.utc)  # type: ignore[misc, arg-type]


def test_quantities_and_prices_of_lines() -> None:
    lines = complete_journey.purchases(
        transactions(
            (1, 2, 3.0, 1.0, "2017-02-01 10:00:00"),
            (1, 0, 3.0, 0.0, "2017-02-01 11:00:00"),
            (2, 10597, 25.0, 0.0, "2017-02-01 12:00:00"),
            (99, 1, 4.0, 0.0, "2017-02-01 09:00:00"),
        ),
        PRODUCTS,
    )
    assert lines.select("item_id", "quantity", "unit_price", "regular_price").rows() == [
        (99, 1.0, 4.0, 4.0),
        (1, 2.0, 1.5, 2.0),
        (2, 1.0, 25.0, 25.0),
    ]


def test_an_event_is_learnt_on_its_own_day() -> None:
    lines = complete_journey.purchases(
        transactions((1, 1, 1, 0, "2017-02-01 10:00:00"), (1, 1, 1, 0, "2017-02-01 23:59:59")), PRODUCTS
    )
    events = complete_journey.purchase_events(lines)
    assert events["ingested_at"].to_list() == [utc(2017, 2, 1, 10, 0, 1), utc(2017, 2, 1, 23, 59, 59, 999999)]
    assert events["event_id"].to_list() == ["purchase-0-1", "purchase-1-1"]


def test_titles_categories_and_items_without_a_description() -> None:
    lines = complete_journey.purchases(
        transactions((1, 1, 2, 0, "2017-02-01 10:00:00"), (99, 1, 4, 0, "2017-02-01 10:00:00")), PRODUCTS
    )
    items = complete_journey.items(lines, PRODUCTS)
    described = items.select("item_id", "title", "category_path", "brand").unique(maintain_order=True)
    assert described.rows() == [
        (1, "Apple Sauce, 50 oz", "GROCERY > FRUIT > APPLE SAUCE", "Private 69"),
        (99, "Item 99", None, None),
    ]
    cost = items["unit_cost"] / items["list_price"]
    assert cost.min() > 0.59 and cost.max() < 0.86


def test_versions_price_the_month_before_and_retire_after_half_a_year() -> None:
    versions = complete_journey.item_versions(
        complete_journey.purchases(
            transactions(
                (1, 1, 2.0, 0.0, "2017-02-10 10:00:00"),
                (1, 1, 3.0, 0.0, "2017-02-11 10:00:00"),
                (1, 1, 3.0, 0.0, "2017-02-12 10:00:00"),
                (1, 1, 3.1, 0.0, "2017-03-05 10:00:00"),
                (1, 1, 9.0, 0.0, "2017-10-05 10:00:00"),
            ),
            PRODUCTS,
        )
    )
    leaves = utc(2017, 3, 5, 10) + timedelta(days=182)
    back = utc(2017, 10, 5, 10, 0, 1)
    assert versions.select("list_price", "retired_at", "valid_from", "valid_to").rows() == [
        (2.0, None, utc(2017, 2, 10, 10, 0, 1), utc(2017, 3, 1)),
        (3.0, None, utc(2017, 3, 1), leaves),
        (3.0, leaves, leaves, back),
        (3.0, None, back, utc(2017, 11, 1)),
        (9.0, None, utc(2017, 11, 1), None),
    ]
    assert versions["launched_at"].unique().to_list() == [utc(2017, 2, 10, 10)]


def test_items_of_the_first_weeks_have_no_launch() -> None:
    lines = complete_journey.purchases(transactions((1, 1, 2, 0, "2017-01-20 10:00:00")), PRODUCTS)
    assert complete_journey.item_versions(lines)["launched_at"].to_list() == [None, None]


@pytest.mark.parametrize("day", ["2017-03-01", "2017-06-15", "2017-09-20"])
def test_versions_before_a_moment_do_not_hang_on_sales_after_it(day: str) -> None:
    rows = [
        (1 + step % 2, 1, 1.0 + step % 5, 0.0, f"2017-{1 + step // 4:02}-{1 + 7 * (step % 4):02} 10:00:00")
        for step in range(0, 48, 3)
    ]
    known = [row for row in rows if row[4] < day]
    absurd = [(1, 1, 999.0, 0.0, f"{day} 00:00:00"), (5, 1, 1.0, 0.0, f"{day} 00:00:01")]
    moment = datetime.fromisoformat(day).replace(tzinfo=timezone.utc)

    def known_at(*lines: tuple[int, int, float, float, str]) -> pl.DataFrame:
        versions = complete_journey.item_versions(complete_journey.purchases(transactions(*lines), PRODUCTS))
        seen = versions.filter(pl.col("valid_from") <= moment)
        return seen.with_columns(pl.when(pl.col("valid_to") <= moment).then(pl.col("valid_to")))

    assert known_at(*known).height > 2
    assert known_at(*rows).equals(known_at(*known, *absurd))


def test_users_have_a_segment_where_they_were_asked() -> None:
    lines = complete_journey.purchases(transactions((1, 1, 2, 0, "2017-01-20 10:00:00")), PRODUCTS)
    asked = pl.DataFrame({"household_id": [7], "age": ["65+"], "household_comp": ["2 Adults No Kids"]})
    known = complete_journey.users(lines, asked)
    assert known.select("segment", "attributes", "consent").rows() == [
        ("2 Adults No Kids", '{"age":"65+","household_comp":"2 Adults No Kids"}', True)
    ]
    unknown = complete_journey.users(lines, asked.with_columns(pl.lit(8).cast(pl.Int64).alias("household_id")))
    assert unknown.select("segment", "attributes").rows() == [("unknown", "{}")]

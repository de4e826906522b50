"""Why an item is ordered, or is not: one code and one sentence a row."""

from __future__ import annotations

import polars as pl

from recsys.config import Settings


def with_reasons(rows: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """`rows` of reorder suggestions with reason_code and reason_text; the first reason that holds."""
    out, due = pl.col("on_hand") <= 0, pl.col("suggested_quantity") > 0
    reasons = (
        (
            "retired",
            pl.col("retired_at").is_not_null(),
            pl.format("The item left the range; {} left in stock.", _units("on_hand")),
        ),
        (
            "no_demand",
            pl.col("level") <= 0,
            pl.format("Nothing sold lately; {} in stock.", _units("on_hand")),
        ),
        (
            "out_of_stock",
            out & due,
            pl.format("Out of stock, about {} a day are missed: order {}.", _rate(), _units("suggested_quantity")),
        ),
        ("reorder", due, _reorder()),
        (
            "on_the_way",
            out | (pl.col("on_hand") < pl.col("lead_time_demand")),
            pl.format("Stock lasts {}, but {} are on their way.", _cover(), _units("on_order")),
        ),
        (
            "overstock",
            pl.col("overstock"),
            pl.format(
                "Stock lasts {}: {} more than {} days sell.",
                _cover(), _units("overstock_units"), pl.lit(f"{settings.reorder.overstock_days:g}"),
            ),
        ),
    )  # fmt: skip
    code: pl.Expr = pl.lit("enough")
    text: pl.Expr = pl.format("Stock lasts {}, an order takes {} days.", _cover(), _units("lead_time_days"))
    for name, holds, sentence in reversed(reasons):
        code = pl.when(holds).then(pl.lit(name)).otherwise(code)
        text = pl.when(holds).then(sentence).otherwise(text)
    return rows.with_columns(reason_code=code, reason_text=text)


def _reorder() -> pl.Expr:
    return pl.format(
        "{} in stock and {} on their way are within the {} that may sell before an order of tomorrow arrives"
        " ({} % sure): order {}.",
        _units("on_hand"), _units("on_order"), _units("reorder_point"),
        (pl.col("service_level") * 100).round(0).cast(pl.Int64), _units("suggested_quantity"),
    )  # fmt: skip


def _units(name: str) -> pl.Expr:
    """A number of units as people write it: without decimals where it is whole."""
    value = pl.col(name).round(1)
    whole = value.round(0).cast(pl.Int64, strict=False).cast(pl.String)
    return pl.when(value == value.round(0)).then(whole).otherwise(value.cast(pl.String))


def _rate() -> pl.Expr:
    return pl.col("daily_demand").round(2).cast(pl.String)


def _cover() -> pl.Expr:
    days = pl.col("days_of_cover")
    return (
        pl.when(days.is_null())
        .then(pl.lit("for years"))
        .otherwise(pl.format("{} days", days.round(0).cast(pl.Int64, strict=False)))
    )

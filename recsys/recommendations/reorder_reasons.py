"""Why an item is ordered, or is not: one code and one sentence a row."""

from __future__ import annotations

import polars as pl

from recsys.recommendations.wording import say


def with_reasons(rows: pl.DataFrame, language: str = "en") -> pl.DataFrame:
    """`rows` of reorder suggestions with reason_code and reason_text; the first reason that holds."""
    out, due = pl.col("on_hand") <= 0, pl.col("suggested_quantity") > 0
    late = out | (pl.col("on_hand") < pl.col("lead_time_demand"))
    reasons = (
        ("retired", pl.col("retired_at").is_not_null()),
        ("no_demand", pl.col("level") <= 0),
        ("out_of_stock", out & due),
        ("reorder", due),
        ("on_the_way", late & (pl.col("on_order") > 0)),
        ("not_due", late),
        ("overstock", pl.col("overstock")),
    )
    facts = _facts(language)
    code: pl.Expr = pl.lit("enough")
    text = say(language, "reorder_enough", **facts)
    for name, holds in reversed(reasons):
        code = pl.when(holds).then(pl.lit(name)).otherwise(code)
        text = pl.when(holds).then(say(language, f"reorder_{name}", **facts)).otherwise(text)
    return rows.with_columns(reason_code=code, reason_text=text)


def _facts(language: str) -> dict[str, pl.Expr]:
    return {
        "on_hand": _units("on_hand"),
        "on_order": _units("on_order"),
        "reorder_point": _units("reorder_point"),
        "quantity": _units("suggested_quantity"),
        "overstock": _units("overstock_units"),
        "lead_time": _units("lead_time_days"),
        "daily_demand": pl.col("daily_demand").round(2).cast(pl.String),
        "sure": (pl.col("service_level") * 100).round(0).cast(pl.Int64).cast(pl.String),
        "cover": _cover(language),
    }


def _units(name: str) -> pl.Expr:
    """A number of units as people write it: without decimals where it is whole."""
    value = pl.col(name).round(1)
    whole = value.round(0).cast(pl.Int64, strict=False).cast(pl.String)
    return pl.when(value == value.round(0)).then(whole).otherwise(value.cast(pl.String))


def _cover(language: str) -> pl.Expr:
    days = pl.col("days_of_cover")
    told = say(language, "cover_days", days=days.round(0).cast(pl.Int64, strict=False).cast(pl.String))
    return pl.when(days.is_null()).then(say(language, "cover_years")).otherwise(told)

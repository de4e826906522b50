"""How cover is told, whom it pushes, and how far."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import polars as pl
import pytest

from recsys.recommendations.lists import SCORED
from recsys.recommendations.rules import blocked_items
from recsys.recommendations.stock_cover import exposed, with_cover
from recsys.settings.demand import ReorderSettings
from recsys.settings.lists import RulesSettings

AS_OF = datetime(2020, 3, 1, tzinfo=timezone.utc)
SETTINGS = ReorderSettings(lead_time_days=3.0, overstock_days=100.0, young_days=56)


def cover(*rows: tuple[str, float, float | None], young: tuple[str, ...] = ()) -> dict[str, tuple[float | None, float]]:
    """days_of_cover and push of items (item_id, on_hand, level) whose orders take three days."""
    return {row[0]: row[1:] for row in _frame(rows, young).select("item_id", "days_of_cover", "push").rows()}


def _frame(rows: tuple[tuple[str, float, float | None], ...], young: tuple[str, ...] = ()) -> pl.DataFrame:
    ids = [row[0] for row in rows]
    lead = pl.lit(None, pl.Float64)
    stock = pl.DataFrame({"item_id": ids, "on_hand": [r[1] for r in rows]}).with_columns(lead_time_days=lead)
    known = [(item, level) for item, _, level in rows if level is not None]
    demand = pl.DataFrame(known, schema={"item_id": pl.String, "level": pl.Float64}, orient="row")
    launched = [AS_OF - timedelta(days=7) if item in young else None for item in ids]
    items = pl.DataFrame({"item_id": ids, "launched_at": launched}, schema_overrides={"launched_at": AS_OF_TYPE})
    return with_cover(stock, demand, items, AS_OF, SETTINGS)


AS_OF_TYPE = pl.Datetime("us", "UTC")


def test_scarcity_pushes_down_overstock_up_and_neither_beyond_one() -> None:
    found = cover(("empty", 0, 1), ("scarce", 2, 1), ("fine", 50, 1), ("much", 150, 1), ("heap", 900, 1))
    assert found["empty"] == (0.0, -1.0)
    assert found["scarce"] == (2.0, -0.5)
    assert found["fine"] == (50.0, 0.0)
    assert found["much"] == (150.0, 0.5)
    assert found["heap"] == (900.0, 1.0)


def test_what_nobody_buys_any_more_is_overstock_and_what_nobody_forecast_is_unknown() -> None:
    found = cover(("dead", 5, 0), ("unknown", 5, None), ("dead and gone", 0, 0))
    assert found["dead"] == (float("inf"), 1.0)
    assert found["unknown"] == (None, 0.0)
    assert found["dead and gone"] == (0.0, -1.0)


def test_a_young_item_is_scarce_at_most() -> None:
    found = cover(("heap", 900, 1), ("scarce", 2, 1), young=("heap", "scarce"))
    assert (found["heap"][1], found["scarce"][1]) == (0.0, -0.5)


def test_stock_for_some_hours_is_no_stock() -> None:
    frame = _frame((("hours", 1, 8), ("a day", 8, 8), ("unknown", 1, None)))
    items = pl.DataFrame(schema={"item_id": pl.String, "retired_at": AS_OF_TYPE, "launched_at": AS_OF_TYPE})
    assert blocked_items(items, frame, AS_OF, RulesSettings()).rows() == [("hours", "out_of_stock")]
    assert blocked_items(items, frame, AS_OF, RulesSettings(min_cover_days=0.0)).is_empty()


def test_a_push_is_bounded_by_the_spread_of_the_user_s_own_scores() -> None:
    rows = [
        {"user_id": user, "item_id": item, "score": value * size}
        for user, size in (("near", 1.0), ("wide", 10.0))
        for item, value in (("heap", 1.0), ("scarce", 2.0), ("fine", 3.0))
    ]
    scored = pl.DataFrame(rows, schema=SCORED)
    pushes = _frame((("heap", 900, 1), ("scarce", 2, 1), ("fine", 50, 1)))
    moved = exposed(scored, pushes, ("score", "repeat_score"), 0.2)
    assert moved.schema == scored.schema
    # The scores of each user have the deviation 1 and 10: heap gains a fifth of it, scarce loses half as much.
    assert moved["score"].to_list() == pytest.approx([1.2, 1.9, 3.0, 12.0, 19.0, 30.0])
    assert moved["repeat_score"].is_null().all()
    assert exposed(scored, pushes, ("score",), 0.0) is scored

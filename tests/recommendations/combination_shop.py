"""A small generated shop whose combinations are known.

Planted: bread with butter, torch with battery with rope (a set of three), a set of four for painting, one of five for
sewing, two teas that are viewed together and never bought together (substitutes), candles with holly in December alone,
ink with paper bought twelve times by one user, and milk, a bestseller that is in most baskets and goes with nothing in
particular. Everything else is noise.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import polars as pl

from recsys.recommendations.baskets import Baskets, build_baskets
from recsys.settings.combinations import PairSettings

AS_OF_DATE = date(2024, 1, 1)
AS_OF = datetime(2024, 1, 1, tzinfo=timezone.utc)
SETTINGS = PairSettings(excluded_categories=("fuel",), bestseller_share=0.02, pairs_per_item=5)
SETS = {
    0: ("bread", "butter"), 1: ("torch", "battery", "rope"), 2: ("tea_green",), 3: ("tea_black",),
    4: ("paint", "brush", "roller", "tape"), 6: ("fabric", "thread", "needle", "button", "zip"),
}  # fmt: skip
"""What every twentieth order holds beside noise, by its number modulo 20."""
CATEGORIES = {
    "bread": "food > bakery", "butter": "food > dairy", "milk": "food > dairy", "torch": "tools > light",
    "battery": "tools > power", "rope": "tools > rope", "tea_green": "food > tea", "tea_black": "food > tea",
    "candle": "home > candles", "holly": "home > plants", "ink": "office > ink", "paper": "office > paper",
    "petrol": "fuel > petrol", "bread_new": "food > bakery",
    **{item: f"tools > {item}" for item in ("paint", "brush", "roller", "tape")},
    **{item: f"craft > {item}" for item in ("fabric", "thread", "needle", "button", "zip")},
}  # fmt: skip
TITLES = {"bread": "Crusty loaf", "bread_new": "Seeded crusty loaf"}
EVENT_SCHEMA = {
    "event_id": pl.String, "user_id": pl.String, "item_id": pl.String, "event_type": pl.String, "quantity": pl.Float64,
    "order_id": pl.String, "session_id": pl.String, "occurred_at": pl.Datetime("us", "UTC"),
}  # fmt: skip


def combination_events(seed: int = 7) -> pl.DataFrame:
    """Events of the shop, in the columns that the products read."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for order in range(1200):
        day = int(rng.integers(1, 300))
        basket = {f"noise{i:02d}" for i in rng.integers(0, 40, size=int(rng.integers(1, 6)))}
        if rng.random() < 0.6:
            basket.add("milk")
        basket.update(SETS.get(order % 20, ()))
        if order % 60 == 5:
            day = int(rng.integers(1, 28))
            basket.update(("candle", "holly"))
        if order % 4 == 0:
            basket.add("petrol")
        rows += _basket(f"o{order:04d}", f"u{int(rng.integers(0, 300)):03d}", day, sorted(basket))
    for order in range(12):
        rows += _basket(f"heavy{order:02d}", "heavy", 10 + 7 * order, ["ink", "paper"])
    for visit in range(60):
        for item in ("tea_green", "tea_black"):
            rows.append(_event(f"v{visit:02d}{item}", f"u{visit:03d}", item, "view", 20, None, f"s{visit:02d}"))
    return pl.DataFrame(rows, schema=EVENT_SCHEMA)


def combination_items() -> pl.DataFrame:
    """Items of the shop: every one costs 10 and is sold for 20."""
    ids = sorted({*CATEGORIES, *(f"noise{i:02d}" for i in range(40))})
    frame = pl.DataFrame({"item_id": ids}).with_columns(
        title=pl.col("item_id").replace(TITLES),
        category_path=pl.col("item_id").replace_strict(CATEGORIES, default="other > things"),
        brand=pl.col("item_id"),
        list_price=pl.lit(20.0),
        unit_cost=pl.lit(10.0),
    )
    never = pl.lit(None, pl.Datetime("us", "UTC"))
    return frame.with_columns(launched_at=never, retired_at=never)


def combination_baskets(events: pl.DataFrame | None = None, settings: PairSettings = SETTINGS) -> Baskets:
    """The shop's baskets before AS_OF."""
    events = combination_events() if events is None else events
    return build_baskets(events.lazy(), combination_items(), AS_OF_DATE, AS_OF, "UTC", settings)


def no_rules() -> pl.DataFrame:
    """No combination forbidden or forced."""
    return rules()


def rules(*rows: tuple[str, str, str]) -> pl.DataFrame:
    """Combinations: (item_id, other_item_id, rule)."""
    columns = ("item_id", "other_item_id", "rule")
    return pl.DataFrame(list(rows), schema=dict.fromkeys(columns, pl.String), orient="row")


def _basket(order: str, user: str, days_ago: int, items: list[str]) -> list[dict[str, Any]]:
    return [_event(f"{order}{item}", user, item, "purchase", days_ago, order, None) for item in items]


def _event(
    event: str, user: str, item: str, kind: str, days_ago: int, order: str | None, session: str | None
) -> dict[str, Any]:
    return {
        "event_id": event, "user_id": user, "item_id": item, "event_type": kind, "quantity": 1.0, "order_id": order,
        "session_id": session, "occurred_at": AS_OF - timedelta(days=days_ago) + timedelta(hours=12),
    }  # fmt: skip

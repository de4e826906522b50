"""What was sold: purchases without what the user cancelled."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

KEY = ["user_id", "item_id", "occurred_at"]


def kept_purchases(events: pl.LazyFrame, cancelled_days: int) -> pl.LazyFrame:
    """Purchases of `events` with the `quantity` that was not cancelled, and no row of one that was cancelled whole.

    A return takes its units off what the same user bought of the item in the `cancelled_days` before it, the newest
    first: a mistyped order of ten thousand was never wanted. Goods that come back later were, and stay sold. `events`
    needs KEY, event_type and quantity; the order of its rows is lost where something came back.
    """
    some = events.filter(pl.col("quantity") > 0)
    bought = some.filter(pl.col("event_type") == "purchase")
    returned = some.filter(pl.col("event_type") == "return").select(*KEY, "quantity").collect().sort(*KEY, "quantity")
    if returned.is_empty():
        return bought
    pairs = returned.lazy().select(KEY[:2]).unique()
    mine = bought.join(pairs, on=KEY[:2], how="semi").collect().sort(*KEY, "quantity")
    taken = pl.Series(_taken(mine, returned, timedelta(days=cancelled_days)), dtype=pl.Float64)
    rest = mine.lazy().with_columns(quantity=pl.col("quantity") - taken).filter(pl.col("quantity") > 0)
    return pl.concat([bought.join(pairs, on=KEY[:2], how="anti"), rest])


def _taken(bought: pl.DataFrame, returned: pl.DataFrame, window: timedelta) -> list[float]:
    """Units of each purchase that were cancelled; both frames are sorted by KEY."""
    rows = bought.select(*KEY, "quantity").rows()
    taken = [0.0] * len(rows)
    places: dict[tuple[str, str], list[int]] = {}
    for place, (user, item, *_) in enumerate(rows):
        places.setdefault((user, item), []).append(place)
    for user, item, at, units in returned.select(*KEY, "quantity").iter_rows():
        for place in reversed(places.get((user, item), [])):
            if rows[place][2] < at - window:
                break
            if rows[place][2] <= at:
                off = min(units, rows[place][3] - taken[place])
                taken[place] += off
                units -= off
    return taken

"""Which items are new: launched lately, so that nobody, or hardly anybody, has done anything with them."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from recsys.settings.new_items import NewItemSettings


def new_items(items: pl.DataFrame, as_of: datetime, settings: NewItemSettings) -> pl.Series:
    """Ids of the newest items of the snapshot launched within settings.days before `as_of`, sorted."""
    age = pl.lit(as_of) - pl.col("launched_at")
    young = items.filter((age >= timedelta(0)) & (age <= timedelta(days=settings.days)))
    newest = young.sort("launched_at", "item_id", descending=[True, False]).unique("item_id", keep="first")
    return newest.sort("launched_at", "item_id", descending=[True, False])["item_id"].head(settings.max_items).sort()

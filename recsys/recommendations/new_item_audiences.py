"""Whom to tell of each new item: users in whose list new_arrivals it stands, who want it most first.

The rules of campaign audiences hold: who gave no consent has no such list; a user is told of few items a day, campaigns
of late counting; a share is kept apart by a hash of item and user; an audience below the privacy floor is not shown.
"""

from __future__ import annotations

import logging

import polars as pl

from recsys import schemas
from recsys.data.events import event_day
from recsys.recommendations.audiences import KEYS, above_privacy_floor, rounds, with_holdout
from recsys.recommendations.lists import NEW_ARRIVALS
from recsys.recommendations.published_lists import scan_lists
from recsys.run import Counts, RunContext
from recsys.storage import read_partition, read_partition_if_any, write_partition

log = logging.getLogger(__name__)
_WAY = "new_item"


def build_new_item_audiences(context: RunContext) -> Counts:
    """Write the day's new_item_audiences, from the lists that were built before."""
    day = {"as_of_date": context.as_of_date}
    wanted = (
        scan_lists(context.lake, context.as_of_date)
        .filter(pl.col("list") == NEW_ARRIVALS)
        .select("user_id", "item_id", "score", "reason_code", "reason_text", "model_version")
    )
    items = read_partition(context.lake, schemas.ITEMS, **day).unique("item_id", keep="first", maintain_order=True)
    contacts = read_partition_if_any(context.lake, schemas.CONTACTS, **day)
    rows, small = new_item_audiences(wanted.collect(), items, contacts, context)
    for item_id, _, count in small.iter_rows():
        log.info("new_item_audiences: item %s: %d users are fewer than may be shown", item_id, count)
    written = write_partition(context.lake, schemas.NEW_ITEM_AUDIENCES, rows, **day)
    return {"new_items": rows["item_id"].n_unique(), "new_item_rows": written, "new_items_too_small": small.height}


def new_item_audiences(
    wanted: pl.DataFrame, items: pl.DataFrame, contacts: pl.DataFrame, context: RunContext
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of schemas.NEW_ITEM_AUDIENCES; and the items whose audience is below the privacy floor, with its size.

    wanted    user_id, item_id, score and what is told of the row      items  item_id, launched_at
    contacts  schemas.CONTACTS
    """
    settings = context.settings.audiences
    named = wanted.rename({"item_id": "campaign_id", "score": "probability"}).with_columns(way=pl.lit(_WAY))
    size, ids = context.settings.new_items.audience_size, [*KEYS, "user_id"]
    asked = named.select(*ids, "probability")
    *_, placed = rounds(asked, contacts, context.as_of, settings, lambda asking: _likeliest(asking, size))
    best = placed.drop("probability").join(named, on=ids, maintain_order="left")
    shown, small = above_privacy_floor(with_holdout(best, settings.holdout_share), settings.privacy_floor)
    launched = items.select("item_id", launched_on=event_day(context.settings.time_zone, "launched_at"))
    told = shown.rename({"campaign_id": "item_id", "probability": "score"}).join(launched, on="item_id")
    told = told.with_columns(as_of_date=pl.lit(context.as_of_date))
    table = schemas.NEW_ITEM_AUDIENCES
    return told.select(table.column_names).sort("item_id", "user_id"), small


def _likeliest(asking: pl.DataFrame, size: int) -> pl.DataFrame:
    """The first `size` of each item, with their rank."""
    ordered = asking.sort("campaign_id", "probability", "user_id", descending=[False, True, False])
    ordered = ordered.with_columns(rank=(pl.int_range(pl.len()).over("campaign_id") + 1).cast(pl.Int32))
    return ordered.filter(pl.col("rank") <= size)

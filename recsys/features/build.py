"""The step that writes the day's feature views, and the history that they and the models are made from.

Views are keyed by codes; `user_codes` and `item_codes` in the same folder are the id maps. To number the events of a
year takes ten times as long as to read them numbered, so it is done once a day.
"""

from __future__ import annotations

import polars as pl

from recsys import schemas
from recsys.data.events import read_events
from recsys.features.history import EVENT_COLUMNS, History, encode
from recsys.features.new_items import new_items
from recsys.features.view_files import scan_view, write_view
from recsys.features.views import NAMES, build_views
from recsys.run import Counts, RunContext
from recsys.storage import read_partition, write_partition


def build_features(context: RunContext) -> Counts:
    """Write the views of users, items, their pairs, categories and stores as of the day, the id maps and, by their
    codes, the events, for the steps that start from them. Raises RunError before check_extracts ran.
    """
    whole = _coded_history(context)
    write_partition(context.lake, schemas.CODED_EVENTS, whole.events, as_of_date=context.as_of_date)
    history = whole.before(context.as_of, context.settings.models.history_days)
    views = build_views(history)
    for name in NAMES:
        write_view(context, name, getattr(views, name))
    write_view(context, "user_codes", pl.DataFrame({"user_id": history.users}))
    write_view(context, "item_codes", pl.DataFrame({"item_id": history.items}))
    return {"users": len(history.users), "items": len(history.items), "user_item_pairs": len(views.pairs)}


def _coded_history(context: RunContext) -> History:
    """The run's events and id maps, new items among them."""
    events = read_events(context, columns=EVENT_COLUMNS).collect()
    items = read_partition(context.lake, schemas.ITEMS, as_of_date=context.as_of_date)
    new = new_items(items, context.as_of, context.settings.new_items)
    return encode(events, items, context.as_of, context.settings.time_zone, new)


def load_history(context: RunContext) -> History:
    """The run's events of the whole look-back window and its id maps. Raises LakeError before build_features ran."""
    users, items = read_codes(context)
    tree = scan_view(context, "items").select("item", "leaf", "parent").collect()
    events = read_partition(context.lake, schemas.CODED_EVENTS, as_of_date=context.as_of_date)
    return History(events, users, items, tree, context.as_of)


def read_codes(context: RunContext) -> tuple[pl.Series, pl.Series]:
    """User ids and item ids by code."""
    users, items = scan_view(context, "user_codes").collect(), scan_view(context, "item_codes").collect()
    return users["user_id"], items["item_id"]

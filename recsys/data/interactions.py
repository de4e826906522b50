"""Events to weighted user-item interactions."""

from __future__ import annotations

import math
from datetime import datetime

import polars as pl

from recsys.data.events import read_events
from recsys.run import Counts, RunContext
from recsys.schemas import EVENT_TYPES, INTERACTIONS
from recsys.settings.data import InteractionSettings
from recsys.storage import write_partition

_SCALE = float(1 << 32)
_SECONDS_A_DAY = 86_400.0


def build_interactions(context: RunContext) -> Counts:
    """Write the interactions of the look-back window as of the run's day. Raises RunError before check_extracts ran."""
    events = read_events(context, columns=["user_id", "item_id", "event_type", "occurred_at"])
    interactions = weighted_interactions(events, context.as_of, context.settings.interactions).collect()
    rows = write_partition(context.lake, INTERACTIONS, interactions, as_of_date=context.as_of_date)
    users, items = interactions["user_id"].n_unique(), interactions["item_id"].n_unique()
    return {"interactions": rows, "users": users, "items": items}


def weighted_interactions(events: pl.LazyFrame, as_of: datetime, settings: InteractionSettings) -> pl.LazyFrame:
    """One row per user and item of `events`: columns of schemas.INTERACTIONS, sorted by user_id, item_id.

    `events` needs user_id, item_id, event_type, occurred_at; rows at or after `as_of` are left out, so that the
    function serves at any cut. An event weighs its type's weight, halved every half_life_days of age.
    """
    weights = {name: getattr(settings, f"{name}_weight") for name in EVENT_TYPES}
    age_days = (pl.lit(as_of) - pl.col("occurred_at")).dt.total_seconds() / _SECONDS_A_DAY
    weight = pl.col("event_type").replace_strict(weights, default=0.0, return_dtype=pl.Float64)
    decayed = weight * (age_days * (-math.log(2.0) / settings.half_life_days)).exp()
    # Whole numbers add up to the same sum in any order, so that threads cannot change the last digits.
    units = (decayed * _SCALE).round().cast(pl.Int64)
    return (
        events.filter(pl.col("occurred_at") < as_of)
        .select("user_id", "item_id", "occurred_at", units.alias("units"))
        .group_by("user_id", "item_id")
        .agg(
            (pl.col("units").sum().cast(pl.Float64) / _SCALE).cast(pl.Float32).alias("weight"),
            pl.len().cast(pl.Int32).alias("events"),
            pl.col("occurred_at").max().alias("last_at"),
        )
        .sort("user_id", "item_id")
    )

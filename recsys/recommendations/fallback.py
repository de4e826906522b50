"""What a user sees whose own history gives too little: the segment's popular items, then everybody's."""

from __future__ import annotations

import math
from datetime import datetime

import polars as pl

from recsys.settings.data import InteractionSettings

HALF_LIFE_DAYS = 14.0
"""Days after which a user's deed counts half for what is popular now."""
DEPTH = 6
"""Items kept for each segment, in lengths of a list: a user's own items and the category limit take some away."""
_UNIT = float(1 << 30)
SCHEMA = {"segment": pl.String, "item_id": pl.String, "score": pl.Float64, "rank": pl.Int32}


def trending_by_segment(
    events: pl.LazyFrame | pl.DataFrame, users: pl.DataFrame, as_of: datetime, weights: InteractionSettings
) -> pl.DataFrame:
    """Popular items of each segment and, with a null segment, of all users: segment, item_id, score, rank (from 1).

    `events` needs user_id, item_id, event_type and occurred_at; `users` user_id and segment. A user counts once for
    an item, with the best of the weights of the user's events, halved every HALF_LIFE_DAYS before `as_of`: a single
    user with a thousand purchases does not make a trend. Sums are of whole numbers, so that they do not depend on
    the order of adding.
    """
    kinds = {
        "view": weights.view_weight,
        "favourite": weights.favourite_weight,
        "cart": weights.cart_weight,
        "purchase": weights.purchase_weight,
    }
    age_days = (pl.lit(as_of) - pl.col("occurred_at")).dt.total_seconds() / 86_400
    worth = pl.col("event_type").replace_strict(kinds, default=0.0, return_dtype=pl.Float64)
    faded = (worth * (age_days * (-math.log(2) / HALF_LIFE_DAYS)).exp() * _UNIT).round().cast(pl.Int64)
    each = (
        events.lazy()
        .select("user_id", "item_id", worth=faded)
        .filter(pl.col("worth") > 0)
        .group_by("user_id", "item_id")
        .agg(pl.col("worth").max())
    )
    known = users.lazy().filter(has_segment()).select("user_id", "segment").unique("user_id")
    everybody = _popular(each.with_columns(segment=pl.lit(None, pl.String)))
    of_segments = _popular(each.join(known, on="user_id"))
    scored = pl.concat([everybody, of_segments]).collect()
    ordered = scored.sort(["segment", "score", "item_id"], descending=[False, True, False], nulls_last=False)
    place = (pl.int_range(pl.len()).over("segment") + 1).cast(pl.Int32)
    return ordered.with_columns(rank=place).select(SCHEMA.keys()).cast(SCHEMA)  # type: ignore[arg-type]


def has_segment() -> pl.Expr:
    """Whether a user's segment has a name; an empty or blank one is none."""
    # Tables mark the rows for all users by an empty segment: one of that name would be taken for them.
    return (pl.col("segment").str.strip_chars() != "").fill_null(False)


def _popular(each: pl.LazyFrame) -> pl.LazyFrame:
    total = each.group_by("segment", "item_id").agg(pl.col("worth").sum())
    return total.select("segment", "item_id", score=pl.col("worth").cast(pl.Float64) / _UNIT)


def keep_deepest(popular: pl.DataFrame, list_length: int) -> pl.DataFrame:
    """The first DEPTH lists' worth of items of each segment, ranked anew without gaps."""
    place = (pl.int_range(pl.len()).over("segment") + 1).cast(pl.Int32)
    ranked = popular.sort("segment", "rank").with_columns(rank=place)
    return ranked.filter(pl.col("rank") <= DEPTH * list_length)


def fallback_rows(wanted: pl.DataFrame, popular: pl.DataFrame) -> pl.DataFrame:
    """One row per wanted list and popular item: list, user_id, item_id, score, fallback ('segment' or 'trending').

    `wanted` has list, user_id and segment (null: unknown); `popular` is what `trending_by_segment` gives. An item
    that is popular both ways comes once, as the segment's.
    """
    keys = ["list", "user_id", "item_id"]
    own = popular.filter(pl.col("segment").is_not_null()).select("segment", "item_id", "score")
    everybody = popular.filter(pl.col("segment").is_null()).select("item_id", "score")
    by_segment = wanted.join(own, on="segment").select(*keys, "score", fallback=pl.lit("segment"))
    by_all = wanted.join(everybody, how="cross").select(*keys, "score", fallback=pl.lit("trending"))
    return pl.concat([by_segment, by_all.join(by_segment, on=keys, how="anti")])

"""Candidates to the ranker's matrix: views joined by key, then ratios between them."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.features.views import Views

_KEYS = ("user", "item", "anchor", "leaf", "parent", "u_store", "label", "first_day")


def assemble(candidates: pl.DataFrame, views: Views) -> pl.DataFrame:
    """`candidates` (user, item and whatever generators said of the pair) with all features, in the same order."""
    left = {"how": "left", "maintain_order": "left"}
    frame = (
        candidates.join(views.pairs, on=["user", "item"], **left)  # type: ignore[arg-type]
        .join(views.interest, on=["user", "item"], **left)  # type: ignore[arg-type]
        .join(views.users, on="user", **left)  # type: ignore[arg-type]
        .join(views.items, on="item", **left)  # type: ignore[arg-type]
        .join(views.leaves, on=["user", "leaf"], **left)  # type: ignore[arg-type]
        .join(views.parents, on=["user", "parent"], **left)  # type: ignore[arg-type]
        .join(views.stores.rename({"store": "u_store"}), on=["u_store", "item"], **left)  # type: ignore[arg-type]
    )
    return frame.with_columns(ratios())


def ratios() -> list[pl.Expr]:
    """Features that compare views: shares of trips, recency against the usual gap, prices, category by item."""
    c = pl.col
    return [
        (c("ui_trips") / c("u_trips")).alias("x_share"),
        (c("ui_decayed_30") / c("u_decayed_30")).alias("x_share_30"),
        (c("ui_decayed_90") / c("u_decayed_90")).alias("x_share_90"),
        (c("ui_last") / c("ui_gap")).alias("x_last_by_gap"),
        (c("ui_last") - c("ui_gap")).alias("x_overdue"),
        (c("ui_last") / c("ui_gap_median")).alias("x_last_by_median"),
        (c("ui_quantity_last") * c("ui_gap_median")).alias("x_supply"),
        (c("ui_last") / c("i_gap")).alias("x_last_by_item_gap"),
        (c("leaf_last") / c("leaf_gap")).alias("x_leaf_last_by_gap"),
        (c("ui_trips") / (c("ui_first") + 7)).alias("x_a_day"),
        (c("ui_trips") / (c("ui_first_trip") + 1)).alias("x_a_trip"),
        (c("ui_decayed_90") / c("leaf_decayed_90")).alias("x_in_leaf"),
        (c("ui_decayed_90") / c("parent_decayed_90")).alias("x_in_parent"),
        (c("i_price_14") / c("ui_paid")).alias("x_price_by_paid"),
        (c("i_price") / c("leaf_price")).alias("x_price_by_leaf"),
        (c("i_price") / c("parent_price")).alias("x_price_by_parent"),
        (c("s_share") / (c("i_count_84") + 1)).alias("x_store_by_all"),
        (c("u_trips_28") / (c("u_trips_84") / 3 + 0.5)).alias("x_user_trend"),
        (c("u_decayed_30") * c("ui_trips") / (c("ui_first_trip") + 1)).alias("x_expected"),
        (c("leaf_share") * c("i_leaf_share")).alias("x_leaf_popular"),
        (c("parent_share") * c("i_parent_share")).alias("x_parent_popular"),
        (c("i_buyers_28") * c("u_basket")).alias("x_popular"),
        (c("u_new_28") / pl.max_horizontal(c("u_trips_28"), 1)).alias("x_new_a_trip"),
    ]


def feature_names(frame: pl.DataFrame) -> list[str]:
    """Columns of an assembled frame that the ranker reads, in order."""
    return [name for name, kind in frame.schema.items() if name not in _KEYS and kind.is_numeric()]


def as_if_new(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows of an assembled frame as they were if nobody had done anything with their items yet: what is left is
    what is known of the user and of the user's categories. (Volkovs et al., "DropoutNet", NIPS 2017, hides inputs so.)
    """
    kinds = frame.schema
    hidden = [name for name in feature_names(frame) if not _knows_no_item(name)]
    return frame.with_columns(pl.lit(None, kinds[name]).alias(name) for name in hidden)


def _knows_no_item(name: str) -> bool:
    return name in _OF_USERS or (name.startswith(_OF_CATEGORIES) and not name.endswith(_OF_GENERATORS))


_OF_USERS = ("x_user_trend", "x_new_a_trip", "x_leaf_last_by_gap")
_OF_CATEGORIES = ("u_", "leaf_", "parent_")
_OF_GENERATORS = ("_score", "_rank", "_place")


def matrix(frame: pl.DataFrame, names: list[str]) -> NDArray[np.float32]:
    """Rows x `names` matrix (f32); unknown values are NaN."""
    return frame.select(pl.col(names).cast(pl.Float32)).to_numpy()

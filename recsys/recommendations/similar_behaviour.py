"""What users' behaviour says of two items: how often one follows the other, and how much of their users they share.

Following comes from views, favourites and carts: in a user's sequence of items, two that stand d places apart are seen
together with weight 1 / d. It counts once a user, halves with age, and is told as a share of everything that is seen
with the anchor. Shared users come from purchases: the shrunken cosine of the two items' buyers.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl
import scipy.sparse as sp

from recsys.models.generator import Known
from recsys.models.neighbours import ones
from recsys.settings.similar import SimilarSettings

SEEN = ("view", "favourite", "cart")
PAIRS = pl.Schema({"item": pl.Int32, "other": pl.Int32, "followed": pl.Float32, "shared": pl.Float32})
"""Rows of `behaviour_pairs`; items are codes."""
_DAY = 86_400.0


def behaviour_pairs(events: pl.DataFrame, as_of: datetime, items: int, settings: SimilarSettings) -> pl.DataFrame:
    """PAIRS of every item with at most `pool` others by either measure, sorted by item and other.

    events  user, item (codes below `items`), event_type, occurred_at; all before `as_of`, sorted by time and event
    """
    followed = following(events.filter(pl.col("event_type").is_in(SEEN)), as_of, settings)
    shared = shared_buyers(events.filter(pl.col("event_type") == "purchase"), items, settings)
    both = followed.join(shared, on=["item", "other"], how="full", coalesce=True).with_columns(
        pl.col("followed").fill_null(0.0), pl.col("shared").fill_null(0.0)
    )
    return both.select(PAIRS.names()).cast(PAIRS).sort("item", "other")  # type: ignore[arg-type]


def following(seen: pl.DataFrame, as_of: datetime, settings: SimilarSettings) -> pl.DataFrame:
    """item, other, followed: the share of the anchor's weight that the other has, shrunken; the `pool` best a item."""
    age = (pl.lit(as_of) - pl.col("occurred_at")).dt.total_seconds() / _DAY
    rows = (
        seen.tail(settings.seen_events)
        .sort("user", "occurred_at", maintain_order=True)
        .select("user", "item", faded=(0.5 ** (age / settings.half_life_days)))
    )
    rows = rows.filter((pl.col("item") != pl.col("item").shift().over("user")).fill_null(True))
    parts = []
    for distance in range(1, settings.window + 1):
        after = rows.with_columns(other=pl.col("item").shift(-distance).over("user")).drop_nulls("other")
        near = after.filter(pl.col("item") != pl.col("other"))
        parts.append(near.select("user", "item", "other", weight=pl.col("faded") / distance))
    told = pl.concat(parts) if parts else rows.head(0).select("user", "item", other="item", weight="faded")
    mirrored = told.select("user", item="other", other="item", weight="weight")
    once = pl.concat([told, mirrored]).group_by("user", "item", "other").agg(pl.col("weight").max())
    # Whole numbers add up alike in any order.
    units = (pl.col("weight") * float(1 << 30)).round().cast(pl.Int64).sum() / float(1 << 30)
    pairs = once.group_by("item", "other").agg(units.alias("weight"))
    whole = pairs.group_by("item").agg(pl.col("weight").sort().sum().alias("whole"))
    pairs = pairs.join(whole, on="item")
    pairs = pairs.with_columns(followed=pl.col("weight") / (pl.col("whole") + settings.prior_visits))
    return best_of(pairs.select("item", "other", "followed"), "followed", settings.pool)


def shared_buyers(bought: pl.DataFrame, items: int, settings: SimilarSettings) -> pl.DataFrame:
    """item, other, shared: buyers in common / sqrt((buyers of one + s) * (of the other + s)); the `pool` best a item.

    A single buyer in common is an accident and does not count.
    """
    from implicit.nearest_neighbours import all_pairs_knn

    newest = bought.tail(settings.bought_events)
    matrix = ones(newest["user"], newest["item"], items)
    columns = Known(matrix).supported(2, settings.neighbour_items)
    if not len(columns):
        return pl.DataFrame(schema={"item": pl.Int32, "other": pl.Int32, "shared": pl.Float32})
    part = matrix[:, columns].tocsr()
    scale = 1 / np.sqrt(np.bincount(part.indices, minlength=len(columns)) + settings.shrinkage)
    # One more than the pool: each item is its own nearest.
    near = all_pairs_knn(
        (part @ sp.diags(scale)).tocsr(), settings.pool + 1, show_progress=False, num_threads=1
    ).tocoo()
    common = near.data / (scale[near.row] * scale[near.col])
    keep = (near.row != near.col) & (common > 1.5)
    found = {"item": columns[near.row[keep]], "other": columns[near.col[keep]], "shared": near.data[keep]}
    return pl.DataFrame(found).with_columns(pl.col("shared").cast(pl.Float32))


def best_of(pairs: pl.DataFrame, score: str, k: int) -> pl.DataFrame:
    """The `k` rows of each item with the highest `score`, ties by the other's code."""
    ordered = pairs.sort("item", score, "other", descending=[False, True, False])
    return ordered.filter(pl.int_range(pl.len()).over("item") < k)

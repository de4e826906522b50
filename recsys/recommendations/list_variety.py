"""How varied lists are, before anybody reacted: pure functions over the first places of each list.

intra_list_distance@10  mean over users of the mean distance (1 - likeness) of two items of the list
category_entropy@10     mean over users of the entropy of the list's leaf categories, in bits
coverage@10             share of the offered items that somebody is shown
gini@10                 inequality of how often the offered items are shown: 0 all the same, near 1 a few for all
novelty@10              mean over rows of -log2 of the share of users who knew the item, in bits
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.features.item_space import ItemSpace, Places
from recsys.recommendations.realised import MEASURED_TYPES, TOP

_CHUNK = 1_000
"""Lists compared at once; bounds memory."""


@dataclass(frozen=True)
class Variety:
    """Sums over one part of the lists: `lists` one row per list (list, lists, distance, compared, entropy), `items` one
    row per list and item (list, item_id, shown)."""

    lists: pl.DataFrame
    items: pl.DataFrame


def variety_of(lists: pl.DataFrame, space: ItemSpace) -> Variety:
    """Sums over `lists` (list, user_id, rank, item_id), of which the first places count."""
    top = lists.filter(pl.col("rank") <= TOP).sort("list", "user_id", "rank")
    rows = []
    for (name,), own in top.group_by("list", maintain_order=True):
        places = as_matrix(own, space)
        distances = list_distances(places, space)
        known = distances[~np.isnan(distances)]
        entropy = float(category_entropies(places, space).sum())
        rows.append((name, len(places), float(known.sum()), len(known), entropy))
    shown = top.group_by("list", "item_id").agg(shown=pl.len().cast(pl.Int64))
    return Variety(pl.DataFrame(rows, schema=_LISTS, orient="row"), shown.select(_ITEMS.keys()).cast(_ITEMS))  # type: ignore[arg-type]


def summarise_variety(parts: Iterable[Variety], known: pl.DataFrame, users: int) -> pl.DataFrame:
    """Rows (realised.MEASURED) of all parts together.

    known  item_id, users (who knew the item), offered (bool); `users` is how many users there are
    """
    collected = list(parts)
    lists = pl.concat([pl.DataFrame(schema=_LISTS), *(part.lists for part in collected)])
    items = pl.concat([pl.DataFrame(schema=_ITEMS), *(part.items for part in collected)])
    sums = lists.group_by("list").agg(pl.all().sum()).sort("list")
    each = items.group_by("list", "item_id").agg(pl.col("shown").sum()).sort("list", "item_id")
    rows = []
    for name, count, distance, compared, entropy in sums.iter_rows():
        told = {"category_entropy@10": entropy / count, **_of_items(each.filter(pl.col("list") == name), known, users)}
        if compared:
            told["intra_list_distance@10"] = distance / compared
        rows += [(name, "all", "", metric, value, None, None, count) for metric, value in sorted(told.items())]
    return pl.DataFrame(rows, schema=MEASURED_TYPES, orient="row")


_LISTS = {"list": pl.String, "lists": pl.Int64, "distance": pl.Float64, "compared": pl.Int64, "entropy": pl.Float64}
_ITEMS = {"list": pl.String, "item_id": pl.String, "shown": pl.Int64}


def as_matrix(rows: pl.DataFrame, space: ItemSpace) -> Places:
    """Items of each user's list as users x TOP numbers in `space`, -2 where the list is shorter; `rows` are sorted."""
    return list_matrix(rows, space.places(rows["item_id"]), TOP, fill=-2)


def list_matrix(rows: pl.DataFrame, values: NDArray[np.int64], width: int, fill: int) -> NDArray[np.int64]:
    """`values` of each user's list as users x `width`, `fill` where the list is shorter; `rows` of one list, sorted by
    user and rank."""
    sizes = rows.group_by("user_id", maintain_order=True).len()["len"].to_numpy()
    matrix = np.full((len(sizes), width), fill)
    matrix[np.arange(width) < sizes[:, None]] = values
    return matrix


def list_distances(places: Places, space: ItemSpace) -> NDArray[np.float64]:
    """Mean distance of the pairs of each list; NaN for a list of one item."""
    parts = [_distances(places[start : start + _CHUNK], space) for start in range(0, len(places), _CHUNK)]
    return np.concatenate([np.zeros(0), *parts])


def _distances(places: Places, space: ItemSpace) -> NDArray[np.float64]:
    there = places > -2
    later = np.triu(np.ones((TOP, TOP), dtype=bool), 1)
    both = there[:, :, None] & there[:, None, :] & later
    # The cosine of a text with itself may round to more than 1.
    apart = np.maximum(1 - space.likeness(np.maximum(places, -1)), 0) * both
    pairs = both.sum(axis=(1, 2))
    total = apart.sum(axis=(1, 2), dtype=np.float64)
    return np.divide(total, pairs, out=np.full(len(places), np.nan), where=pairs > 0)


def category_entropies(places: Places, space: ItemSpace) -> NDArray[np.float64]:
    """Entropy of the leaf categories of each list, in bits; items without a category count as one category."""
    there = places > -2
    leaves = np.where(there, space.leaf[np.maximum(places, -1)], -2)
    same = ((leaves[:, :, None] == leaves[:, None, :]) & there[:, None, :]).sum(axis=2)
    sizes = there.sum(axis=1, keepdims=True)
    share = np.where(there, same / np.maximum(sizes, 1), 1.0)
    return np.asarray(-(np.log2(share) / np.maximum(sizes, 1)).sum(axis=1) + 0.0)


def gini(counts: NDArray[np.float64]) -> float:
    """Gini coefficient of non-negative counts; 0 without any."""
    ordered = np.sort(counts)
    total = ordered.sum()
    if not total:
        return 0.0
    places = np.arange(1, len(ordered) + 1)
    return float((2 * places - len(ordered) - 1) @ ordered / (len(ordered) * total))


def _of_items(shown: pl.DataFrame, known: pl.DataFrame, users: int) -> dict[str, float]:
    """Metrics of one list from how often each item is shown (item_id, shown)."""
    both = known.filter("offered").select("item_id").join(shown, on="item_id", how="left").sort("item_id")
    counts = both["shown"].fill_null(0).to_numpy().astype(np.float64)
    owners = shown.join(known.select("item_id", "users"), on="item_id", how="left").sort("item_id")
    # One more user and owner: an item that nobody knows is very new, not infinitely so.
    rarity = -np.log2((owners["users"].fill_null(0).to_numpy() + 1) / (users + 1))
    weights = owners["shown"].to_numpy()
    return {
        "coverage@10": float((counts > 0).mean()) if len(counts) else 0.0,
        "gini@10": gini(counts),
        "novelty@10": float(rarity @ weights / max(weights.sum(), 1)),
    }

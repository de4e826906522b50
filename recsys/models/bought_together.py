"""Bought together: what else went into baskets that held the items the user took lately."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from recsys.features.history import History, of_type
from recsys.models.generator import Arrays, Codes, Known, empty_proposals, frame_arrays, frame_from, top_unowned
from recsys.models.neighbours import nearest_items, ones
from recsys.settings.models import ModelSettings


@dataclass(frozen=True)
class BoughtTogether:
    """near: source, item, similarity; recent: user, item, weight (the user's newest items, decayed);
    owned: user, item of everything the user interacted with."""

    near: pl.DataFrame
    recent: pl.DataFrame
    owned: pl.DataFrame
    name: str = "bought_together"

    def propose(self, users: Codes, k: int) -> pl.DataFrame:
        """Items near the user's newest ones; the anchor is the one that weighs most. None that the user has."""
        wanted = pl.Series(users, dtype=pl.Int32).implode()
        mine = self.recent.filter(pl.col("user").is_in(wanted)).rename({"item": "source"})
        if mine.is_empty() or self.near.is_empty():
            return empty_proposals()
        reached = mine.join(self.near, on="source").with_columns(part=pl.col("weight") * pl.col("similarity"))
        reached = reached.sort("user", "item", "part", "source", descending=[False, False, True, False])
        summed = reached.group_by("user", "item", maintain_order=True).agg(
            pl.col("part").sum().alias("score"), pl.col("source").first().alias("anchor")
        )
        return top_unowned(summed, self.owned, users, k)

    def arrays(self) -> Arrays:
        """For the registry."""
        return frame_arrays(near=self.near, recent=self.recent, owned=self.owned)

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> BoughtTogether:
        """The generator that `arrays` came from."""
        parts = (
            frame_from(arrays, "near", "source", "item", "similarity"),
            frame_from(arrays, "recent", "user", "item", "weight"),
        )
        return cls(*parts, frame_from(arrays, "owned", "user", "item"))


def fit_bought_together(
    history: History, recent: pl.DataFrame, known: Known, settings: ModelSettings
) -> BoughtTogether:
    """Count baskets of the last `basket_days`; where nothing is bought, a user's day of any events is the basket.

    `recent` is user, item, weight with a short half-life (`weights`).
    """
    start = history.as_of - timedelta(days=settings.basket_days)
    baskets = history.events.filter(pl.col("at") >= start)
    bought = baskets.filter(of_type("purchase"))
    baskets = bought if len(bought) * 10 > len(baskets) else baskets
    columns = known.supported(settings.min_item_users, settings.neighbour_items)
    matrix = ones(baskets["trip"], baskets["item"], known.matrix.shape[1])
    near = nearest_items(matrix, columns, settings.neighbours, settings.neighbour_shrinkage)
    ordered = recent.sort("user", "weight", "item", descending=[False, True, False])
    newest = ordered.filter(pl.int_range(pl.len()).over("user") < settings.recent_items).sort("user", "item")
    owned = history.events.select("user", "item").unique().sort("user", "item")
    return BoughtTogether(near, newest, owned)

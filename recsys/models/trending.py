"""Trending: what most users took lately, in the user's own store where the shop has several."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from recsys.features.history import History, of_type
from recsys.models.generator import Arrays, Codes, frame_arrays, frame_from, rows_of, top_unowned

_DAYS = 56
_DEPTH = 300
EVERYWHERE = -1
"""Store code of the list over all stores."""


@dataclass(frozen=True)
class Trending:
    """homes: user, store; tops: store, item, score (users lately); owned: user, item."""

    homes: pl.DataFrame
    tops: pl.DataFrame
    owned: pl.DataFrame
    name: str = "trending"

    def propose(self, users: Codes, k: int) -> pl.DataFrame:
        """Most taken items of the user's store that the user does not have."""
        reached = rows_of(self.homes, users).join(self.tops, on="store")
        return top_unowned(reached, self.owned, users, k)

    def arrays(self) -> Arrays:
        """For the registry."""
        return frame_arrays(homes=self.homes, tops=self.tops, owned=self.owned)

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Trending:
        """The generator that `arrays` came from."""
        parts = (frame_from(arrays, "homes", "user", "store"), frame_from(arrays, "tops", "store", "item", "score"))
        return cls(*parts, frame_from(arrays, "owned", "user", "item"))


def fit_trending(history: History, pairs: pl.DataFrame) -> Trending:
    """`pairs`: user, item the user has interacted with. Events are purchases, or all where those are few."""
    recent = history.aged().filter(pl.col("age") < _DAYS)
    bought = recent.filter(of_type("purchase"))
    recent = bought if len(bought) * 10 > len(recent) else recent
    by_store = recent.filter(pl.col("store").is_not_null())
    both = pl.concat([by_store, recent.with_columns(store=pl.lit(EVERYWHERE, pl.Int32))])
    tops = both.group_by("store", "item").agg(pl.col("user").n_unique().cast(pl.Float32).alias("score"))
    tops = tops.sort("store", "score", "item", descending=[False, True, False])
    tops = tops.filter(pl.int_range(pl.len()).over("store") < _DEPTH)
    own = by_store.group_by("user").agg(pl.col("store").mode().min().alias("own"))
    homes = history.events.select("user").unique().join(own, on="user", how="left").sort("user")
    homes = homes.select("user", pl.col("own").fill_null(EVERYWHERE).cast(pl.Int32).alias("store"))
    return Trending(homes, tops, pairs.select("user", "item"))

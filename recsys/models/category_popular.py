"""Popular in the user's categories: what sells in the leaf categories where the user is at home."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from recsys.models.generator import Arrays, Codes, empty_proposals, frame_arrays, frame_from, rows_of, top_unowned

_ITEMS_A_CATEGORY = 15
_CATEGORIES_A_USER = 60


@dataclass(frozen=True)
class CategoryPopular:
    """homes: user, leaf, share; tops: leaf, item, part (share of the leaf's weight); owned: user, item."""

    homes: pl.DataFrame
    tops: pl.DataFrame
    owned: pl.DataFrame
    name: str = "category_popular"

    def propose(self, users: Codes, k: int) -> pl.DataFrame:
        """Items by share of the category in the user's history times share of the item in the category."""
        reached = rows_of(self.homes, users).join(self.tops, on="leaf")
        if reached.is_empty():
            return empty_proposals()
        reached = reached.with_columns(score=pl.col("share") * pl.col("part"))
        return top_unowned(reached, self.owned, users, k)

    def arrays(self) -> Arrays:
        """For the registry."""
        return frame_arrays(homes=self.homes, tops=self.tops, owned=self.owned)

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> CategoryPopular:
        """The generator that `arrays` came from."""
        parts = (
            frame_from(arrays, "homes", "user", "leaf", "share"),
            frame_from(arrays, "tops", "leaf", "item", "part"),
        )
        return cls(*parts, frame_from(arrays, "owned", "user", "item"))


def fit_category_popular(pairs: pl.DataFrame, recent: pl.DataFrame, tree: pl.DataFrame) -> CategoryPopular:
    """`pairs` and `recent`: user, item, weight with a long and a short half-life (`weights`); `tree`: item, leaf."""
    leaves = tree.select("item", "leaf")
    placed = pairs.join(leaves, on="item", how="left", maintain_order="left")
    homes = placed.group_by("user", "leaf", maintain_order=True).agg(pl.col("weight").sum().cast(pl.Float64))
    homes = homes.with_columns(share=pl.col("weight") / pl.col("weight").sum().over("user"))
    homes = homes.sort("user", "share", "leaf", descending=[False, True, False])
    homes = homes.filter(pl.int_range(pl.len()).over("user") < _CATEGORIES_A_USER).select("user", "leaf", "share")
    sold = recent.group_by("item", maintain_order=True).agg(
        pl.col("weight").sum().cast(pl.Float64), pl.len().alias("users")
    )
    tops = sold.filter(pl.col("users") >= 2).join(leaves, on="item", how="left", maintain_order="left")
    tops = tops.with_columns(part=pl.col("weight") / (pl.col("weight").sum().over("leaf") + 1.0))
    tops = tops.sort("leaf", "part", "item", descending=[False, True, False])
    tops = tops.filter(pl.int_range(pl.len()).over("leaf") < _ITEMS_A_CATEGORY).select("leaf", "item", "part")
    return CategoryPopular(homes, tops, pairs.select("user", "item"))

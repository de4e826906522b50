"""Buy again: the user's own items by decayed frequency, held down while the user's usual gap has not passed.

Items that the user only viewed, favoured or put into the cart are among them, at the weight of such events.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from recsys.features.history import History
from recsys.features.purchases import mean_gap
from recsys.models.generator import Arrays, Codes, rows_of, top_per_user


@dataclass(frozen=True)
class BuyAgain:
    """own: user, item, score."""

    own: pl.DataFrame
    name: str = "buy_again"

    def propose(self, users: Codes, k: int) -> pl.DataFrame:
        """The user's own items; each is its own anchor."""
        return top_per_user(rows_of(self.own, users).with_columns(anchor=pl.col("item")), k)

    def arrays(self) -> Arrays:
        """For the registry."""
        return {column.name: column.to_numpy() for column in self.own}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> BuyAgain:
        """The generator that `arrays` came from."""
        return cls(pl.DataFrame({name: arrays[name] for name in ("user", "item", "score")}))


def fit_buy_again(history: History, pairs: pl.DataFrame) -> BuyAgain:
    """`pairs`: user, item, weight (`weights`). Score = weight x `held_share`."""
    bought = (
        history.aged("purchase")
        .group_by("user", "item")
        .agg(
            pl.col("age").min().alias("last"),
            pl.col("age").max().alias("first"),
            pl.col("day").n_unique().alias("days"),
        )
    )
    rows = pairs.join(bought, on=["user", "item"], how="left", maintain_order="left")
    score = (pl.col("weight") * held_share(pl.col("last"), mean_gap("last", "first", "days"))).cast(pl.Float32)
    return BuyAgain(rows.select("user", "item", score.alias("score")))


def held_share(last: pl.Expr, gap: pl.Expr) -> pl.Expr:
    """Share of its weight that an item keeps `last` days after its purchase: a half at first, all once the user's usual
    `gap` has passed, or where there is none."""
    return 0.5 + 0.5 * (last / gap).clip(0.0, 1.0).fill_null(1.0).fill_nan(1.0)

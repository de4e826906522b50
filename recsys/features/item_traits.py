"""What items are, as arrays that can be compared by the thousand: the likeness of texts, category, brand and price."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.features.item_content import Content, paired_likeness
from recsys.features.item_content import likeness as text_likeness

_PAIRS = 20_000
"""Pairs compared at once; bounds memory."""
_LEAF, _BRAND, _PRICE = 0.3, 0.15, 0.2
"""What the same leaf, the same brand and the same price add to the likeness of texts, which is at most 1."""
LARGEST = 1.0 + _LEAF + _BRAND + _PRICE
"""Likeness of an item with its like."""


@dataclass(frozen=True)
class Traits:
    """A day's content as arrays, a row an item: row of the text (-1: none), codes of leaf, of the category above it and
    of brand (-1: none), log of the price (NaN: unknown)."""

    content: Content
    text: NDArray[np.int32]
    leaf: NDArray[np.int32]
    parent: NDArray[np.int32]
    brand: NDArray[np.int32]
    price: NDArray[np.float32]

    def likeness(self, rows: NDArray[np.int32], others: NDArray[np.int32]) -> NDArray[np.float32]:
        """Of all `rows` with all `others`: texts, and what leaf, brand and price add."""
        near = np.zeros((len(rows), len(others)), np.float32)
        left, right = self.text[rows] >= 0, self.text[others] >= 0
        if left.any() and right.any():
            # Items share texts: each pair of texts is compared once.
            ours, row = np.unique(self.text[rows][left], return_inverse=True)
            theirs, column = np.unique(self.text[others][right], return_inverse=True)
            near[np.ix_(left, right)] = text_likeness(self.content, ours, theirs)[np.ix_(row, column)]
        return near + self._traits(rows[:, None], others[None, :])

    def likeness_of_pairs(self, rows: NDArray[np.int32], others: NDArray[np.int32]) -> NDArray[np.float32]:
        """Of each row with the other beside it."""
        near = self._traits(rows, others)
        both = np.flatnonzero((self.text[rows] >= 0) & (self.text[others] >= 0))
        for start in range(0, len(both), _PAIRS):
            part = both[start : start + _PAIRS]
            near[part] += paired_likeness(self.content, self.text[rows[part]], self.text[others[part]])
        return near

    def _traits(self, rows: NDArray[np.int32], others: NDArray[np.int32]) -> NDArray[np.float32]:
        leaf = (self.leaf[rows] == self.leaf[others]) & (self.leaf[rows] >= 0)
        brand = (self.brand[rows] == self.brand[others]) & (self.brand[rows] >= 0)
        price = np.nan_to_num(np.exp(-2 * np.abs(self.price[rows] - self.price[others])), nan=0.0)
        return (_LEAF * leaf + _BRAND * brand + _PRICE * price).astype(np.float32)


def traits_of(content: Content) -> Traits:
    """The arrays of a day's content."""
    items = content.items
    price = items.select(pl.when(pl.col("list_price") > 0).then(pl.col("list_price").log()))["list_price"]
    return Traits(
        content,
        items["text"].fill_null(-1).to_numpy(),
        codes_of(items["leaf"]),
        codes_of(items["parent"]),
        codes_of(items["brand"]),
        price.cast(pl.Float32).fill_null(float("nan")).to_numpy(),
    )


def codes_of(values: pl.Series) -> NDArray[np.int32]:
    """Equal texts, equal numbers; null or empty: -1."""
    text = pl.DataFrame({"value": values.cast(pl.String)}).select(pl.when(pl.col("value") != "").then("value"))
    return (text["value"].rank("dense").cast(pl.Int32) - 1).fill_null(-1).to_numpy()

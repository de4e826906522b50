"""What items are, as arrays that can be compared by the thousand: the likeness of texts, pictures, category, brand and
price."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.features.item_content import Content, paired_likeness
from recsys.features.item_content import likeness as text_likeness

_Likeness = NDArray[np.float32]
_Known = NDArray[np.bool_]
_PAIRS = 20_000
"""Pairs compared at once; bounds memory."""
_LEAF, _BRAND, _PRICE = 0.3, 0.15, 0.2
"""What the same leaf, the same brand and the same price add to that of texts and pictures, which is at most 1."""
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
        """Of all `rows` with all `others`: texts and pictures, and what leaf, brand and price add."""
        near = np.zeros((len(rows), len(others)), np.float32)
        left, right = self.text[rows] >= 0, self.text[others] >= 0
        if left.any() and right.any():
            # Items share texts: each pair of texts is compared once.
            ours, row = np.unique(self.text[rows][left], return_inverse=True)
            theirs, column = np.unique(self.text[others][right], return_inverse=True)
            near[np.ix_(left, right)] = text_likeness(self.content, ours, theirs)[np.ix_(row, column)]
        if self.content.pictures.shape[1]:
            mine, other = self.content.pictures[rows], self.content.pictures[others]
            seen = np.outer(mine.any(axis=1), other.any(axis=1))
            near = _with_looks(near, np.outer(left, right), mine @ other.T, seen)
        return near + self._traits(rows[:, None], others[None, :])

    def likeness_of_pairs(self, rows: NDArray[np.int32], others: NDArray[np.int32]) -> NDArray[np.float32]:
        """Of each row with the other beside it."""
        near = self._traits(rows, others)
        for start in range(0, len(rows), _PAIRS):
            part = slice(start, start + _PAIRS)
            near[part] += self._told_of_pairs(rows[part], others[part])
        return near

    def _told_of_pairs(self, rows: NDArray[np.int32], others: NDArray[np.int32]) -> NDArray[np.float32]:
        near, told = np.zeros(len(rows), np.float32), (self.text[rows] >= 0) & (self.text[others] >= 0)
        near[told] = paired_likeness(self.content, self.text[rows[told]], self.text[others[told]])
        if not self.content.pictures.shape[1]:
            return near
        mine, other = self.content.pictures[rows], self.content.pictures[others]
        seen = np.logical_and(mine.any(axis=1), other.any(axis=1))
        return _with_looks(near, told, np.einsum("ij,ij->i", mine, other), seen)

    def _traits(self, rows: NDArray[np.int32], others: NDArray[np.int32]) -> NDArray[np.float32]:
        leaf = (self.leaf[rows] == self.leaf[others]) & (self.leaf[rows] >= 0)
        brand = (self.brand[rows] == self.brand[others]) & (self.brand[rows] >= 0)
        price = np.nan_to_num(np.exp(-2 * np.abs(self.price[rows] - self.price[others])), nan=0.0)
        return (_LEAF * leaf + _BRAND * brand + _PRICE * price).astype(np.float32)


def _with_looks(near: _Likeness, told: _Known, looks: _Likeness, seen: _Known) -> _Likeness:
    """The mean of the likeness of texts and of pictures where both are known (`told`, `seen`), else the known one."""
    return np.where(seen, np.where(told, (near + looks) / 2, looks), near).astype(np.float32)


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

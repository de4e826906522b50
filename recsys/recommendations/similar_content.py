"""What content says of two items: the likeness of their texts, category, brand and price."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.features.item_content import Content, paired_likeness
from recsys.features.item_content import likeness as text_likeness
from recsys.settings.similar import SimilarSettings

NEAR = pl.Schema({"item": pl.Int32, "other": pl.Int32, "likeness": pl.Float32})
_ROWS, _PAIRS = 512, 20_000
"""Anchors, and pairs, compared at once; bounds memory."""
_LEAF, _BRAND, _PRICE = 0.3, 0.15, 0.2
"""What the same leaf, the same brand and the same price add to the likeness of texts, which is at most 1."""
_SEPARATOR = " > "
# What tells variants of one product apart: packs, numbers with their units, sizes, and a colour at the end.
_PACK = r"\b\d+([.,]\d+)?\s*(x|\*|/)\s*"
_UNIT = (
    r"\b\d+([.,/]\d+)*\s*(oz|lbs?|ct|pk|packs?|kg|gr?|mg|l|ml|cl|dl|fl|gal?|qt|pt|in|inch|cm|mm|m|w|v|gb|tb|pcs?|"
    r"pieces|stück|st)?\b"
)
_SIZE = r"\b(x{0,3}[sl]|m|small|medium|large)\b"
_COLOUR = r"\b(black|white|red|blue|green|yellow|gr[ae]y|pink|brown|purple|orange|beige|silver|gold)\s*$"


def variant_keys(items: pl.DataFrame) -> pl.Series:
    """Name of the product that each row of ITEM_CONTENT is a variant of: category, brand, text without sizes and
    a colour at its end; null where the text is unknown or nothing of it is left."""
    base = pl.col("item_text").str.to_lowercase()
    for pattern in (_PACK, _UNIT, _SIZE, r"[^\p{L}]+", _COLOUR):
        base = base.str.replace_all(pattern, " ")
    base = base.str.strip_chars()
    key = pl.concat_str("leaf", pl.col("brand").fill_null(""), base, separator="\x1f")
    return items.select(pl.when(base != "").then(key).alias("variant"))["variant"]


@dataclass(frozen=True)
class Traits:
    """A day's content as arrays, a row an item: row of the text (-1: none), codes of leaf and brand (-1: none), log of
    the price (NaN: unknown)."""

    content: Content
    text: NDArray[np.int32]
    leaf: NDArray[np.int32]
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
        _codes(items["leaf"]),
        _codes(items["brand"]),
        price.cast(pl.Float32).fill_null(float("nan")).to_numpy(),
    )


def _codes(values: pl.Series) -> NDArray[np.int32]:
    """Equal texts, equal numbers; null or empty: -1."""
    text = pl.DataFrame({"value": values.cast(pl.String)}).select(pl.when(pl.col("value") != "").then("value"))
    return (text["value"].rank("dense").cast(pl.Int32) - 1).fill_null(-1).to_numpy()


def content_pairs(
    traits: Traits, anchors: NDArray[np.int32], pool: NDArray[np.int32], settings: SimilarSettings
) -> pl.DataFrame:
    """NEAR rows: for each of `anchors` the `settings.pool` items of `pool` most alike, from its branch of the tree.

    Both are rows of content.items; the pool is in the order in which a branch that is too wide keeps its items.
    """
    parts = [pl.DataFrame(schema=NEAR)]
    for members, candidates in _branches(traits.content.items, anchors, pool, settings):
        for start in range(0, len(members), _ROWS):
            rows = members[start : start + _ROWS]
            near = traits.likeness(rows, candidates)
            near[rows[:, None] == candidates[None, :]] = -np.inf
            parts.append(_best(rows, candidates, near, settings.pool))
    return pl.concat(parts).sort("item", "other")


def _branches(
    items: pl.DataFrame, anchors: NDArray[np.int32], pool: NDArray[np.int32], settings: SimilarSettings
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
    """Anchors with the items they are compared with, a branch at a time: the narrowest with enough items."""
    leaves = items["leaf"].to_list()
    below: dict[str, list[int]] = {}
    for row in pool:
        parts = leaves[row].split(_SEPARATOR) if leaves[row] else []
        for depth in range(len(parts) + 1):
            held = below.setdefault(_SEPARATOR.join(parts[:depth]), [])
            if len(held) < settings.max_branch:
                held.append(int(row))
    homes: dict[str, list[int]] = {}
    for row in anchors:
        path = leaves[row]
        while path and len(below.get(path, ())) < settings.min_branch:
            path = path.rpartition(_SEPARATOR)[0]
        homes.setdefault(path, []).append(int(row))
    for path in sorted(homes):
        yield np.array(homes[path], np.int32), np.array(below.get(path, []), np.int32)


def _best(rows: NDArray[np.int32], candidates: NDArray[np.int32], near: NDArray[np.float32], k: int) -> pl.DataFrame:
    k = min(k, len(candidates))
    if not k:
        return pl.DataFrame(schema=NEAR)
    order = np.argsort(candidates, kind="stable")
    candidates, near = candidates[order], near[:, order]
    best = np.argsort(-near, axis=1, kind="stable")[:, :k]
    scores = np.take_along_axis(near, best, 1)
    columns = {"item": np.repeat(rows, k), "other": candidates[best].ravel(), "likeness": scores.ravel()}
    return pl.DataFrame(columns, schema=NEAR).filter(pl.col("likeness").is_finite())

"""What content says of two items: the likeness of their texts, category, brand and price."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.features.item_traits import Traits
from recsys.settings.similar import SimilarSettings

NEAR = pl.Schema({"item": pl.Int32, "other": pl.Int32, "likeness": pl.Float32})
_ROWS = 512
"""Anchors compared at once; bounds memory."""
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

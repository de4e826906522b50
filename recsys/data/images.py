"""Vectors of items' pictures, as the shop delivers them beside its items."""

from __future__ import annotations

import logging

import numpy as np
import polars as pl

from recsys.schemas import ITEM_IMAGES

log = logging.getLogger(__name__)


def item_images(items: pl.DataFrame) -> pl.DataFrame:
    """Rows of ITEM_IMAGES from item_id and image_vector, a text such as [0.1,-2] or {0.1,-2}; none: no row.

    A vector with something else than finite numbers, of nothing but noughts, or of another length than most, counts as
    none: an item is too much to lose over its picture. How many there were is logged.
    """
    told = items.select("item_id", "image_vector").drop_nulls("image_vector")
    parts = told["image_vector"].str.strip_chars("[]{}() \t\n").str.split(",").cast(pl.List(pl.String))
    numbers = parts.list.eval(pl.element().str.strip_chars().cast(pl.Float32, strict=False))
    read = told.select("item_id", numbers=numbers, size=numbers.list.len())
    usual = pl.col("size") == pl.col("size").mode().max()
    whole = pl.col("numbers").list.eval(pl.element().is_finite().fill_null(value=False)).list.all()
    length = pl.col("numbers").list.eval(pl.element().cast(pl.Float64).pow(2)).list.sum()
    kept = read.filter(usual & whole & (length > 0)).sort("item_id")
    if kept.height < told.height:
        log.warning(
            "items: %d image_vector(s) are no vector like the others and count as none", told.height - kept.height
        )
    values = kept["numbers"].explode().to_numpy().astype(np.float64).reshape(kept.height, -1 if kept.height else 0)
    units = (values / np.linalg.norm(values, axis=1, keepdims=True)).astype("<f4")
    vectors = pl.Series("vector", [row.tobytes() for row in units], dtype=pl.Binary)
    return kept.select("item_id").with_columns(vectors).select(ITEM_IMAGES.column_names)

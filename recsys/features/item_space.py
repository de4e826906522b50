"""How far items are from each other, by what they are: category and meaning of the text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.features.embeddings import kept_vectors, stacked
from recsys.features.encoders import Vectors
from recsys.features.history import place_among
from recsys.features.item_traits import codes_of
from recsys.run import RunContext
from recsys.schemas import ITEM_CONTENT
from recsys.storage import read_partition_if_any

Places = NDArray[np.int64]
"""Numbers of items in a space; -1: an item that it does not know."""
_UNKNOWN = np.int32(-1)
"""Category of an item that has none, and of the unknown item."""
_PARENT_SHARE = 0.5
"""Likeness of two leaves of one parent; of two items of one leaf it is 1."""


@dataclass(frozen=True)
class ItemSpace:
    """Items of a day. The arrays have one element more than `item_ids`: the last stands for an unknown item.

    item_ids  sorted
    leaf, parent  category codes (i32); -1: no category
    text      row of `vectors`; the last row, of zeros, where the item has no embedding
    vectors   distinct texts + 1 x dimensions, rows of length 1 or 0; without an encoder no columns
    """

    item_ids: pl.Series
    leaf: NDArray[np.int32]
    parent: NDArray[np.int32]
    text: NDArray[np.int64]
    vectors: Vectors

    def places(self, item_ids: pl.Series) -> Places:
        """The numbers of `item_ids`."""
        wanted = item_ids.cast(pl.String).to_frame("item_id")
        place = place_among("item_id", self.item_ids, strict=False).cast(pl.Int64)
        return wanted.select(place.fill_null(-1)).to_series().to_numpy()

    def likeness(self, lists: Places) -> Vectors:
        """From 0 (nothing in common) to 1, every item of a list against every other: lists x places x places, f32.

        The mean of the categories' likeness and the cosine of the texts, as far as both items have them.
        """
        leaf, parent = self.leaf[lists], self.parent[lists]
        homes = np.where(parent[:, :, None] == parent[:, None, :], np.float32(_PARENT_SHARE), np.float32(0))
        homes = np.where(leaf[:, :, None] == leaf[:, None, :], np.float32(1), homes)
        known = (leaf >= 0)[:, :, None] & (leaf >= 0)[:, None, :]
        homes = np.where(known, homes, np.float32(0))
        if not self.vectors.shape[1]:
            return homes
        text = self.text[lists]
        own = self.vectors[text]
        meanings = np.maximum(own @ own.transpose(0, 2, 1), 0)
        embedded = text < len(self.vectors) - 1
        told = embedded[:, :, None] & embedded[:, None, :]
        return np.where(told, np.where(known, (homes + meanings) / 2, meanings), homes)


def load_item_space(context: RunContext) -> ItemSpace:
    """The day's items; a day whose content was not built knows none."""
    view = read_partition_if_any(context.lake, ITEM_CONTENT, as_of_date=context.as_of_date)
    encoder = view["encoder"][0] if len(view) else "none"
    return item_space(view, kept_vectors(context, encoder) if encoder != "none" else {})


def item_space(view: pl.DataFrame, held: dict[str, bytes]) -> ItemSpace:
    """The space of the items of `view` (ITEM_CONTENT) with the vectors by text hash."""
    items = view.select("item_id", "leaf", "parent", "text_hash").unique("item_id", keep="first").sort("item_id")
    hashes = items["text_hash"].drop_nulls().unique().sort()
    hashes = hashes.filter(hashes.is_in(pl.Series(list(held), dtype=pl.String).implode())) if held else hashes.clear()
    vectors = stacked(hashes, held)
    texts = items.select("text_hash").join(
        hashes.to_frame("text_hash").with_row_index("text"), on="text_hash", how="left", maintain_order="left"
    )
    text = texts["text"].cast(pl.Int64).fill_null(len(hashes)).to_numpy()
    return ItemSpace(
        items["item_id"],
        np.append(codes_of(items["leaf"]), _UNKNOWN),
        np.append(codes_of(items["parent"]), _UNKNOWN),
        np.append(text, len(hashes)),
        np.vstack([vectors, np.zeros((1, vectors.shape[1]), np.float32)]),
    )

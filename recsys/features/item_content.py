"""What each item is: category, brand, price band, age, and its text, as one feature view of the day.

The view refers to texts by hash. `load_content` puts the view together with the TF-IDF rows and the embeddings of
the distinct texts: items with the same text share them.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
import scipy.sparse as sp

from recsys.data.events import read_events
from recsys.features.embeddings import embed_missing, kept_vectors, stacked, text_hash
from recsys.features.encoders import Vectors, load_encoder
from recsys.features.text import item_text, tfidf
from recsys.run import Counts, RunContext
from recsys.schemas import ITEM_CONTENT, ITEM_IMAGES, ITEMS
from recsys.storage import read_partition, read_partition_if_any, write_partition

log = logging.getLogger(__name__)
PRICE_BANDS = 5
_MIN_PRICED = 10
"""A category with fewer prices borrows the bands of the one above it."""


@dataclass(frozen=True)
class Content:
    """Items of the day with their texts.

    items    ITEM_CONTENT sorted by item_id, with `text`: row of the item's text in `words` and `vectors`; null: none
    words    distinct texts x grams, TF-IDF, rows of length 1
    vectors  distinct texts x dimensions, rows of length 1 or 0; without an encoder no columns
    pictures items x dimensions, rows of length 1 or 0, as the shop delivers them; without any no columns
    """

    items: pl.DataFrame
    words: sp.csr_matrix
    vectors: Vectors
    pictures: Vectors


def build_item_content(context: RunContext) -> Counts:
    """Step: write the day's view of item content, and embed the texts that the lake does not know yet."""
    settings = context.settings.content
    view = content_view(_known_items(context), context.as_of, settings.max_characters)
    encoder = load_encoder(settings)
    texts = view["item_text"].drop_nulls().unique().to_list()
    embedded = embed_missing(context, encoder, texts) if encoder else 0
    view = view.with_columns(encoder=pl.lit(encoder.name if encoder else "none"))
    rows = write_partition(context.lake, ITEM_CONTENT, view, as_of_date=context.as_of_date)
    return {"items": rows, "texts": len(texts), "embedded": embedded, "encoder": encoder.name if encoder else "none"}


def _known_items(context: RunContext) -> pl.DataFrame:
    """The items snapshot; of a shop that delivers none, the ids that events name, of which nothing is told."""
    items = read_partition(context.lake, ITEMS, as_of_date=context.as_of_date)
    if len(items):
        return items
    seen = read_events(context, columns=["item_id"]).unique().collect()
    return pl.concat([items, seen], how="diagonal")


def content_view(items: pl.DataFrame, as_of: datetime, max_characters: int) -> pl.DataFrame:
    """ITEM_CONTENT but for `encoder`, from the items snapshot; sorted by item_id, each item once."""
    table = items.unique("item_id", keep="first", maintain_order=True).sort("item_id")
    pairs = table.select("title", "description").unique()
    told = [item_text(title, text, max_characters) or None for title, text in pairs.iter_rows()]
    hashes = [text_hash(text) if text else None for text in told]
    texts = pairs.with_columns(item_text=pl.Series(told, dtype=pl.String), text_hash=pl.Series(hashes, dtype=pl.String))
    table = table.join(texts, on=["title", "description"], how="left", nulls_equal=True, maintain_order="left")
    path = pl.col("category_path").fill_null("").str.strip_chars()
    age = (pl.lit(as_of) - pl.col("launched_at")).dt.total_seconds() / 86_400
    parent = path.str.replace(r"(^| > )[^>]*$", "")
    view = table.with_columns(leaf=path, parent=parent, age_days=age.cast(pl.Float32))
    return view.with_columns(price_band=_price_band()).select(
        [name for name in ITEM_CONTENT.column_names if name != "encoder"]
    )


def _price_band() -> pl.Expr:
    """1 (cheapest fifth) to 5 among the priced items of the leaf, of the parent, or of all where those are few."""
    price = pl.when(pl.col("list_price") > 0).then(pl.col("list_price"))

    def band(*group: str) -> pl.Expr:
        place, count = price.rank("average"), price.count()
        share = (place.over(*group) - 0.5) / count.over(*group) if group else (place - 0.5) / count
        return (share * PRICE_BANDS).floor().clip(0, PRICE_BANDS - 1) + 1

    def enough(group: str) -> pl.Expr:
        return price.count().over(group) >= _MIN_PRICED

    chosen = pl.when(enough("leaf")).then(band("leaf")).when(enough("parent")).then(band("parent")).otherwise(band())
    return pl.when(price.is_not_null()).then(chosen).cast(pl.Int32)


def load_content(context: RunContext, only: pl.Series | None = None) -> Content:
    """The day's content, of the items `only` where they are named. Raises LakeError before build_item_content ran."""
    view = read_partition(context.lake, ITEM_CONTENT, as_of_date=context.as_of_date)
    if only is not None:
        view = view.filter(pl.col("item_id").is_in(only.implode()))
    encoder = view["encoder"][0] if len(view) else "none"
    held = kept_vectors(context, encoder) if encoder != "none" else {}
    images = read_partition_if_any(context.lake, ITEM_IMAGES, as_of_date=context.as_of_date)
    pictures = dict(zip(images["item_id"], images["vector"], strict=True))
    return content_of(view, held, context.settings.content.min_text_items, pictures)


def content_of(
    view: pl.DataFrame, held: dict[str, bytes], min_texts: int, pictures: dict[str, bytes] | None = None
) -> Content:
    """Content from a view, the vectors by text hash, and those of pictures by item (f32, little-endian bytes)."""
    texts = view.select("text_hash", "item_text").drop_nulls().unique("text_hash").sort("text_hash")
    numbered = texts.select("text_hash", text=pl.int_range(pl.len(), dtype=pl.Int32))
    items = view.join(numbered, on="text_hash", how="left", maintain_order="left")
    told, looks = stacked(texts["text_hash"], held), stacked(items["item_id"], pictures or {})
    return Content(items, tfidf(texts["item_text"], min_texts), told, looks)


def likeness(content: Content, left: np.ndarray, right: np.ndarray) -> Vectors:
    """Cosines of texts, len(left) x len(right) (rows of `words`): the mean of TF-IDF and embeddings where both are."""
    by_words = np.asarray((content.words[left] @ content.words[right].T).todense(), dtype=np.float32)
    if not content.vectors.shape[1]:
        return by_words
    by_meaning = content.vectors[left] @ content.vectors[right].T
    embedded = np.outer(content.vectors[left].any(axis=1), content.vectors[right].any(axis=1))
    return np.where(embedded, (by_words + by_meaning) / 2, by_words).astype(np.float32)


def paired_likeness(content: Content, left: np.ndarray, right: np.ndarray) -> Vectors:
    """`likeness` of each text of `left` with the text of `right` beside it."""
    by_words = np.asarray(content.words[left].multiply(content.words[right]).sum(axis=1), dtype=np.float32).ravel()
    if not content.vectors.shape[1]:
        return by_words
    ours, theirs = content.vectors[left], content.vectors[right]
    embedded = ours.any(axis=1) & theirs.any(axis=1)
    by_meaning = np.einsum("ij,ij->i", ours, theirs)
    return np.where(embedded, (by_words + by_meaning) / 2, by_words).astype(np.float32)

"""Pairs for items too new or too rare to have their own.

A thin item borrows from well-known items of its category: from those whose titles share telling words with its own
(evidence `text`), else from the best known of the category (evidence `category`). A category without known items
falls back to the one above it. Borrowed rows carry no counts of their own and are never called significant.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy import sparse

from recsys.recommendations.baskets import Baskets
from recsys.recommendations.pair_relations import drop_avoided
from recsys.settings.combinations import PairSettings

_SEPARATOR = " > "
_MAX_DONORS = 300
_ALIKE = 0.3
_CHUNK_ITEMS = 2_000


def lend_pairs(
    pairs: pl.DataFrame, items: pl.DataFrame, baskets: Baskets, substitutes: pl.DataFrame, settings: PairSettings
) -> pl.DataFrame:
    """Borrowed pairs of every live item of `items` that has none of its own in `pairs`; none is its substitute.

    Columns: item_id, other_item_id, relation, evidence, score, rank_score, distinct_score.
    """
    loans = find_donors(items, pairs["item_id"].unique(), baskets, settings)
    lent = ["item_id", "other_item_id", "score", "rank_score", "distinct_score"]
    source = pairs.select(pl.col("item_id").alias("donor"), *lent[1:])
    thin = loans.select(pl.col("item_id").unique(maintain_order=True))
    # An item's donors stay together: split, it would borrow the same partner twice.
    chunks = (thin.slice(start, _CHUNK_ITEMS) for start in range(0, thin.height, _CHUNK_ITEMS))
    parts = [_lend(loans.join(chunk, on="item_id", how="semi"), source, substitutes, settings) for chunk in chunks]
    empty = source.head(0).rename({"donor": "item_id"}).with_columns(evidence=pl.lit("text"))
    rows = pl.concat([empty, *parts], how="diagonal_relaxed")
    return rows.with_columns(relation=pl.lit("complement"), significant=pl.lit(False))


def _lend(loans: pl.DataFrame, source: pl.DataFrame, substitutes: pl.DataFrame, settings: PairSettings) -> pl.DataFrame:
    donated = loans.join(source, on="donor").filter(pl.col("item_id") != pl.col("other_item_id"))
    # Left out before the best are chosen: whoever comes next takes the place.
    donated = drop_avoided(donated, substitutes)
    means = [pl.col(name).sum() / pl.col("donors").first() for name in ("score", "rank_score", "distinct_score")]
    means.append(pl.col("evidence").first())
    rows = donated.group_by("item_id", "other_item_id").agg(means)
    count = settings.pairs_per_thin_item
    places = [
        pl.col(name).rank("ordinal", descending=True).over("item_id", order_by="other_item_id") <= count
        for name in ("rank_score", "distinct_score")
    ]
    return rows.sort("item_id", "other_item_id").filter(pl.any_horizontal(places))


def find_donors(items: pl.DataFrame, known: pl.Series, baskets: Baskets, settings: PairSettings) -> pl.DataFrame:
    """Donors of each thin item: columns item_id, donor, donors (their number), evidence (text or category)."""
    day = baskets.as_of_date
    live = items.filter(pl.col("retired_at").is_null() | (pl.col("retired_at").dt.date() > day))
    table = live.unique("item_id", keep="first").sort("item_id").with_columns(
        known=pl.col("item_id").is_in(known.implode()), path=pl.col("category_path").fill_null("")
    )  # fmt: skip
    counts = pl.DataFrame(
        {"item_id": baskets.item_ids, "bought": baskets.item_baskets}, schema_overrides={"item_id": pl.String}
    )
    table = table.join(counts, on="item_id", how="left", maintain_order="left").with_columns(
        pl.col("bought").fill_null(0)
    )
    words = word_matrix(table["title"].fill_null(""))
    order = table.with_row_index("row").sort(["bought", "item_id"], descending=[True, False])
    by_path = _donors_by_path(order.filter("known"))
    thin = table.with_row_index("row").filter(~pl.col("known")).group_by("path", maintain_order=True).agg("row")
    loans = [np.zeros((0, 4), np.int64)]
    for path, group in thin.iter_rows():
        donors = _nearest_donors(path, by_path)
        if len(donors):
            loans.append(_choose(np.array(group), donors, words, settings.donors))
    item, donor, count, by_text = np.concatenate(loans).T
    return pl.DataFrame({
        "item_id": table["item_id"].gather(item),
        "donor": table["item_id"].gather(donor),
        "donors": count.astype(np.uint32),
        "evidence": pl.Series(by_text == 1).replace_strict({True: "text", False: "category"}, return_dtype=pl.String),
    }).sort("item_id", "donor")  # fmt: skip


def _donors_by_path(known: pl.DataFrame) -> dict[str, list[int]]:
    """Rows of the best known items under each category, whole branches included."""
    donors: dict[str, list[int]] = {}
    for row, path in known.select("row", "path").iter_rows():
        parts = path.split(_SEPARATOR) if path else []
        for depth in range(len(parts) + 1):
            below = donors.setdefault(_SEPARATOR.join(parts[:depth]), [])
            if len(below) < _MAX_DONORS:
                below.append(row)
    return donors


def _nearest_donors(path: str, donors: dict[str, list[int]]) -> np.ndarray:
    while path and path not in donors:
        path = path.rpartition(_SEPARATOR)[0]
    return np.array(donors.get(path, []), np.int64)


def _choose(items: np.ndarray, donors: np.ndarray, words: sparse.csr_matrix, count: int) -> np.ndarray:
    """Loans of one category, one row a loan: item, donor (rows of the table), donors of the item, 1 if by text."""
    likeness = (words[items] @ words[donors].T).toarray()
    alike = np.argsort(-likeness, axis=1, kind="stable")[:, :count]
    near = np.take_along_axis(likeness, alike, axis=1)
    by_text = near[:, 0] >= _ALIKE
    chosen = np.where(by_text[:, None], alike, np.arange(alike.shape[1])[None, :])
    kept = np.where(by_text[:, None], near >= _ALIKE, True)
    row, place = np.nonzero(kept)
    return np.column_stack([items[row], donors[chosen[row, place]], kept.sum(axis=1)[row], by_text[row]])


def word_matrix(texts: pl.Series) -> sparse.csr_matrix:
    """Texts x words, weighted by inverse document frequency, rows of length 1."""
    words = pl.DataFrame({"text": texts}).with_row_index("row").with_columns(
        word=pl.col("text").str.to_lowercase().str.extract_all(r"[\p{L}\d]{2,}")
    )  # fmt: skip
    pairs = words.select("row", "word").explode("word", empty_as_null=True).drop_nulls().unique().sort("row", "word")
    codes = pairs["word"].rank("dense").to_numpy() - 1 if pairs.height else np.zeros(0, np.int64)
    shape = (len(texts), int(codes.max()) + 1 if len(codes) else 1)
    matrix = sparse.csr_matrix((np.ones(len(codes)), (pairs["row"].to_numpy(), codes)), shape)
    frequency = np.bincount(matrix.indices, minlength=shape[1])
    matrix = matrix @ sparse.diags(np.log1p(shape[0] / np.maximum(frequency, 1)))
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return sparse.csr_matrix(sparse.diags(np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)) @ matrix)

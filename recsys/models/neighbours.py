"""Nearest items by shrunken cosine of their rows (baskets or users), as at most `k` neighbours an item."""

from __future__ import annotations

import numpy as np
import polars as pl
import scipy.sparse as sp

from recsys.models.generator import Codes

_BLOCK = 1024
NEIGHBOURS = pl.Schema({"source": pl.Int32, "item": pl.Int32, "similarity": pl.Float32})


def nearest_items(matrix: sp.csr_matrix, columns: Codes, k: int, shrinkage: float) -> pl.DataFrame:
    """source, item, similarity: the `k` nearest of `columns` (item codes of `matrix`) for each of them.

    `matrix` has ones: rows x all items. similarity = shared / (sqrt(rows of one * rows of the other) + shrinkage).
    """
    part = matrix[:, columns].tocsc().astype(np.float32)
    counts = np.asarray(part.sum(axis=0)).ravel()
    by_row = part.tocsr()
    blocks = [pl.DataFrame(schema=NEIGHBOURS)]
    for start in range(0, len(columns), _BLOCK):
        shared = (part[:, start : start + _BLOCK].T @ by_row).tocoo()
        keep = (shared.row + start != shared.col) & (shared.data > 1)
        row, column = shared.row[keep] + start, shared.col[keep]
        similarity = shared.data[keep] / (np.sqrt(counts[row] * counts[column]) + shrinkage)
        block = pl.DataFrame({"source": columns[row], "item": columns[column], "similarity": similarity})
        block = block.cast(NEIGHBOURS).sort("source", "similarity", "item", descending=[False, True, False])
        blocks.append(block.filter(pl.int_range(pl.len()).over("source") < k))
    return pl.concat(blocks)


def ones(rows: pl.Series, items: pl.Series, width: int) -> sp.csr_matrix:
    """Rows x `width` matrix of ones, a row per distinct value of `rows`, each pair once."""
    pairs = pl.DataFrame({"row": rows, "item": items}).unique().sort("row", "item")
    numbers = (pairs["row"].rank("dense").cast(pl.Int64) - 1).to_numpy()
    height = int(numbers.max()) + 1 if len(numbers) else 0
    values = np.ones(len(pairs), dtype=np.float32)
    return sp.csr_matrix((values, (numbers, pairs["item"].to_numpy())), shape=(height, width))

"""What users want of items that nobody could want yet: from items to content to items that are known.

Two ways, added up. A semantic prior for the item-to-item weights of a model like EASE: a new item takes its weights
from the known items most alike to it in text, picture, category, brand and price, so that who bought those is shown
this. And a map from content into the factor space of ALS, so that user factors score new items as they score known
ones (Gantner et al., "Learning Attribute-to-Feature Mappings for Cold-Start Recommendations", ICDM 2010): mean factors
of category and brand, each shrunken to what is above it, and a ridge regression of the rest on embeddings of text and
picture; known items weigh the root of their users.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.features.history import History
from recsys.features.item_content import load_content
from recsys.features.item_traits import LARGEST, Traits, traits_of
from recsys.features.new_items import new_items
from recsys.models.als import Als
from recsys.models.generator import Arrays, Codes, Known, csr_arrays, csr_from
from recsys.run import RunContext
from recsys.schemas import ITEM_CONTENT, ITEMS
from recsys.settings.new_items import NewItemSettings
from recsys.storage import has_partition, read_partition

log = logging.getLogger(__name__)
Floats = NDArray[np.float32]
_ROWS = 256
"""New items compared at once; bounds memory."""


@dataclass(frozen=True)
class ColdItems:
    """item_ids: the new items; prior: item codes x new items, weights of known ones; factors: new items x factors."""

    item_ids: list[str]
    prior: sp.csr_matrix
    factors: Floats
    settings: NewItemSettings

    def scores(self, own: sp.csr_matrix, user_factors: Floats) -> Floats:
        """Users x new items, from users x item codes weights and the users' factors of ALS; higher is wanted more."""
        wanted = np.asarray((own @ self.prior).todense(), dtype=np.float32)
        return wanted + np.float32(self.settings.map_weight) * (user_factors @ self.factors.T)

    def arrays(self) -> Arrays:
        """For the registry."""
        plain: Arrays = {"item_ids": np.array(self.item_ids, dtype=np.str_), "factors": self.factors}
        return plain | csr_arrays(self.prior, "prior")

    @classmethod
    def from_arrays(cls, arrays: Arrays, settings: NewItemSettings) -> ColdItems:
        """The model that `arrays` came from."""
        return cls([str(name) for name in arrays["item_ids"]], csr_from(arrays, "prior"), arrays["factors"], settings)


def fit_new_items(context: RunContext, history: History, als: Als | None) -> ColdItems:
    """The day's model of new items, fitted on `history` and its ALS.

    Where nothing is new, or build_item_content did not run, it knows no item.
    """
    settings, day = context.settings.new_items, {"as_of_date": context.as_of_date}
    new = pl.Series("item_id", dtype=pl.String)
    if als is not None and has_partition(context.lake, ITEM_CONTENT, **day):
        new = new_items(read_partition(context.lake, ITEMS, **day), context.as_of, settings)
    if als is None or new.is_empty():
        log.info("fit_generators: no item is known to be new: there are no new arrivals")
        return ColdItems([], sp.csr_matrix(np.zeros((len(history.items), 0))), np.zeros((0, 1), np.float32), settings)
    known = history.items.gather(_most_used(als, settings))
    content = load_content(context, pl.concat([new, known.rename(new.name)]))
    return fit_cold_items(history, traits_of(content), als, new, settings)


def fit_cold_items(history: History, traits: Traits, als: Als, new: pl.Series, settings: NewItemSettings) -> ColdItems:
    """Fit for the items `new` (ids; those without content are left out); `als` was fitted on `history`."""
    place = pl.DataFrame({"item_id": traits.content.items["item_id"]}).with_row_index("row")
    named = new.to_frame("item_id").join(place, on="item_id", maintain_order="left")
    codes, rows = _known(history, place, new, als, settings)
    young = named["row"].cast(pl.Int32).to_numpy()
    prior = _prior(traits, young, rows, codes, len(history.items), settings)
    support = np.bincount(als.known.indices, minlength=len(history.items))[codes].astype(np.float64)
    factors = als.item_factors[np.searchsorted(als.columns, codes)]
    mapped = map_factors(traits, rows, factors, np.sqrt(support), young, settings)
    return ColdItems(named["item_id"].to_list(), prior, mapped, settings)


def _known(
    history: History, place: pl.DataFrame, new: pl.Series, als: Als, settings: NewItemSettings
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Codes of the known items of most users that are not new, and their rows of the traits; by code."""
    most = _most_used(als, settings)
    items = pl.DataFrame({"item_id": history.items.gather(most), "code": most})
    items = items.filter(~pl.col("item_id").is_in(new.implode())).join(place, on="item_id", maintain_order="left")
    return items["code"].to_numpy(), items["row"].cast(pl.Int32).to_numpy()


def _most_used(als: Als, settings: NewItemSettings) -> Codes:
    """Codes of the items that new ones are compared with, all of which have factors of ALS, ascending."""
    most = Known(als.known).supported(settings.min_users, settings.neighbour_items)
    return most[np.isin(most, als.columns)]


def _prior(
    traits: Traits,
    young: NDArray[np.int32],
    rows: NDArray[np.int32],
    codes: NDArray[np.int32],
    items: int,
    settings: NewItemSettings,
) -> sp.csr_matrix:
    """Item codes x new items: likeness of the nearest known items, sharpened."""
    k = min(settings.neighbours, len(rows))
    parts = [(np.zeros(0, np.float32), np.zeros(0, np.int32), np.zeros(0, np.int64))]
    for start in range(0, len(young) if k else 0, _ROWS):
        near = traits.likeness(young[start : start + _ROWS], rows) / np.float32(LARGEST)
        best = np.argsort(-near, axis=1, kind="stable")[:, :k]
        weight = np.clip(np.take_along_axis(near, best, 1), 0, 1) ** np.float32(settings.sharpness)
        columns = np.repeat(np.arange(start, start + len(near)), k)
        parts.append((weight.ravel(), codes[best].ravel(), columns))
    weights, known, column = (np.concatenate(part) for part in zip(*parts, strict=True))
    return sp.csr_matrix((weights, (known, column)), shape=(items, len(young)), dtype=np.float32)


def map_factors(
    traits: Traits,
    rows: NDArray[np.int32],
    factors: Floats,
    weight: NDArray[np.float64],
    young: NDArray[np.int32],
    settings: NewItemSettings,
) -> Floats:
    """Factors of the items `young` from those of the items `rows` (both rows of the traits), which weigh `weight`."""
    if not len(rows) or not len(young):
        return np.zeros((len(young), factors.shape[1]), np.float32)
    mean = np.average(factors, axis=0, weights=weight)
    rest = np.asarray(factors - mean, dtype=np.float64)
    told = np.tile(np.asarray(mean, dtype=np.float64), (len(young), 1))
    for group in (traits.parent, traits.leaf, traits.brand):
        own, theirs = _group_means(group, rows, rest, weight, young, settings.map_prior)
        rest, told = rest - own, told + theirs
    embedded = _embedded(traits, rows)
    if embedded.shape[1]:
        scaled = embedded * weight[:, None]
        square = scaled.T @ embedded + settings.map_ridge * np.eye(embedded.shape[1])
        told = told + _embedded(traits, young) @ np.linalg.solve(square, scaled.T @ rest)
    return told.astype(np.float32)


def _group_means(
    group: NDArray[np.int32],
    rows: NDArray[np.int32],
    values: NDArray[np.float64],
    weight: NDArray[np.float64],
    young: NDArray[np.int32],
    prior: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shrunken means of `values` by group, for `rows` and for `young`; items of no group (-1): nought."""
    count = int(group.max(initial=-1)) + 2
    of_rows = np.where(group[rows] < 0, count - 1, group[rows])
    picked = sp.csr_matrix((weight, (of_rows, np.arange(len(rows)))), shape=(count, len(rows)))
    means = np.asarray(picked @ values) / (np.asarray(picked.sum(axis=1)) + prior)
    means[count - 1] = 0.0
    return means[of_rows], means[np.where(group[young] < 0, count - 1, group[young])]


def _embedded(traits: Traits, rows: NDArray[np.int32]) -> NDArray[np.float64]:
    """The vectors of text and picture side by side, noughts where an item has none."""
    text, vectors, pictures = traits.text[rows], traits.content.vectors, traits.content.pictures[rows]
    told = np.zeros((len(rows), vectors.shape[1]))
    if vectors.shape[0]:
        told = np.where(text[:, None] >= 0, vectors[np.maximum(text, 0)], 0.0)
    return np.hstack([told, pictures]).astype(np.float64)

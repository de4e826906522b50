"""All generators of a cut, and the union of what they propose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.config import Settings
from recsys.features.history import History, weight_matrix, weights_of
from recsys.models.als import Als, fit_als
from recsys.models.bought_together import BoughtTogether, fit_bought_together
from recsys.models.buy_again import BuyAgain, fit_buy_again
from recsys.models.category_popular import CategoryPopular, fit_category_popular
from recsys.models.cold_candidates import ColdCandidates
from recsys.models.ease import Ease, fit_ease, is_solvable
from recsys.models.generator import CandidateGenerator, Codes, DenseGenerator, Known, pair_scores
from recsys.models.item_knn import ItemKnn, fit_item_knn
from recsys.models.similar_users import SimilarUsers, fit_similar_users
from recsys.models.trending import Trending, fit_trending

KINDS: dict[str, type] = {
    "buy_again": BuyAgain,
    "ease": Ease,
    "item_knn": ItemKnn,
    "als": Als,
    "similar_users": SimilarUsers,
    "bought_together": BoughtTogether,
    "category_popular": CategoryPopular,
    "trending": Trending,
    "cold_items": ColdCandidates,
}
"""Class of each generator by its name."""
NAMES = tuple(KINDS)
_EQUAL = 1 << 14
"""Scores that differ by less than about one in so many count as equal."""


@dataclass(frozen=True)
class GeneratorSet:
    """Fitted generators with the number of candidates that each may propose to a user."""

    generators: tuple[CandidateGenerator, ...]
    limits: tuple[int, ...]


def als_of(fitted: GeneratorSet) -> Als | None:
    """The generator that has factors of users and items, where it is among them."""
    return next((generator for generator in fitted.generators if isinstance(generator, Als)), None)


def with_generator(fitted: GeneratorSet, generator: CandidateGenerator, limit: int) -> GeneratorSet:
    """The set and one generator more."""
    return GeneratorSet((*fitted.generators, generator), (*fitted.limits, limit))


def limits_of(settings: Settings) -> dict[str, int]:
    """Candidates a user by generator."""
    models = settings.models
    return {
        "buy_again": models.buy_again_candidates,
        "ease": models.similar_candidates,
        "item_knn": models.similar_candidates,
        "als": models.als_candidates,
        "similar_users": models.similar_user_candidates,
        "bought_together": models.together_candidates,
        "category_popular": models.category_candidates,
        "trending": models.trending_candidates,
    }


def is_ease_shop(history: History, settings: Settings) -> bool:
    """Whether EASE can be solved for `history`; decided once a run, so that all its cuts have the same generators."""
    pairs = history.events.select("user", "item").unique()
    counts = pairs.group_by("item").len()
    supported = counts.filter(pl.col("len") >= settings.models.min_item_users).height
    return is_solvable(pairs["user"].n_unique(), supported, settings.models)


def fit_generators_on(history: History, settings: Settings, with_ease: bool) -> GeneratorSet:
    """Fit every generator but that of new items on `history`, and on nothing else."""
    models = settings.models
    half_lives = [models.half_life_days, models.recent_half_life_days, settings.interactions.half_life_days]
    pairs, recent, usual = weights_of(history, settings.interactions, half_lives)
    known = Known(weight_matrix(pairs, history))
    similar = fit_ease(known, models) if with_ease else fit_item_knn(known, models)
    generators: tuple[CandidateGenerator, ...] = (
        fit_buy_again(history, usual),
        similar,
        fit_als(known, models, settings.seed),
        fit_similar_users(Known(weight_matrix(usual, history)), models),
        fit_bought_together(history, recent, known, models),
        fit_category_popular(usual, recent, history.tree),
        fit_trending(history, pairs),
    )
    limits = limits_of(settings)
    return GeneratorSet(generators, tuple(limits[generator.name] for generator in generators))


def union(fitted: GeneratorSet, users: Codes, batch: int) -> Iterator[pl.DataFrame]:
    """Candidates of `users` (codes), `batch` users at a time: one row per user and item, sorted.
    There is always a first batch, be it empty.

    For each generator: <name>_rank (from 1; null: not proposed) and <name>_score (of the proposal, or of any pair for
    generators that score all); `generator` that ranked the item best (ties: the first of NAMES); `anchor`.
    """
    ordered = np.unique(users).astype(np.int32)
    for start in range(0, max(len(ordered), 1), batch):
        yield _batch(fitted, ordered[start : start + batch])


def _batch(fitted: GeneratorSet, users: Codes) -> pl.DataFrame:
    dense: dict[str, NDArray[np.float32]] = {}
    proposals: dict[str, pl.DataFrame] = {}
    for generator, limit in zip(fitted.generators, fitted.limits, strict=True):
        if isinstance(generator, DenseGenerator):
            dense[generator.name] = generator.dense(users)
            proposals[generator.name] = generator.propose_from(users, dense[generator.name], limit)
        else:
            proposals[generator.name] = generator.propose(users, limit)
    frame = _side_by_side(proposals)
    for generator in fitted.generators:
        if isinstance(generator, DenseGenerator):
            scores = pair_scores(frame, users, generator.columns, dense[generator.name])
            places = _places(frame["user"].to_numpy(), scores)
            frame = frame.with_columns(
                pl.Series(f"{generator.name}_score", scores).fill_nan(None),
                pl.Series(f"{generator.name}_place", places).replace(0, None),
            )
    return _with_origin(frame, list(proposals))


def _side_by_side(proposals: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """user, item of every proposal once, sorted, and for each generator <name>_score, <name>_rank and <name>_anchor."""
    keys = [(p["user"].cast(pl.Int64) * (1 << 32) + p["item"]).to_numpy() for p in proposals.values()]
    every = np.unique(np.concatenate(keys))
    frame = pl.DataFrame({"user": (every >> 32).astype(np.int32), "item": (every & 0xFFFFFFFF).astype(np.int32)})
    for key, (name, proposal) in zip(keys, proposals.items(), strict=True):
        row = np.searchsorted(every, key)
        score, rank, anchor = (np.zeros(len(every), dtype) for dtype in (np.float32, np.int32, np.int32))
        score[row] = proposal["score"].to_numpy()
        rank[row] = proposal.select(pl.int_range(pl.len(), dtype=pl.Int32).over("user") + 1).to_series().to_numpy()
        anchor[row] = proposal["anchor"].fill_null(-1).to_numpy()
        proposed = pl.Series(rank > 0)
        frame = frame.with_columns(
            pl.when(proposed).then(pl.Series(score)).alias(f"{name}_score"),
            pl.when(proposed).then(pl.Series(rank)).alias(f"{name}_rank"),
            pl.when(proposed & pl.Series(anchor >= 0)).then(pl.Series(anchor)).alias(f"{name}_anchor"),
        )
    return frame


def _places(users: Codes, scores: NDArray[np.float32]) -> NDArray[np.int32]:
    """Place of each score among those of its user, from 1, the largest first; 0 where it is NaN. `users` ascend."""
    # The last bits of a matrix product depend on the rows beside it; equal scores must not change places by them.
    mantissa, exponent = np.frexp(scores)
    order = np.lexsort((-np.ldexp(np.round(mantissa * _EQUAL), exponent), users))
    places = np.empty(len(users), dtype=np.int32)
    places[order] = np.arange(len(users)) - np.searchsorted(users, users) + 1
    return np.where(np.isnan(scores), 0, places).astype(np.int32)


def _with_origin(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    ranks = [pl.col(f"{name}_rank") for name in names]
    best = pl.min_horizontal(ranks)
    origin = pl.coalesce(pl.when(rank == best).then(pl.lit(name)) for name, rank in zip(names, ranks, strict=True))
    anchors = pl.coalesce(f"{name}_anchor" for name in names)
    return frame.with_columns(generator=origin, anchor=anchors).drop(f"{name}_anchor" for name in names)

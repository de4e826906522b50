"""The ranker: LightGBM lambdarank, a binary model and a small network blended over all candidates, one more binary
model for discovery.

Lambdarank orders the head of a list best, the binary model knows how likely each purchase is, the network errs in other
places than trees: beside them it ordered better on two past cuts of three, as well on the third. Discovery takes a
binary model of its own, trained on never-bought candidates alone, in lambdarank's place, because there the same
features mean other things.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.features.assemble import as_if_new, matrix
from recsys.models.buy_again import held_share
from recsys.models.network import Network, fit_network, sample_of
from recsys.settings.models import ModelSettings

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Trees:
    """One boosted model with the mean and deviation of its scores in training, which make parts comparable."""

    text: str
    mean: float
    deviation: float

    def predict(self, values: NDArray[np.float32], threads: int) -> Floats:
        """Standardised raw scores of the rows of `values`."""
        # It loads scikit-learn and pandas, seconds that only the two steps that score should pay.
        import lightgbm as lgb

        raw = lgb.Booster(model_str=self.text).predict(values, raw_score=True, num_threads=threads)
        return (np.asarray(raw, dtype=np.float64) - self.mean) / self.deviation


@dataclass(frozen=True)
class Prior:
    """The order that is there without learning, `reciprocal_ranks`, counts `weight` beside 1 of the learnt parts; mean
    and deviation of its logarithm in training make it comparable with them."""

    weight: float
    mean: float
    deviation: float

    def standardised(self, frame: pl.DataFrame) -> Floats:
        """Standardised logarithm of the `reciprocal_ranks` of `frame`."""
        return (_log_ranks(frame) - self.mean) / self.deviation


@dataclass(frozen=True)
class Ranker:
    """`features` in order; `general` parts score every candidate, `discovery` parts never-bought ones; `prior`, where
    labels are so few that the order without learning still counts.

    Without parts (too few labels to learn from) the generators' weighted reciprocal ranks add up to the score.
    """

    features: list[str]
    parts: dict[str, Trees | Network]
    threads: int
    prior: Prior | None = None

    def names(self, discovery: bool = False) -> tuple[str, ...]:
        """The parts whose mean is the score, or the score for discovery; none where nothing was learnt."""
        wanted = DISCOVERY if discovery and "discover" in self.parts else GENERAL
        return tuple(name for name in wanted if name in self.parts)

    @property
    def learnt(self) -> float:
        """Share of the score that the parts have."""
        return 1.0 if self.prior is None else 1 / (1 + self.prior.weight)


GENERAL = ("lambdarank", "binary", "network")
DISCOVERY = ("discover", "binary", "network")
_USUAL_REPEAT = 0.05
"""Share of a category's buyers that buy the same item twice, from which on its items count as bought again."""
_LEAST_AGAIN = 0.3
_MOST_LABELS = 10
"""Labels of a user that are learnt from, at most so many times those of the median user."""
_LEAST_PRIOR = 0.02
"""A prior of less weight moves hardly a place."""


def is_new() -> pl.Expr:
    """Whether the user never bought the candidate."""
    return pl.col("ui_trips").is_null()


def score(ranker: Ranker, frame: pl.DataFrame) -> tuple[Floats, Floats]:
    """Scores of the rows of an assembled frame: over all candidates, and for discovery (NaN where bought before)."""
    if frame.is_empty():
        return np.zeros(0), np.zeros(0)
    new = frame.select(is_new()).to_series().to_numpy()
    if not ranker.parts:
        fused = reciprocal_ranks(frame)
        return fused, np.where(new, fused, np.nan)
    values = matrix(frame, ranker.features)
    told = {name: part_scores(ranker, name, values) for name in ranker.names()}
    general = np.mean(list(told.values()), axis=0)
    discovery = np.full(len(frame), np.nan)
    if new.any():
        own = {name: scores[new] for name, scores in told.items()}
        if "discover" in ranker.parts:
            own["discover"] = part_scores(ranker, "discover", values[new])
        discovery[new] = np.mean([own[name] for name in ranker.names(discovery=True)], axis=0)
    known = prior_scores(ranker, frame)
    return ranker.learnt * general + known, ranker.learnt * discovery + known


def prior_scores(ranker: Ranker, frame: pl.DataFrame) -> Floats:
    """What the prior adds to both scores of each row; 0 without one. `frame` holds all candidates of its users."""
    if ranker.prior is None:
        return np.zeros(len(frame))
    return (1 - ranker.learnt) * ranker.prior.standardised(frame)


def part_scores(ranker: Ranker, name: str, values: NDArray[np.float32]) -> Floats:
    """Standardised raw scores that one part gives the rows of `values`."""
    part = ranker.parts[name]
    return part.predict(values, ranker.threads) if isinstance(part, Trees) else part.predict(values)


def reciprocal_ranks(frame: pl.DataFrame) -> Floats:
    """Sum over generators of 1 / (60 + rank): a fair order while there is nothing to learn from (Cormack, Clarke and
    Buettcher, "Reciprocal rank fusion", SIGIR 2009).

    What the user touched before comes again far more often than any one proposal is right, so the user's own items
    count 1.5 / (10 + place), in the order of decayed frequency and a little popularity; bought ones less where their
    category is seldom bought twice.
    """
    others = [name for name in frame.columns if name.endswith("_rank") and name != "buy_again_rank"]
    proposed = pl.sum_horizontal((1 / (60 + pl.col(name))).fill_null(0.0) for name in others)
    weight = pl.col("buy_again_score") / held_share(pl.col("ui_last"), pl.col("ui_gap"))
    popular = (pl.col("i_decayed_30").fill_null(0.0) + 1) ** 0.1
    place = (weight * popular).rank("ordinal", descending=True).over("user")
    again = _LEAST_AGAIN + (1 - _LEAST_AGAIN) * (pl.col("parent_repeat").fill_null(0.0) / _USUAL_REPEAT).clip(0.0, 1.0)
    own = (1.5 / (10 + place)).fill_null(0.0) * pl.when(is_new()).then(1.0).otherwise(again)
    return frame.select((proposed + own).cast(pl.Float64)).to_series().to_numpy()


def _log_ranks(frame: pl.DataFrame) -> Floats:
    """Rows that are learnt from as if their items were new have no rank at all, and stand below the last of a list."""
    return np.log(np.maximum(reciprocal_ranks(frame), 1e-3))


def sample_rows(frame: pl.DataFrame, negatives: int, seed: int) -> pl.DataFrame:
    """Rows of users with a label: those with a label and `negatives` others a user, drawn; sorted by user, item.

    Of a user with more than ten times as many labels as the median user so many are drawn, and the others left out: a
    dozen crawlers that looked at everything brought half of the labels of a shop of views.
    """
    ordered = frame.sort("user", "item")
    draw, is_hit = pl.Series(np.random.default_rng(seed).random(len(ordered))), pl.col("label") > 0
    drawn = ordered.with_columns(_draw=pl.when(is_hit).then(draw - 1).otherwise(draw))
    labels = drawn.select("user", "label").filter(is_hit).group_by("user").len()["len"].cast(pl.Float64).median()
    most = _MOST_LABELS * (labels if isinstance(labels, float) else 1.0)
    place, hits = pl.col("_draw").rank("ordinal").over("user"), is_hit.sum().over("user")
    last = pl.when(is_hit).then(most).otherwise(hits + negatives)
    return drawn.filter((hits > 0) & (place <= last)).drop("_draw")


def shuffled(frame: pl.DataFrame, share: float, seed: int) -> pl.DataFrame:
    """`frame` with the labels of `share` of its rows dealt out anew among them."""
    if share <= 0:
        return frame
    generator = np.random.default_rng(seed)
    rows = np.flatnonzero(generator.random(len(frame)) < share)
    place = np.arange(len(frame))
    place[rows] = generator.permutation(rows)
    return frame.with_columns(frame["label"].gather(place))


def with_new_rows(frame: pl.DataFrame, share: float, seed: int) -> pl.DataFrame:
    """`frame`, and once more a `share` of its never-bought rows with all that is known of their items hidden, so that a
    candidate without history is judged by its user and category instead of being buried; a user's rows side by side."""
    drawn = pl.Series(np.random.default_rng(seed).random(len(frame)) < share)
    again = as_if_new(frame.filter(drawn & frame.select(is_new()).to_series()))
    return pl.concat([frame, again]).sort("user", maintain_order=True)


def fit_ranker(parts: list[pl.DataFrame], features: list[str], settings: ModelSettings, seed: int) -> Ranker:
    """Fit on sampled, labelled frames of several cuts; users of different cuts are different groups."""
    parts = [shuffled(part, settings.shuffled_labels, seed) for part in parts]
    if settings.hidden_items:
        parts = [with_new_rows(part, settings.hidden_items, seed + at) for at, part in enumerate(parts)]
    everything, new = _stack(parts, features), _stack([p.filter(is_new()) for p in parts], features)
    labels = everything[1]
    if labels.sum() < settings.min_labels or labels.all():
        return Ranker(features, {}, settings.threads)
    lambdarank = _LAMBDARANK | {"learning_rate": settings.lambdarank_learning_rate}
    wanted = {"binary": (_BINARY, settings.trees), "lambdarank": (lambdarank, settings.lambdarank_trees)}
    with ThreadPoolExecutor(1) as beside:
        learning = (
            beside.submit(fit_network, everything[0], labels, settings, seed) if settings.network_epochs else None
        )
        fitted: dict[str, Trees | Network] = {**_boost(everything, wanted, settings, seed)}
        if learning:
            fitted["network"] = learning.result()
    if new[1].sum() >= settings.min_labels:
        fitted |= _boost(new, {"discover": (_DISCOVER, settings.discover_trees)}, settings, seed)
    return Ranker(features, fitted, settings.threads, _prior(parts, float(labels.sum()), settings))


def _prior(parts: list[pl.DataFrame], labels: float, settings: ModelSettings) -> Prior | None:
    weight = settings.prior_labels / labels
    if weight < _LEAST_PRIOR:
        return None
    told = np.concatenate([_log_ranks(part) for part in parts])
    return Prior(weight, float(told.mean()), float(told.std()) or 1.0)


# So few features a tree order as well as half of them, in two thirds of the time.
_BINARY: dict[str, Any] = {"objective": "binary", "feature_fraction": 0.25}
_DISCOVER: dict[str, Any] = {"objective": "binary", "num_leaves": 15, "feature_fraction": 0.25}
# Thresholds drawn at random (extremely randomised trees, Geurts et al. 2006) keep lambdarank from single users.
_LAMBDARANK: dict[str, Any] = {
    "objective": "lambdarank",
    "lambdarank_norm": False,
    "lambdarank_truncation_level": 20,
    "feature_fraction": 0.3,
    "extra_trees": True,
}
_Stacked = tuple[NDArray[np.float32], NDArray[np.int8], NDArray[np.int64]]


def _stack(parts: list[pl.DataFrame], features: list[str]) -> _Stacked:
    values = [matrix(part, features) for part in parts] or [np.zeros((0, len(features)), np.float32)]
    labels = [part["label"].to_numpy() for part in parts] or [np.zeros(0, np.int8)]
    groups = [part.group_by("user", maintain_order=True).len()["len"].to_numpy() for part in parts]
    return np.concatenate(values), np.concatenate(labels), np.concatenate(groups or [np.zeros(0, np.int64)])


def _boost(
    data: _Stacked, wanted: dict[str, tuple[dict[str, Any], int]], settings: ModelSettings, seed: int
) -> dict[str, Trees]:
    """A part for each of `wanted` (own parameters, trees), all on the same binned rows."""
    import lightgbm as lgb

    values, labels, groups = data
    shared = {
        "learning_rate": settings.learning_rate,
        "num_leaves": 31,
        "min_data_in_leaf": min(100, max(5, len(values) // 50)),
        "lambda_l2": 5.0,
        "max_bin": 63,
        "seed": seed % (1 << 31),
        "num_threads": settings.threads,
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }
    binned = lgb.Dataset(values, labels, group=groups, params=shared)
    some, parts = sample_of(values), {}
    for name, (own, trees) in wanted.items():
        booster = lgb.train(shared | own, binned, trees)
        raw = np.asarray(booster.predict(some, raw_score=True, num_threads=settings.threads))
        parts[name] = Trees(booster.model_to_string(), float(raw.mean()), float(raw.std()) or 1.0)
    return parts

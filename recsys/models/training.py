"""The two-stage protocol, line by line. With h = horizon_days and cuts T = as_of - h, as_of - 2h, …:

1 generators are fitted on the history before a cut T1, and on nothing else;
2 they propose candidates to each user drawn for that cut;
3 labels are what the user bought in [T1, T1 + h);
4 features are computed as of T1;
5 the ranker is fitted on (candidates, labels) of several cuts, grouped by user, negatives drawn from candidates; the
  ranker that is measured learns from cuts whose labels end at T2 = as_of - h or before;
6 it is measured on [T2, as_of), with generators fitted before T2, users drawn, the catalogue full; candidate recall
  is reported apart from the order, each generator's own and marginal recall too, repeat and discovery apart;
7 the ranker that serves is fitted again with T2 as its newest cut, and generators on everything before as_of;
8 shards of users are scored (recsys.models.scoring).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from recsys.config import Settings
from recsys.features.assemble import assemble, feature_names
from recsys.features.build import load_history
from recsys.features.history import History, of_type
from recsys.features.views import build_views
from recsys.models import registry
from recsys.models.candidates import GeneratorSet, fit_generators_on, is_ease_shop, union
from recsys.models.generator import Codes
from recsys.models.measuring import measure
from recsys.models.model_card import artefact_digests, write_card
from recsys.models.ranker import Ranker, fit_ranker, sample_rows, score
from recsys.run import Counts, RunContext
from recsys.schemas import OFFLINE_METRICS
from recsys.storage import write_partition

log = logging.getLogger(__name__)
LABEL_TYPES = (("purchase",), ("purchase", "cart", "favourite"), ("purchase", "cart", "favourite", "view"))
"""What counts as a label; the next, wider one where a shop has too few."""


@dataclass(frozen=True)
class Cut:
    """A cut with what the ranker needs of it: candidates with features, and the labels (user, item)."""

    at: datetime
    frame: pl.DataFrame
    labels: pl.DataFrame


def train_ranker(context: RunContext) -> Counts:
    """Train, measure, train again with the newest cut; write ranker, model card and offline metrics of the day."""
    settings = context.settings
    history = load_history(context)
    with_ease, types = is_ease_shop(history, settings), label_types(history, settings)
    newest, *older = [context.as_of - timedelta(days=settings.models.horizon_days) * n for n in _numbers(settings)]
    past = [
        sampled(build_cut(history, cut, types, settings, with_ease), settings)
        for cut in _usable(history, older, settings)
    ]
    measured = build_cut(history, newest, types, settings, with_ease)
    features = feature_names(measured.frame)
    trial = fit_ranker([cut.frame for cut in past], features, settings.models, settings.seed)
    metrics = _measured(context, history, measured, trial)
    recent = [sampled(measured, settings), *past][: settings.models.training_cuts]
    recent = [cut for cut in recent if _is_usable(history, cut.at, settings)]
    ranker = fit_ranker([cut.frame for cut in recent], features, settings.models, settings.seed)
    registry.save_ranker(context.lake, context.as_of_date, ranker)
    rows = write_partition(context.lake, OFFLINE_METRICS, metrics, as_of_date=context.as_of_date)
    write_card(context, history, ranker, metrics, [cut.at for cut in recent], types)
    return {
        "cuts": len(recent),
        "rows": sum(len(cut.frame) for cut in recent),
        "features": len(features),
        "metrics": rows,
    }


def fit_generators(context: RunContext) -> Counts:
    """Fit the generators on everything before the as-of date and write them."""
    history = load_history(context)
    fitted = fit_generators_on(history, context.settings, is_ease_shop(history, context.settings))
    registry.save_generators(context.lake, context.as_of_date, fitted)
    versions = artefact_digests(context, fitted)
    registry.write_json(context.lake, context.as_of_date, "versions", versions)
    return {"generators": len(fitted.generators), "users": len(history.users), "items": len(history.items)}


def build_cut(history: History, at: datetime, types: tuple[str, ...], settings: Settings, with_ease: bool) -> Cut:
    """Candidates of drawn users with features as of `at`, and their labels in the horizon after it."""
    end = at + timedelta(days=settings.models.horizon_days)
    before = history.before(at)
    labels = labels_between(history, at, end, types)
    users = draw_users(labels["user"].unique().sort(), settings.models.training_users, settings.seed)
    labels = labels.filter(pl.col("user").is_in(pl.Series(users).implode()))
    fitted = fit_generators_on(before, settings, with_ease)
    return Cut(at, _with_labels(candidates_with_features(before, fitted, users, settings), labels), labels)


def candidates_with_features(history: History, fitted: GeneratorSet, users: Codes, settings: Settings) -> pl.DataFrame:
    """Assembled candidates of `users` (codes) as of the history's cut."""
    views = build_views(history)
    batches = union(fitted, users, settings.models.batch_users)
    return pl.concat([assemble(batch, views.of_users(batch["user"].unique())) for batch in batches])


def labels_between(history: History, start: datetime, end: datetime, types: tuple[str, ...]) -> pl.DataFrame:
    """user, item of events of `types` in [start, end), of users and items that have history before `start`."""
    events = history.events
    known = events.filter(pl.col("at") < start)
    later = events.filter((pl.col("at") >= start) & (pl.col("at") < end) & of_type(*types))
    pairs = later.select("user", "item").unique()
    pairs = pairs.join(known.select("user").unique(), on="user", how="semi")
    return pairs.join(known.select("item").unique(), on="item", how="semi").sort("user", "item")


def label_types(history: History, settings: Settings) -> tuple[str, ...]:
    """The narrowest of LABEL_TYPES with enough labels in the newest horizon."""
    start = history.as_of - timedelta(days=settings.models.horizon_days)
    for types in LABEL_TYPES:
        if len(labels_between(history, start, history.as_of, types)) >= 10 * settings.models.min_labels:
            return types
    return LABEL_TYPES[0]


def draw_users(users: pl.Series, limit: int, seed: int) -> Codes:
    """At most `limit` of `users`, drawn with `seed`, ascending."""
    codes = users.to_numpy().astype(np.int32)
    if len(codes) <= limit:
        return codes
    return np.sort(np.random.default_rng(seed).choice(codes, limit, replace=False))


def sampled(cut: Cut, settings: Settings) -> Cut:
    """The cut with its labels and a few negatives a user."""
    return Cut(cut.at, sample_rows(cut.frame, settings.models.negatives, settings.seed), cut.labels)


def _with_labels(frame: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    hits = labels.select("user", "item", label=pl.lit(1, pl.Int8))
    joined = frame.join(hits, on=["user", "item"], how="left", maintain_order="left")
    return joined.with_columns(pl.col("label").fill_null(0))


def _numbers(settings: Settings) -> range:
    return range(1, settings.models.training_cuts + 2)


def _is_usable(history: History, cut: datetime, settings: Settings) -> bool:
    first = history.events["at"].min()
    return first is not None and cut - first >= timedelta(days=settings.models.min_history_days)  # type: ignore[operator]


def _usable(history: History, cuts: list[datetime], settings: Settings) -> list[datetime]:
    return [cut for cut in cuts if _is_usable(history, cut, settings)]


def _measured(context: RunContext, history: History, cut: Cut, trial: Ranker) -> pl.DataFrame:
    general, discovery = score(trial, cut.frame)
    scored = cut.frame.with_columns(score=pl.Series(general), discover_score=pl.Series(discovery))
    return measure(context, history.before(cut.at), scored, cut.labels, cut.at.date())

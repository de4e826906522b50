"""Cuts: past days at which the ranker's work is repeated with what was known then, and what happened after them.

Cuts lie on a grid of days that does not move with the as-of date, and a cut sees a window of its own. So the cuts of
one week are the same whatever day of it is built, and `cut_key` names one by its content: what was built for one day
serves the other days, to the byte.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
import polars as pl

from recsys.config import Settings
from recsys.features.assemble import assemble
from recsys.features.history import History, of_type
from recsys.features.views import build_views
from recsys.models.candidates import GeneratorSet, fit_generators_on, union
from recsys.models.generator import Codes
from recsys.models.ranker import sample_rows
from recsys.run import start_of_day
from recsys.settings.models import ModelSettings

LABEL_TYPES = (("purchase",), ("purchase", "cart", "favourite"), ("purchase", "cart", "favourite", "view"))
"""What counts as a label; the next, wider one where a shop has too few."""
LIBRARIES = ("implicit", "lightgbm", "numpy", "polars", "scipy")


@dataclass(frozen=True)
class Cut:
    """A past day: what was known before it, and what drawn users did in the horizon after it.

    history  before `day` alone, within history_days, codes of its own
    labels   user, item, first_day (days from the cut to the first label, f32), sorted; codes of `history`
    """

    day: date
    history: History
    labels: pl.DataFrame


def cut_days(as_of_date: date, models: ModelSettings) -> list[date]:
    """Days of the newest cut, whose horizon ends by `as_of_date`, and of the training cuts before it, newest first."""
    latest = as_of_date.toordinal() - models.horizon_days
    newest = date.fromordinal(latest - (latest - 1) % models.training_interval_days)
    return [newest - timedelta(days=models.horizon_days * n) for n in range(models.training_cuts + 1)]


def is_usable(history: History, day: date, settings: Settings) -> bool:
    """Whether `history` reaches min_history_days back from the cut."""
    first = history.events["at"].min()
    reach = timedelta(days=settings.models.min_history_days)
    return isinstance(first, datetime) and start_of_day(day, settings.time_zone) - first >= reach


def make_cut(history: History, day: date, types: tuple[str, ...], settings: Settings) -> Cut:
    """The cut at 00:00 of `day`, with at most training_users users, drawn from those who have a label."""
    models, at = settings.models, start_of_day(day, settings.time_zone)
    end = start_of_day(day + timedelta(days=models.horizon_days), settings.time_zone)
    seen = history.before(at, models.history_days)
    labels = labels_between(history, seen, end, types)
    users = draw_users(labels["user"].unique().sort(), models.training_users, settings.seed)
    before, codes = seen.compacted()
    return Cut(day, before, codes.of(labels.filter(pl.col("user").is_in(pl.Series(users).implode()))))


def cut_frame(cut: Cut, settings: Settings, with_ease: bool) -> pl.DataFrame:
    """Candidates of the cut's users with features as of the cut, `label` (0 or 1) and `first_day`."""
    fitted = fit_generators_on(cut.history, settings, with_ease)
    users = cut.labels["user"].unique().sort().to_numpy().astype(np.int32)
    return with_labels(candidates_with_features(cut.history, fitted, users, settings), cut.labels)


def sampled(frame: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """A cut's frame with all labels and a few negatives a user."""
    return sample_rows(frame, settings.models.negatives, settings.seed)


def cut_key(cut: Cut, settings: Settings, with_ease: bool) -> str:
    """Hexadecimal digest of everything that the cut's frame hangs on: its data, the settings, the code, libraries."""
    history, digest = cut.history, hashlib.sha256()
    told = [dataclasses.asdict(settings.models), dataclasses.asdict(settings.interactions), settings.seed, with_ease]
    digest.update(json.dumps([str(cut.day), settings.time_zone, *told, code_digest()], sort_keys=True).encode())
    names = (history.users.to_frame("name"), history.items.to_frame("name"))
    for frame in (history.events, history.tree, cut.labels, *names):
        digest.update(frame.hash_rows(settings.seed).to_numpy().tobytes())
    return digest.hexdigest()[:32]


@cache
def code_digest() -> str:
    """Hexadecimal digest of the code that makes features and models, and of the libraries' versions."""
    digest, root = hashlib.sha256(), Path(__file__).resolve().parent.parent
    for folder in ("features", "models"):
        for path in sorted((root / folder).glob("*.py")):
            digest.update(path.read_bytes())
    digest.update(json.dumps({name: version(name) for name in LIBRARIES}, sort_keys=True).encode())
    return digest.hexdigest()


def candidates_with_features(history: History, fitted: GeneratorSet, users: Codes, settings: Settings) -> pl.DataFrame:
    """Assembled candidates of `users` (codes) as of the history's end."""
    views = build_views(history)
    batches = union(fitted, users, settings.models.batch_users)
    return pl.concat([assemble(batch, views.of_users(batch["user"].unique())) for batch in batches])


def labels_between(history: History, seen: History, end: datetime, types: tuple[str, ...]) -> pl.DataFrame:
    """user, item, first_day of `history`'s events of `types` from the end of `seen` to `end`, sorted.

    Only of users and items that have an event in `seen`, the part of `history` that a cut knows: nobody can be
    proposed to, and nothing proposed, of whom all that is known is older.
    """
    events, known, start = history.events, seen.events, seen.as_of
    later = events.filter((pl.col("at") >= start) & (pl.col("at") < end) & of_type(*types))
    age = (pl.col("at").min() - start).dt.total_seconds() / 86_400
    pairs = later.group_by("user", "item").agg(first_day=age.cast(pl.Float32))
    pairs = pairs.join(known.select("user").unique(), on="user", how="semi")
    return pairs.join(known.select("item").unique(), on="item", how="semi").sort("user", "item")


def label_types(history: History, day: date, settings: Settings) -> tuple[str, ...]:
    """The narrowest of LABEL_TYPES with enough labels in the horizon after the cut at `day`."""
    start = start_of_day(day, settings.time_zone)
    end = start_of_day(day + timedelta(days=settings.models.horizon_days), settings.time_zone)
    seen = history.before(start, settings.models.history_days)
    for types in LABEL_TYPES:
        if len(labels_between(history, seen, end, types)) >= 10 * settings.models.min_labels:
            return types
    return LABEL_TYPES[0]


def draw_users(users: pl.Series, limit: int, seed: int) -> Codes:
    """At most `limit` of `users`, drawn with `seed`, ascending."""
    codes = users.to_numpy().astype(np.int32)
    if len(codes) <= limit:
        return codes
    return np.sort(np.random.default_rng(seed).choice(codes, limit, replace=False))


def with_labels(frame: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """`frame` with `label` and `first_day` (null without a label)."""
    hits = labels.with_columns(label=pl.lit(1, pl.Int8))
    joined = frame.join(hits, on=["user", "item"], how="left", maintain_order="left")
    return joined.with_columns(pl.col("label").fill_null(0))

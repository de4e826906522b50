"""Offline metrics of a cut: the ranker against baselines, and what each generator adds to the candidates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.config import Settings
from recsys.features.history import History, weights
from recsys.models import baselines
from recsys.models.cuts import Cut
from recsys.models.metrics import Estimate, Values, estimate, ndcg, recall, top_lists
from recsys.models.registry import SERVED
from recsys.schemas import OFFLINE_METRICS

Scores = NDArray[np.float64]
SETTINGS = ("all", "repeat", "discover")


def split_truth(truth: pl.DataFrame, bought: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The holdout by setting: all of it, what the user had bought before, what not."""
    keys = ["user", "item"]
    return {
        "all": truth,
        "repeat": truth.join(bought, on=keys, how="semi"),
        "discover": truth.join(bought, on=keys, how="anti"),
    }


@dataclass(frozen=True)
class Measures:
    """`rows` of offline_metrics but for registry.SERVED; `values`: model, setting, user_id, ndcg (at 10, f32), one row
    per model, setting and user of the holdout, for paired comparisons with the models of other days."""

    rows: pl.DataFrame
    values: pl.DataFrame


def scored_candidates(frame: pl.DataFrame, general: Scores, discovery: Scores) -> pl.DataFrame:
    """Of assembled candidates and their two scores what `measure` asks for: user, item, score, discover_score, bought
    (whether the user had bought the item) and each generator's rank, without the features, which are far larger."""
    told = {"score": pl.Series(general), "discover_score": pl.Series(discovery)}
    return frame.select("user", "item", "^.*_rank$", bought=pl.col("ui_trips").is_not_null(), **told)


def measure(settings: Settings, cut: Cut, scored: pl.DataFrame) -> Measures:
    """ndcg@10 of ranker, generators and baselines with intervals, paired differences against the baselines, recall of
    the candidates, of each generator and what it alone adds, share of the items that the ranker's lists hold. What no
    user of the holdout could tell, such as a new shop's ndcg@10, has no row.

    `scored`: the cut's `scored_candidates`.
    """
    history, truth = cut.history, cut.labels.select("user", "item")
    bought = history.aged("purchase").select("user", "item").unique()
    parts = split_truth(truth, bought)
    models = _models(settings, history, scored, truth, bought)
    rows: list[dict[str, object]] = []
    values = [pl.DataFrame(schema=VALUES)]
    for setting, part in parts.items():
        own = _values(setting, part, models)
        ids = history.users.gather(part["user"].unique().sort())
        values += [_told(name, setting, ids, mine) for name, mine in own.items()]
        rows += _orders(settings, setting, own)
        rows += _recalls(settings, setting, part, scored)
        rows.append(_coverage(setting, models["ranker"][setting], len(history.items)))
    frame = pl.DataFrame(rows, schema=_ROW).filter(pl.col("users") > 0)
    dated = frame.with_columns(
        holdout_from=pl.lit(cut.day),
        holdout_to=pl.lit(cut.day + timedelta(days=settings.models.horizon_days)),
    ).select(name for name in OFFLINE_METRICS.column_names if name not in SERVED)
    return Measures(dated, pl.concat(values))


VALUES = {"model": pl.String, "setting": pl.String, "user_id": pl.String, "ndcg": pl.Float32}
"""Columns of Measures.values."""
_ROW = {
    "model": pl.String,
    "setting": pl.String,
    "metric": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "users": pl.Int32,
}


def _models(
    settings: Settings, history: History, scored: pl.DataFrame, truth: pl.DataFrame, bought: pl.DataFrame
) -> dict[str, dict[str, pl.DataFrame]]:
    """By model and setting: user, item, score, bought (whether the user had bought the item)."""
    shown = scored.select("user", "item", "score", "bought")
    ranker = {
        "all": shown,
        "repeat": shown.filter("bought"),
        "discover": scored.select("user", "item", "bought", score="discover_score"),
    }
    pairs = weights(history, settings.interactions, baselines.HALF_LIFE)
    everybody = truth.select("user").unique().join(baselines.popularity(pairs), how="cross")
    marks = bought.with_columns(bought=True)

    def marked(frame: pl.DataFrame) -> pl.DataFrame:
        known = frame.select("user", "item", "score").join(marks, on=["user", "item"], how="left")
        return known.with_columns(pl.col("bought").fill_null(False))

    models = {"ranker": ranker, "decayed_frequency": _same(marked(baselines.decayed_frequency(pairs)))}
    models["popularity"] = _same(marked(everybody))
    for name in _generators(scored):
        place = -pl.col(f"{name}_rank").cast(pl.Float64)
        models[name] = _same(scored.select("user", "item", "bought", score=place).drop_nulls("score"))
    return models


def _same(frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    return dict.fromkeys(SETTINGS, frame)


def _generators(scored: pl.DataFrame) -> list[str]:
    return [name.removesuffix("_rank") for name in scored.columns if name.endswith("_rank")]


def _values(setting: str, truth: pl.DataFrame, models: dict[str, dict[str, pl.DataFrame]]) -> dict[str, Values]:
    wanted = {"repeat": pl.col("bought"), "discover": ~pl.col("bought")}.get(setting, pl.lit(True))
    return {name: ndcg(top_lists(frames[setting].filter(wanted), 10), truth) for name, frames in models.items()}


def _told(model: str, setting: str, user_ids: pl.Series, values: Values) -> pl.DataFrame:
    frame = pl.DataFrame({"user_id": user_ids, "ndcg": values}, schema={"user_id": pl.String, "ndcg": pl.Float32})
    return frame.select(pl.lit(model).alias("model"), pl.lit(setting).alias("setting"), "user_id", "ndcg")


def _coverage(setting: str, scored: pl.DataFrame, items: int) -> dict[str, object]:
    """Share of the known items that the ranker's first ten places show to somebody."""
    lists = top_lists(scored, 10)
    row = {"model": "ranker", "setting": setting, "metric": "coverage@10", "low": None, "high": None}
    return {**row, "value": lists["item"].n_unique() / max(items, 1), "users": lists["user"].n_unique()}


def _orders(settings: Settings, setting: str, values: dict[str, Values]) -> list[dict[str, object]]:
    rows = [_row(settings, name, setting, "ndcg@10", own) for name, own in values.items()]
    for name in ("decayed_frequency", "popularity"):
        difference = values["ranker"] - values[name]
        rows.append(_row(settings, "ranker", setting, f"ndcg@10 above {name}", difference))
    return rows


def _recalls(settings: Settings, setting: str, truth: pl.DataFrame, scored: pl.DataFrame) -> list[dict[str, object]]:
    whole = recall(scored, truth)
    rows = [_row(settings, "candidates", setting, "recall", whole)]
    names = _generators(scored)
    for name in names:
        others = pl.any_horizontal(pl.col(f"{other}_rank").is_not_null() for other in names if other != name)
        alone = scored.filter(pl.col(f"{name}_rank").is_not_null())
        rows.append(_row(settings, name, setting, "recall", recall(alone, truth)))
        rows.append(_row(settings, name, setting, "marginal recall", whole - recall(scored.filter(others), truth)))
    return rows


def _row(settings: Settings, model: str, setting: str, metric: str, values: Values) -> dict[str, object]:
    told: Estimate = estimate(np.asarray(values), settings.models.bootstrap_draws, settings.seed)
    return {
        "model": model,
        "setting": setting,
        "metric": metric,
        "value": told.value,
        "low": told.low,
        "high": told.high,
        "users": len(values),
    }

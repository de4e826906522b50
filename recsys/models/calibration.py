"""How well the ranker knows the chance of a purchase: what it expects on the holdout against what came."""

from __future__ import annotations

import numpy as np
import polars as pl

from recsys.features.assemble import matrix
from recsys.models.ranker import Ranker, part_scores


def expected_over_actual(ranker: Ranker, frame: pl.DataFrame) -> float | None:
    """Sum of the binary part's probabilities over the sum of labels in `frame`; None without that part or labels.

    `frame` must hold as many negatives a label as training did, since the probabilities are those of such rows.
    """
    labels = float(frame["label"].sum() or 0)
    part = ranker.parts.get("binary")
    if part is None or labels == 0:
        return None
    raw = part_scores(ranker, "binary", matrix(frame, ranker.features)) * part.deviation + part.mean
    return float((1 / (1 + np.exp(-raw))).sum() / labels)


def calibration_row(ranker: Ranker, frame: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """One more row for `rows` of offline_metrics, whose holdout it shares; no row where there is nothing to tell."""
    value = expected_over_actual(ranker, frame)
    if value is None or rows.is_empty():
        return rows.clear()
    told = {"model": "ranker", "setting": "all", "metric": "expected over actual", "value": value}
    told |= {"low": None, "high": None, "users": frame["user"].n_unique()}  # type: ignore[dict-item]
    told |= rows.select("holdout_from", "holdout_to").row(0, named=True)
    return pl.DataFrame([told], schema=rows.schema)

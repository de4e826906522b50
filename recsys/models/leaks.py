"""The canary: does anything that the ranker learns from know what came after its cut?

Two searches, on what train_ranker left in the lake. Every cut must end its history before its day, begin its labels
on it, and end them before anything that is measured begins. And no feature may tell the labels apart by itself: real
behaviour never does, a feature that saw the horizon does.
"""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.config import Settings
from recsys.features.assemble import feature_names, matrix
from recsys.models import registry
from recsys.models.cuts import Cut
from recsys.run import Counts, RunContext, RunError, start_of_day

log = logging.getLogger(__name__)
_ROWS = 50_000
"""Rows of the newest cut that are searched."""


def cut_evidence(cut: Cut) -> dict[str, Any]:
    """When a cut's history ends, and when its labels begin and end, in days after it."""
    days = cut.labels["first_day"]
    newest = cut.history.events["at"].max()
    return {
        "newest_event": newest.isoformat() if isinstance(newest, datetime) else None,
        "first_label_day": _number(days.min()),
        "last_label_day": _number(days.max()),
        "labels": len(cut.labels),
    }


def check_no_leak(context: RunContext) -> Counts:
    """Search the day's training for a leak. Raises RunError, which names each one found."""
    told = registry.read_json(context.lake, context.as_of_date, "training")
    found = late_rows(told, context.as_of_date, context.settings)
    newest = date.fromisoformat(told["newest"])
    frame = registry.read_frame(context.lake, newest, told["cuts"][told["newest"]]["key"])
    searched = 0
    if frame is not None:
        names = feature_names(frame)
        powers = telling_power(frame, names)
        searched = len(powers)
        limit = context.settings.gate.max_feature_power
        found += [f"{name} tells the labels apart by itself ({power:.3f})" for name, power in powers if power > limit]
    if found:
        raise RunError(f"the training of {context.as_of_date} knows the future: {'; '.join(found)}")
    return {"cuts": len(told["cuts"]), "features": searched}


def late_rows(told: dict[str, Any], as_of_date: date, settings: Settings) -> list[str]:
    """What lies on the wrong side of a cut, as sentences, from the record that train_ranker wrote.

    The horizon is told in days of 24 hours, as labels are: an hour more or less where the clock changes in it.
    """
    horizon, newest, found = settings.models.horizon_days, date.fromisoformat(told["newest"]), []
    for text, cut in told["cuts"].items():
        day = date.fromisoformat(text)
        begins, ends = (start_of_day(day + timedelta(days=n), settings.time_zone) for n in (0, horizon))
        # In the precision of labels, whose last instant is rounded up to this at most.
        length = float(np.float32((ends - begins) / timedelta(days=1)))
        if cut["newest_event"] is not None and datetime.fromisoformat(cut["newest_event"]) >= begins:
            found.append(f"the history of the cut at {day} holds an event of {cut['newest_event']}")
        if cut["labels"] and not 0 <= cut["first_label_day"] <= cut["last_label_day"] <= length:
            found.append(f"labels of the cut at {day} lie {cut['first_label_day']} to {cut['last_label_day']} days off")
        end = as_of_date if day == newest else newest
        if day + timedelta(days=horizon) > end:
            found.append(f"the labels of the cut at {day} end after {end}")
    return found


def telling_power(frame: pl.DataFrame, names: list[str]) -> list[tuple[str, float]]:
    """For each feature, how well its value alone orders labels before the others: 0.5 not at all, 1 without fault.

    The larger of the area under the curve and of what is missing to 1, unknown values below all others. Nothing for
    fewer than 2,000 rows, in which a feature may do so by accident.
    """
    rows = frame.select(*names, "label").head(_ROWS)
    labels = rows["label"].to_numpy() > 0
    if len(rows) < 2_000 or labels.sum() < 100 or labels.all():
        return []
    values = matrix(rows, names)
    return [(name, _power(values[:, place], labels)) for place, name in enumerate(names)]


def _power(values: NDArray[np.float32], labels: NDArray[np.bool_]) -> float:
    ranks = pl.Series(np.where(np.isnan(values), -np.inf, values)).rank("average").to_numpy()
    hits = int(labels.sum())
    area = (ranks[labels].sum() - hits * (hits + 1) / 2) / (hits * (len(labels) - hits))
    return float(max(area, 1 - area))


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None

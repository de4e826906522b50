"""The day's generators on the holdout of earlier models: for days on which both the settings and the holdout are new.

Two holdouts differ by themselves, so that a generator compared across them may lose far more before it is stopped. That
is right for an ordinary week; where somebody changed a setting of the models, the new ones are measured once more where
the champion was.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from datetime import date

import polars as pl

from recsys.config import Settings
from recsys.features.build import load_history
from recsys.models import registry
from recsys.models.candidates import is_ease_shop
from recsys.models.cuts import cut_frame, label_types, make_cut
from recsys.models.measuring import measure, scored_candidates
from recsys.models.ranker import reciprocal_ranks
from recsys.run import RunContext
from recsys.storage import LakeError

log = logging.getLogger(__name__)


def are_settings_new(context: RunContext, champion: date) -> bool:
    """Whether the settings that candidates hang on differ from those behind the models of `champion`."""
    try:
        card = registry.read_json(context.lake, champion, "model_card")
    except LakeError:
        return False
    return _of_candidates(card["settings"]) != _of_candidates(dataclasses.asdict(context.settings))


def _of_candidates(settings: dict[str, object]) -> str:
    told = {name: settings.get(name) for name in ("models", "interactions", "seed")}
    return json.dumps(told, sort_keys=True)


def generators_on(context: RunContext, cut_day: date) -> pl.DataFrame:
    """model, setting, user_id, ndcg (as measuring.Measures.values) of the day's generators, fitted before `cut_day`."""
    log.info("gate: settings and holdout are new, so the generators are measured on the holdout from %s too", cut_day)
    settings, history = _quick(context.settings), load_history(context)
    cut = make_cut(history, cut_day, label_types(history, cut_day, settings), settings)
    frame = cut_frame(cut, settings, is_ease_shop(history, settings))
    fused = reciprocal_ranks(frame)
    values = measure(settings, cut, scored_candidates(frame, fused, fused)).values
    return values.filter(pl.col("model") != "ranker")


def _quick(settings: Settings) -> Settings:
    """No intervals: what each user was reached by is all that is asked for."""
    return dataclasses.replace(settings, models=dataclasses.replace(settings.models, bootstrap_draws=1))

"""The two-stage protocol, line by line. With h = horizon_days and cuts T2 = the newest, T2 - h, T2 - 2h, …:

1 generators are fitted on the history before a cut T1, and on nothing else;
2 they propose candidates to each user drawn for that cut;
3 labels are what the user bought in [T1, T1 + h); in a shop that sells little what the user put into the cart and
  favoured too, or even viewed (cuts.LABEL_TYPES), decided once for all cuts from what happened in [T2, T2 + h);
4 features are computed as of T1;
5 the ranker is fitted on (candidates, labels) of several cuts, grouped by user, negatives drawn from candidates; the
  ranker that is measured learns from cuts whose labels end at T2 or before;
6 it is measured on [T2, T2 + h), with generators fitted before T2, users drawn, the catalogue full; candidate recall
  is reported apart from the order, each generator's own and marginal recall too, repeat and discovery apart; where
  nothing could be learnt so, as in a young shop, the order without a ranker is what is measured;
7 the ranker that serves is fitted again with T2 as its newest cut, and generators on everything before as_of;
8 shards of users are scored (recsys.models.scoring).

T2 + h lies at the as-of date or less than training_interval_days before it: cuts lie on a grid, so that the days
between two of its lines share one ranker, found in the lake by the digest of all that it hangs on.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from recsys.config import Settings
from recsys.features.assemble import feature_names
from recsys.features.build import load_history
from recsys.features.history import History
from recsys.models import registry
from recsys.models.calibration import calibration_row
from recsys.models.candidates import GeneratorSet, als_of, fit_generators_on, is_ease_shop, with_generator
from recsys.models.cold_candidates import fit_cold_candidates
from recsys.models.cold_items import fit_new_items
from recsys.models.cuts import cut_days, cut_frame, cut_key, is_usable, label_types, make_cut, sampled
from recsys.models.leaks import cut_evidence
from recsys.models.measuring import measure, scored_candidates
from recsys.models.model_card import artefact_digests, write_card
from recsys.models.ranker import fit_ranker, score
from recsys.models.repeat_purchase import save_repeat_purchase
from recsys.run import Counts, RunContext
from recsys.schemas import OFFLINE_METRICS
from recsys.storage import write_partition

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What a ranker is trained from: the newest cut, which is measured, and usable ones before it, with their keys."""

    newest: date
    cuts: dict[date, str]
    types: tuple[str, ...]
    with_ease: bool
    evidence: dict[date, dict[str, Any]]

    @property
    def key(self) -> str:
        """Hexadecimal digest of everything that the ranker hangs on."""
        told = {str(day): key for day, key in self.cuts.items()}
        return hashlib.sha256(json.dumps([str(self.newest), told], sort_keys=True).encode()).hexdigest()[:32]


def train_ranker(context: RunContext) -> Counts:
    """Train, measure, train again with the newest cut; write ranker, model card and offline metrics of the day.

    Where the lake holds a ranker trained from the same cuts (of another day of the week, say), that one is taken.
    """
    history = load_history(context)
    plan = plan_training(history, context.as_of_date, context.settings)
    trained = registry.read_trained(context.lake, plan.newest, plan.key)
    reused = trained is not None
    if trained is None:
        trained = _train(context, history, plan)
        registry.write_trained(context.lake, plan.newest, plan.key, trained)
    else:
        log.info("train_ranker: the ranker of the cut at %s fits this day, taken from the lake", plan.newest)
    registry.save_ranker(context.lake, context.as_of_date, trained.ranker)
    registry.write_json(context.lake, context.as_of_date, "training", {**_record(plan), "measured": trained.measured})
    version = context.settings.fingerprint()
    metrics = trained.metrics.with_columns(as_of_date=pl.lit(context.as_of_date), model_version=pl.lit(version))
    rows = write_partition(context.lake, OFFLINE_METRICS, metrics, as_of_date=context.as_of_date)
    write_card(context, history, trained, metrics, plan.types)
    return {**trained.counts, "features": len(trained.ranker.features), "metrics": rows, "reused": int(reused)}


def fit_generators(context: RunContext) -> Counts:
    """Fit the generators on everything before the as-of date and write them."""
    history = load_history(context)
    with_ease = is_ease_shop(history, context.settings)
    recent = history.before(context.as_of, context.settings.models.history_days)
    fitted = _with_new_items(context, recent, fit_generators_on(recent, context.settings, with_ease))
    registry.save_generators(context.lake, context.as_of_date, fitted)
    save_repeat_purchase(context, history)
    registry.write_json(context.lake, context.as_of_date, "versions", artefact_digests(fitted))
    return {"generators": len(fitted.generators), "users": len(history.users), "items": len(history.items)}


def _with_new_items(context: RunContext, history: History, fitted: GeneratorSet) -> GeneratorSet:
    """`fitted` and the generator of new items, whose model is written for the list new_arrivals too."""
    als, k = als_of(fitted), context.settings.new_items.candidates
    cold = fit_new_items(context, history, als)
    registry.write_arrays(context.lake, context.as_of_date, "cold_items", cold.arrays())
    if als is None or not k or not cold.item_ids:
        return fitted
    return with_generator(fitted, fit_cold_candidates(history, cold, als, k), k)


def plan_training(history: History, as_of_date: date, settings: Settings) -> Plan:
    """Which cuts the day's ranker is trained from. The keys are those of `cut_key`."""
    newest, *older = cut_days(as_of_date, settings.models)
    types, with_ease = label_types(history, newest, settings), is_ease_shop(history, settings)
    days = [day for day in (newest, *older) if day == newest or is_usable(history, day, settings)]
    keys, evidence = {}, {}
    for day in days:
        cut = make_cut(history, day, types, settings)
        keys[day], evidence[day] = cut_key(cut, settings, with_ease), cut_evidence(cut)
    return Plan(newest, keys, types, with_ease, evidence)


def _train(context: RunContext, history: History, plan: Plan) -> registry.Trained:
    settings, models = context.settings, context.settings.models
    past = list(_past_frames(context, history, plan))
    newest = make_cut(history, plan.newest, plan.types, settings)
    whole = cut_frame(newest, settings, plan.with_ease)
    features = feature_names(whole)
    trial = fit_ranker(past, features, models, settings.seed)
    scored, mine = scored_candidates(whole, *score(trial, whole)), sampled(whole, settings)
    # The features of all candidates are the largest thing in memory: nothing below needs them.
    del whole
    registry.write_frame(context.lake, plan.newest, plan.cuts[plan.newest], mine)
    usable = is_usable(history, plan.newest, settings)
    recent = ([mine] if usable else []) + past
    recent = recent[: models.training_cuts]
    days = [day for day in plan.cuts if usable or day != plan.newest][: len(recent)]
    with ThreadPoolExecutor(1) as beside:
        measuring = beside.submit(measure, settings, newest, scored)
        ranker = fit_ranker(recent, features, models, settings.seed)
        measures = measuring.result()
    registry.write_frame(context.lake, plan.newest, f"{plan.key}-values", measures.values)
    metrics = pl.concat([measures.rows, calibration_row(trial, mine, measures.rows)])
    counts = {"cuts": len(recent), "rows": sum(len(frame) for frame in recent)}
    return registry.Trained(ranker, metrics, days, counts, measured=bool(trial.parts) or not ranker.parts)


def _past_frames(context: RunContext, history: History, plan: Plan) -> Iterator[pl.DataFrame]:
    """Sampled frames of the cuts before the newest, newest first; made where the lake lacks them."""
    settings = context.settings
    for day, key in plan.cuts.items():
        if day == plan.newest:
            continue
        frame = registry.read_frame(context.lake, day, key)
        if frame is None:
            cut = make_cut(history, day, plan.types, settings)
            frame = sampled(cut_frame(cut, settings, plan.with_ease), settings)
            registry.write_frame(context.lake, day, key, frame)
        log.info("train_ranker: cut at %s, %d rows to learn from", day, len(frame))
        yield frame


def _record(plan: Plan) -> dict[str, Any]:
    """What the gate and the search for leaks must know of the day's training."""
    cuts = {str(day): {"key": key, **plan.evidence[day]} for day, key in plan.cuts.items()}
    return {"newest": str(plan.newest), "key": plan.key, "cuts": cuts}

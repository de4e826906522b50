"""The gate: new models serve only if they are no worse than the champion's and than a list without a model.

The champion is the newest earlier day whose own models served lists that were published. Both were measured user by
user on their newest matured holdout (within one week of the training grid it is the same one), so differences are
paired over the users in common. Models that fail are kept out: the champion's score the day instead.
"""

from __future__ import annotations

import dataclasses
import logging
from dataclasses import dataclass
from datetime import date

import polars as pl

from recsys import schemas
from recsys.models import registry
from recsys.models.metrics import estimate
from recsys.models.versions import own_version
from recsys.run import Counts, RunContext, RunError
from recsys.storage import list_keys, read_partition, write_partition

log = logging.getLogger(__name__)
NAME = "gate"
"""What a person accepts to let models pass that failed."""
BASELINES = {"all": "decayed_frequency", "repeat": "decayed_frequency", "discover": "popularity"}
"""The list without a model that each part of the holdout is compared with."""


@dataclass(frozen=True)
class Check:
    """One row of gate_verdicts but for what all rows share."""

    check_name: str
    setting: str
    message: str
    passed: bool = True
    severity: str = "stop"
    value: float | None = None
    low: float | None = None
    high: float | None = None
    threshold: float | None = None


def judge_models(context: RunContext) -> Counts:
    """Decide which models serve the day, and write gate_verdicts.

    Raises RunError where models fail, no champion is there and stop_without_champion is set.
    """
    day, gate = context.as_of_date, context.settings.gate
    champion = find_champion(context)
    checks = compare(context, champion)
    failed = [check for check in checks if check.severity == "stop" and not check.passed]
    accepted = bool(failed) and NAME in context.accepted.checks
    keeps_out = bool(failed) and not accepted
    if keeps_out and champion is None and gate.stop_without_champion:
        raise RunError(f"the models of {day} fail and no champion is there: {'; '.join(c.message for c in failed)}")
    serving = champion if keeps_out and champion is not None else day
    verdict = _verdict(failed, champion, serving, accepted, day)
    for check in (*failed, verdict):
        log.log(logging.WARNING if failed else logging.INFO, "gate: %s", check.message)
    version = own_version(context)
    served = version if serving == day else registry.read_serving(context.lake, serving).model_version
    registry.write_serving(context.lake, day, registry.Serving(serving, served or version))
    _write(context, [*checks, verdict], champion, serving, accepted, version)
    return {"checks": len(checks), "failed": len(failed), "models_of": str(serving), "accepted": int(accepted)}


def find_champion(context: RunContext) -> date | None:
    """The newest day before the as-of date whose own models served lists that readers saw."""
    held = (date.fromisoformat(key) for key in list_keys(context.lake, schemas.PUBLISHED_LISTS))
    for day in sorted((day for day in held if day < context.as_of_date), reverse=True):
        serving = registry.read_serving(context.lake, day)
        if serving.model_version is not None and serving.models_of == day:
            return day
    return None


def compare(context: RunContext, champion: date | None) -> list[Check]:
    """Every check of the day's models, against baselines and, where there is one, the champion."""
    own, lake, settings = holdout_values(context, context.as_of_date), context.lake, context.settings
    draws = settings.models.bootstrap_draws
    checks = []
    ranker = own.filter(pl.col("model") == "ranker")
    for setting, baseline in BASELINES.items():
        other = own.filter(pl.col("model") == baseline)
        name = f"ranker above {baseline}"
        checks.append(_paired(context, name, setting, ranker, other, settings.gate.max_loss, draws))
    metrics = read_partition(lake, schemas.OFFLINE_METRICS, as_of_date=context.as_of_date)
    checks += _calibration(context, metrics)
    if champion is None:
        return checks
    theirs = holdout_values(context, champion)
    for setting in BASELINES:
        other = theirs.filter(pl.col("model") == "ranker")
        checks.append(_paired(context, "ranker above champion", setting, ranker, other, settings.gate.max_loss, draws))
    checks += _generators(context, own, theirs)
    return checks + _coverage(context, metrics, read_partition(lake, schemas.OFFLINE_METRICS, as_of_date=champion))


def holdout_values(context: RunContext, day: date) -> pl.DataFrame:
    """model, setting, user_id, ndcg of the models of `day` on their holdout. Raises RunError where they are missing."""
    told = registry.read_json(context.lake, day, "training")
    values = registry.read_frame(context.lake, date.fromisoformat(told["newest"]), f"{told['key']}-values")
    if values is None:
        raise RunError(f"the lake lacks what the models of {day} reached on their holdout: run train_ranker again")
    return values


def _paired(
    context: RunContext, name: str, setting: str, own: pl.DataFrame, other: pl.DataFrame, max_loss: float, draws: int
) -> Check:
    mine, theirs = (frame.filter(pl.col("setting") == setting) for frame in (own, other))
    both = mine.join(theirs.select("user_id", other="ndcg"), on="user_id").sort("user_id")
    if len(both) < context.settings.gate.min_users:
        return Check(name, setting, f"{name}: {len(both)} users in common are too few to tell", severity="info")
    values = both.select(pl.col("ndcg", "other").cast(pl.Float64)).to_numpy()
    told = estimate(values[:, 0] - values[:, 1], draws, context.settings.seed)
    rival = float(values[:, 1].mean())
    limit = -max_loss * rival
    passed = not (told.high < 0 and told.value < limit)
    text = f"{name} ({setting}): ndcg@10 {values[:, 0].mean():.4f} against {rival:.4f} over {len(both)} users"
    return Check(name, setting, text, passed, "stop", told.value, told.low, told.high, limit)


def _generators(context: RunContext, own: pl.DataFrame, theirs: pl.DataFrame) -> list[Check]:
    """Each generator against the champion's, where it proposes well enough to have something to lose."""
    gate, checks = context.settings.gate, []
    means = theirs.group_by("model", "setting").agg(pl.col("ndcg").cast(pl.Float64).mean()).sort("model", "setting")
    others = {"ranker", *BASELINES.values()}
    for model, setting, mean in means.iter_rows():
        if model in others or setting == "all" or mean < gate.min_generator_ndcg:
            continue
        mine, rival = (frame.filter(pl.col("model") == model) for frame in (own, theirs))
        if mine.is_empty():
            continue
        loss = gate.max_generator_loss
        checks.append(_paired(context, f"{model} above champion's", setting, mine, rival, loss, draws=200))
    return checks


def _coverage(context: RunContext, own: pl.DataFrame, theirs: pl.DataFrame) -> list[Check]:
    mine, other = (_metric(frame, "all", "coverage@10") for frame in (own, theirs))
    if mine is None or not other:
        return []
    limit = context.settings.gate.min_coverage_share * other
    text = f"the first ten places show {mine:.2%} of the items, the champion's {other:.2%}"
    return [Check("coverage", "all", text, mine >= limit, "stop", mine, threshold=limit)]


def _calibration(context: RunContext, metrics: pl.DataFrame) -> list[Check]:
    value = _metric(metrics, "all", "expected over actual")
    if value is None:
        return []
    limit = 1 + context.settings.gate.max_calibration_error
    text = f"{value:.2f} times as many purchases expected as came"
    return [Check("calibration", "all", text, 1 / limit <= value <= limit, "warn", value, threshold=limit)]


def _metric(metrics: pl.DataFrame, setting: str, metric: str) -> float | None:
    told = (pl.col("model") == "ranker") & (pl.col("setting") == setting) & (pl.col("metric") == metric)
    values = metrics.filter(told)["value"]
    return float(values[0]) if len(values) else None


def _verdict(failed: list[Check], champion: date | None, serving: date, accepted: bool, day: date) -> Check:
    if not failed:
        return Check("verdict", "", f"the models of {day} pass and serve")
    names = ", ".join(dict.fromkeys(f"{check.check_name} ({check.setting})" for check in failed))
    text = f"the models of {day} fail ({names}); "
    if accepted:
        text += "they serve, accepted by a person"
    elif champion is None:
        text += "they serve all the same: no champion is there"
    else:
        text += f"those of {serving} serve instead"
    return Check("verdict", "", text, passed=False)


def _write(
    context: RunContext, checks: list[Check], champion: date | None, serving: date, accepted: bool, version: str
) -> None:
    kinds = pl.DataFrame(schemas.GATE_VERDICTS.empty_table()).schema
    told = context.accepted if accepted else None
    shared = {
        "as_of_date": context.as_of_date,
        "champion_date": champion,
        "models_of": serving,
        "accepted_by": told.who if told else None,
        "accepted_why": told.why if told else None,
        "model_version": version,
    }
    rows = pl.DataFrame([{**shared, **dataclasses.asdict(check)} for check in checks], schema=kinds)
    rows = rows.sort(schemas.GATE_VERDICTS.key)
    write_partition(context.lake, schemas.GATE_VERDICTS, rows, as_of_date=context.as_of_date)

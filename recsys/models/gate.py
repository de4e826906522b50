"""The gate: new models serve only if they are no worse than the champion's and than a list without a model.

The champion is the newest earlier day whose own models passed and served lists that were published. Both were measured
user by user on their newest matured holdout (within one week of the training grid it is the same one), so differences
are paired over the users in common. Two holdouts are not equally hard: across them the champion's figures are scaled by
what a list without a model reached on each, and generators of new settings are measured on the champion's holdout too.
Models that fail are kept out: the champion's score the day instead.

A ranker that learnt from the newest cut alone was not measured: the holdout knows the order without a ranker. It is not
judged against a list without a model, and its day is no champion.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date

import polars as pl

from recsys import schemas
from recsys.models import registry
from recsys.models.metrics import estimate
from recsys.models.remeasuring import are_settings_new, generators_on
from recsys.models.verdicts import NAME, Check, Judged, declared, stopping, verdict_rows, write_verdicts
from recsys.models.versions import own_version
from recsys.run import Counts, RunContext, RunError
from recsys.storage import Lake, days_of, read_partition, read_partition_if_any

log = logging.getLogger(__name__)
BASELINES = {"all": "decayed_frequency", "repeat": "decayed_frequency", "discover": "popularity"}
"""The list without a model that tells how hard a part of the holdout is, and that the ranker is compared with there."""
OTHER_BASELINES = (("all", "popularity"),)
"""Where hardly anything is bought again, decayed frequency reaches nothing, and any order is above it."""


def judge_models(context: RunContext) -> Counts:
    """Decide which models serve the day, and write gate_verdicts.

    Raises RunError where models fail, no champion is there and stop_without_champion is set.
    """
    day, gate = context.as_of_date, context.settings.gate
    champion = find_champion(context)
    checks = declared(context, compare(context, champion))
    failed = stopping(checks)
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
    judged = Judged(champion, serving, version)
    write_verdicts(context, verdict_rows(context, [*checks, verdict], judged, accepted))
    return {"checks": len(checks), "failed": len(failed), "models_of": str(serving), "accepted": int(accepted)}


def find_champion(context: RunContext) -> date | None:
    """The newest day before the as-of date whose own models passed, or a person let pass, and served lists that readers
    saw.

    Models that failed and served only because no champion was there are none: better ones would give way to them. Nor
    are those of which nothing was measured, such as those of a shop's first days: they passed untried.
    """
    held = days_of(context.lake, schemas.PUBLISHED_LISTS)
    for day in reversed([day for day in held if day < context.as_of_date]):
        serving = registry.read_serving(context.lake, day)
        if serving.model_version is not None and serving.models_of == day and _passed(context.lake, day):
            return day
    return None


def _passed(lake: Lake, day: date) -> bool:
    """Whether the models of a judged day passed, measured, or a person let them pass."""
    rows = read_partition_if_any(lake, schemas.GATE_VERDICTS, as_of_date=day)
    check, of_all = pl.col("check_name"), pl.col("setting") == "all"
    untried = rows.filter((check == above(BASELINES["all"])) & of_all & pl.col("value").is_null()).height > 0
    verdict = rows.filter(check == "verdict")
    return verdict.filter((pl.col("passed") & (not untried)) | pl.col("accepted_by").is_not_null()).height > 0


def above(other: str) -> str:
    """Name of the check that the ranker is no worse than `other`."""
    return f"ranker above {other}"


def compare(context: RunContext, champion: date | None) -> list[Check]:
    """Every check of the day's models, against baselines and, where there is one, the champion."""
    own, lake, gate = reached(context, context.as_of_date), context.lake, context.settings.gate
    checks = [
        _paired(context, above(baseline), setting, _Sides(own, own, "ranker", baseline), gate.max_loss)
        for setting, baseline in (*BASELINES.items(), *OTHER_BASELINES)
    ]
    if not own.measured:
        checks = [_not_judged(check) for check in checks]
    metrics = read_partition(lake, schemas.OFFLINE_METRICS, as_of_date=context.as_of_date)
    checks += _calibration(context, metrics)
    if champion is None:
        return checks
    # What a champion reached is asked of models that were not measured too: it does not give way to what nobody knows.
    theirs = reached(context, champion)
    ranker = _Sides(own, theirs, "ranker", "ranker")
    loss = gate.max_loss if ranker.same_holdout else gate.max_loss_other_holdout
    checks += [_paired(context, above("champion"), setting, ranker, loss) for setting in BASELINES]
    if not ranker.same_holdout and are_settings_new(context, champion):
        own = Reached(theirs.cut, generators_on(context, theirs.cut))
    checks += _generators(context, own, theirs)
    return checks + _coverage(context, metrics, read_partition(lake, schemas.OFFLINE_METRICS, as_of_date=champion))


@dataclass(frozen=True)
class Reached:
    """model, setting, user_id, ndcg of a day's models on their holdout, which begins at `cut`; `measured`: whether
    the ranker's are those of a ranker (registry.Trained)."""

    cut: date
    values: pl.DataFrame
    measured: bool = True

    def of(self, model: str, setting: str) -> pl.DataFrame:
        """user_id, ndcg (f64): what a model reached for each user."""
        wanted = (pl.col("setting") == setting) & (pl.col("model") == model)
        return self.values.filter(wanted).select("user_id", pl.col("ndcg").cast(pl.Float64))


def reached(context: RunContext, day: date) -> Reached:
    """What the models of `day` reached on their holdout. Raises RunError where that is missing."""
    told = registry.read_json(context.lake, day, "training")
    cut = date.fromisoformat(told["newest"])
    values = registry.read_frame(context.lake, cut, f"{told['key']}-values")
    if values is None:
        raise RunError(f"the lake lacks what the models of {day} reached on their holdout: run train_ranker again")
    return Reached(cut, values, told.get("measured", True))


@dataclass(frozen=True)
class _Sides:
    """Whose model is compared with whose."""

    own: Reached
    theirs: Reached
    model: str
    other: str

    @property
    def same_holdout(self) -> bool:
        return self.own.cut == self.theirs.cut


def _paired(context: RunContext, name: str, setting: str, sides: _Sides, max_loss: float, draws: int = 0) -> Check:
    """Paired over the users in common; what the other reached on another holdout is first made as hard as this one."""
    both = sides.own.of(sides.model, setting).join(sides.theirs.of(sides.other, setting), on="user_id", suffix="_other")
    both = both.sort("user_id")
    if len(both) < context.settings.gate.min_users:
        return Check(name, setting, f"{name}: too few users in common to tell ({len(both)})", severity="info")
    factor = 1.0 if sides.same_holdout else _hardness(sides, setting, both["user_id"])
    mine, other = both["ndcg"].to_numpy(), both["ndcg_other"].to_numpy() * factor
    rival = float(other.mean())
    told = estimate(mine - other, draws or context.settings.models.bootstrap_draws, context.settings.seed)
    limit = -max_loss * rival
    passed = not (told.high < 0 and told.value < limit)
    text = f"{name} ({setting}): ndcg@10 {mine.mean():.4f} against {rival:.4f} over {len(both)} users"
    if not sides.same_holdout:
        text += f", on another holdout and scaled by {factor:.3f}, as {BASELINES[setting]} went"
    return Check(name, setting, text, passed, "stop", told.value, told.low, told.high, limit)


def _not_judged(check: Check) -> Check:
    """The remark in place of a comparison in which the order without a ranker stood in for the ranker."""
    if check.value is None:
        return check
    text = f"{check.message}, reached without a ranker: the one that serves learnt from this holdout and is not judged"
    return Check(check.check_name, check.setting, text, severity="info")


def _hardness(sides: _Sides, setting: str, user_ids: pl.Series) -> float:
    """What the list without a model reached on our holdout over what it reached on theirs, for the same users."""
    means = []
    for side in (sides.own, sides.theirs):
        base = side.of(BASELINES[setting], setting).filter(pl.col("user_id").is_in(user_ids.implode()))
        means.append(float(base["ndcg"].sort().to_numpy().mean()))
    return means[0] / means[1] if min(means) > 0 else 1.0


def _generators(context: RunContext, own: Reached, theirs: Reached) -> list[Check]:
    """Each generator against the champion's, where it proposes well enough to have something to lose."""
    gate, checks = context.settings.gate, []
    means = theirs.values.group_by("model", "setting").agg(pl.col("ndcg").cast(pl.Float64).mean())
    others, known = {"ranker", *BASELINES.values()}, set(own.values["model"])
    for model, setting, mean in means.sort("model", "setting").iter_rows():
        if model in others or model not in known or setting == "all" or mean < gate.min_generator_ndcg:
            continue
        sides = _Sides(own, theirs, model, model)
        loss = gate.max_generator_loss if sides.same_holdout else gate.max_generator_loss_other_holdout
        checks.append(_paired(context, f"{model} above champion's", setting, sides, loss, draws=200))
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

"""The second half of the gate: the day's lists beside those that readers saw last, before anything is staged.

Models can be sound and lists still be wrong: the join that lost all histories leaves nothing but fallbacks, a rule
that went wild leaves the same ten items for everybody. Only users of both days are compared, so that new users, who
start with fallbacks, are no alarm.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from datetime import date

import polars as pl

from recsys import schemas
from recsys.claims import claimed_minutes
from recsys.models.verdicts import (
    FALLBACKS,
    LIST_CHECKS,
    LISTS_COVERAGE,
    NAME,
    OVERLAP,
    RUNTIME,
    Check,
    Judged,
    declared,
    stopping,
    verdict_rows,
    write_verdicts,
)
from recsys.recommendations.published_lists import last_published, scan_lists
from recsys.recommendations.realised import TOP
from recsys.run import Counts, RunContext, RunError
from recsys.storage import Lake, read_partition, scan_partitions, shards_of

log = logging.getLogger(__name__)
_QUARTER_HOUR = 15.0


@dataclass(frozen=True)
class Tops:
    """First places of a day's lists: `rows` (list, user_id, item_id, fallback) of drawn users, `items` by list (how
    many different ones anybody is shown)."""

    rows: pl.DataFrame
    items: dict[str, int]


def judge_lists(context: RunContext) -> Counts:
    """Add what the lists themselves show to the day's gate_verdicts, once recommend_users has written all shards.

    Raises RunError where a check that means a stop fails and nobody accepted it: nothing is staged, and readers keep
    the lists they have.
    """
    before = last_published(context.lake, context.as_of_date, context.settings.gate.compared_days)
    checks = declared(context, [*list_checks(context, before), *runtime_check(context)])
    failed = stopping(checks)
    accepted = bool(failed) and NAME in context.accepted.checks
    held = read_partition(context.lake, schemas.GATE_VERDICTS, as_of_date=context.as_of_date)
    verdict = held.filter(pl.col("check_name") == "verdict").row(0, named=True)
    judged = Judged(verdict["champion_date"], verdict["models_of"], verdict["model_version"])
    models = held.filter(~pl.col("check_name").is_in(LIST_CHECKS))
    write_verdicts(context, pl.concat([models, verdict_rows(context, checks, judged, accepted)]))
    for check in checks:
        log.log(logging.INFO if check.passed else logging.WARNING, "gate: %s", check.message)
    if failed and not accepted:
        told = "; ".join(check.message for check in failed)
        raise RunError(f"the lists of {context.as_of_date} are not published: {told} (accept {NAME} to let them pass)")
    return {"checks": len(checks), "failed": len(failed), "compared_with": str(before), "accepted": int(accepted)}


def list_checks(context: RunContext, before: date | None) -> list[Check]:
    """Share of fallbacks, items and overlap with the lists of `before`, list by list; what is gone shows none."""
    if before is None:
        return [Check(OVERLAP, "", "no lists of the days before to compare with", severity="info")]
    gate, draw = context.settings.gate, _one_in(context)
    now, then = (read_tops(context.lake, day, draw, context.settings.seed) for day in (context.as_of_date, before))
    checks = []
    for name in sorted({*now.items, *then.items}):
        if name not in now.items:
            checks.append(_coverage(context, name, 0, then.items[name]))
            continue
        mine, theirs = (tops.rows.filter(pl.col("list") == name) for tops in (now, then))
        mine = mine.join(theirs.select("user_id").unique(), on="user_id", how="semi")
        theirs = theirs.join(mine.select("user_id").unique(), on="user_id", how="semi")
        users = mine["user_id"].n_unique()
        if users < gate.min_users:
            text = f"{name}: too few users of both days to tell ({users})"
            checks.append(Check(OVERLAP, name, text, severity="info"))
            continue
        checks += [_fallbacks(context, name, mine, theirs), _overlap(context, name, mine, theirs, before)]
        checks.append(_coverage(context, name, now.items[name], then.items.get(name, 0)))
    return checks


def read_tops(lake: Lake, day: date, one_in: int, seed: int) -> Tops:
    """The first TOP places of the day's lists: rows of one in `one_in` users, items of all of them."""
    rows = scan_lists(lake, day).filter(pl.col("rank") <= TOP)
    drawn = rows if one_in == 1 else rows.filter(pl.col("user_id").hash(seed) % one_in == 0)
    counted = rows.group_by("list").agg(pl.col("item_id").n_unique()).sort("list")
    told = drawn.select("list", "user_id", "item_id", "fallback").collect()
    return Tops(told, {str(name): int(items) for name, items in counted.collect().iter_rows()})


def _one_in(context: RunContext) -> int:
    shards = shards_of(context.lake, schemas.SHARD_COUNTS, as_of_date=context.as_of_date)
    users = scan_partitions(context.lake, schemas.SHARD_COUNTS, shards).select(pl.col("users").sum()).collect().item()
    return max(1, round(users / max(context.settings.gate.compared_users, 1)))


def _fallbacks(context: RunContext, name: str, mine: pl.DataFrame, theirs: pl.DataFrame) -> Check:
    now, then = (1 - rows["fallback"].null_count() / len(rows) for rows in (mine, theirs))
    limit = then + context.settings.gate.max_fallback_rise
    text = f"{name}: {now:.1%} of the first places are fallbacks, before {then:.1%}"
    return Check(FALLBACKS, name, text, now <= limit, "stop", now, threshold=limit)


def _overlap(context: RunContext, name: str, mine: pl.DataFrame, theirs: pl.DataFrame, before: date) -> Check:
    kept = len(theirs.join(mine, on=["user_id", "item_id"], how="semi")) / len(theirs)
    limit = context.settings.gate.min_overlap
    text = f"{name}: {kept:.1%} of the first places of {before} are still there"
    return Check(OVERLAP, name, text, kept >= limit, "warn", kept, threshold=limit)


def _coverage(context: RunContext, name: str, now: int, then: int) -> Check:
    limit = context.settings.gate.min_coverage_share * then
    text = f"{name}: the first places show {now} different items, before {then}"
    return Check(LISTS_COVERAGE, name, text, now >= limit, "warn", now, threshold=limit)


def runtime_check(context: RunContext) -> list[Check]:
    """How long the run has held its day, in quarters of an hour begun; none for a run without a claim."""
    minutes = claimed_minutes(context)
    if minutes is None:
        return []
    # Coarse on purpose: rows of two runs of one day should differ only where something worth knowing did.
    told, limit = math.ceil(minutes / _QUARTER_HOUR) * _QUARTER_HOUR, context.settings.gate.max_run_minutes
    text = f"the run took at most {told:.0f} minutes until its lists were there"
    return [Check(RUNTIME, "", text, minutes <= limit, "warn", told, threshold=limit)]

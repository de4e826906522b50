"""The lists of every user: users are planned into shards, each shard is one task of bounded memory.

A shard scores its users in batches, one batch ahead of those that are written, so that memory depends on neither the
number of users nor the size of a shard.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from recsys import schemas
from recsys.data.events import read_events
from recsys.features.item_space import ItemSpace, load_item_space
from recsys.models import scoring
from recsys.models.versions import model_version
from recsys.recommendations.experiments import write_assignments
from recsys.recommendations.exploration import ARMS, arms, with_exploration
from recsys.recommendations.fallback import trending_by_segment
from recsys.recommendations.lists import SCORED, SCORES, TOPPED_UP, build_lists
from recsys.recommendations.new_arrivals import NewDay, load_new_day, new_arrivals
from recsys.recommendations.reasons import add_reasons
from recsys.recommendations.repeat_chances import RepeatDay, load_repeat_day, with_repeat_chances
from recsys.recommendations.row_facts import with_als_anchors, with_top_features
from recsys.recommendations.rules import blocked_items, drop_blocked, rules_switched_off, users_with_consent
from recsys.recommendations.stock_cover import exposed, read_stock_cover
from recsys.recommendations.trending_items import expectations, fallback_items, write_trending
from recsys.recommendations.variety import vary
from recsys.run import Counts, RunContext
from recsys.storage import delete_partitions, read_partition, write_batches, write_partition
from recsys.threads import ahead

log = logging.getLogger(__name__)

_ARM_EVENTS = ["user_id", "item_id", "event_type", "occurred_at"]
BATCH_USERS = 500
"""Users scored and written at once; the next ones are scored beside it."""


@dataclass(frozen=True)
class _Day:
    """What every batch of a day shares."""

    items: pl.DataFrame
    users: pl.DataFrame
    popular: pl.DataFrame
    blocked: pl.DataFrame
    cover: pl.DataFrame
    space: ItemSpace
    repeats: RepeatDay
    arrivals: NewDay
    choice: pl.DataFrame


def plan_user_shards(context: RunContext) -> Counts:
    """Write the day's shards of users, trending_items and, from them, its fallback items, and arms of experiments.

    Lists of the day that an earlier run left are deleted.

    Users are all those with an event in the look-back window or a row in the users snapshot, in the order of their
    ids; a shard is the next `users_per_shard` of them. There is always a first shard, be it empty.
    """
    day = {"as_of_date": context.as_of_date}
    rules = context.settings.rules
    items, users = (_snapshot(context, table) for table in (schemas.ITEMS, schemas.USERS))
    stock = read_stock_cover(context, items)
    for name in rules_switched_off(items, stock, users, rules):
        log.info("the rule %s is off: the shop delivers no row of the table it reads", name)
    events = read_events(context, columns=["user_id", "item_id", "event_type", "occurred_at"])
    popular = trending_by_segment(events, users, context.as_of, context.settings.interactions)
    popular = drop_blocked(popular, blocked_items(items, stock, context.as_of, rules))
    trending = write_trending(context, popular, expectations(context, events, items, users))
    write_partition(context.lake, schemas.FALLBACK_ITEMS, fallback_items(trending), **day)
    active = events.select("user_id").unique().collect()
    everybody = pl.concat([active, users.select("user_id")]).unique().sort("user_id")
    for table in (schemas.USER_SHARDS, schemas.USER_RECOMMENDATIONS, schemas.SHARD_COUNTS, schemas.PUBLISHED_LISTS):
        delete_partitions(context.lake, table, **day)
    write_assignments(context, everybody["user_id"])
    size = max(rules.users_per_shard, 1)
    starts = range(0, max(everybody.height, 1), size)
    for shard, start in enumerate(starts):
        write_partition(context.lake, schemas.USER_SHARDS, everybody.slice(start, size), **day, shard=shard)
    return {"shards": len(starts), "users": everybody.height}


def recommend_users(context: RunContext, shard: int) -> Counts:
    """Score the users of `shard`, apply the rules, and write their ranked lists with reasons into the lake.

    A rerun replaces the shard's partition whole. Raises LakeError when the shard was not planned.
    """
    keys = {"as_of_date": context.as_of_date, "shard": shard}
    user_ids = read_partition(context.lake, schemas.USER_SHARDS, **keys)["user_id"].to_list()
    counts = Counter(shard=shard, users=len(user_ids), scored_users=0, candidates=0)
    batches = _batches(context, user_ids, counts) if user_ids else iter(())
    counts["rows"] = write_batches(context.lake, schemas.USER_RECOMMENDATIONS, batches, **keys)
    write_partition(context.lake, schemas.SHARD_COUNTS, pl.DataFrame([dict(counts)]), **keys)
    return dict(counts)


def _batches(context: RunContext, user_ids: list[str], counts: Counter[str]) -> Iterator[pa.Table]:
    day = _read_day(context)
    scorer = scoring.load_scorer(context)
    version = model_version(context)
    bought, explained = bought_items(context, user_ids), context.settings.explain

    def scored_batches() -> Iterator[tuple[list[str], list[str], scoring.Scored]]:
        for start in range(0, len(user_ids), BATCH_USERS):
            batch = user_ids[start : start + BATCH_USERS]
            agreed = users_with_consent(batch, day.users, context.settings.rules)
            yield batch, agreed, scoring.score_with_features(scorer, agreed, explained.rows_a_list and explained.depth)

    # Neither scoring users nor wording their lists keeps two processors busy.
    for batch, agreed, told in ahead(scored_batches()):
        scored = _as_scored(told.rows)
        scored = exposed(scored, day.cover, tuple(SCORES.values()), context.settings.rules.stock_exposure)
        counts["candidates"] += scored.height
        counts["scored_users"] += scored["user_id"].n_unique()
        own = bought.filter(pl.col("user_id").is_in(agreed))
        rows = _lists_of_batch(context, day, batch, agreed, scored, own)
        rows = with_als_anchors(rows, scorer, context.settings.models)
        rows = add_reasons(rows, day.items, own, context.settings.language)
        rows = with_top_features(rows, told.features, scorer, explained.rows_a_list)
        rows = rows.with_columns(as_of_date=pl.lit(context.as_of_date), model_version=pl.lit(version))
        yield rows.select(schemas.USER_RECOMMENDATIONS.column_names).to_arrow()


def _lists_of_batch(
    context: RunContext,
    day: _Day,
    batch: list[str],
    agreed: list[str],
    scored: pl.DataFrame,
    bought: pl.DataFrame,
) -> pl.DataFrame:
    segments = pl.DataFrame({"user_id": batch}, schema={"user_id": pl.String}).join(
        day.users.select("user_id", "segment"), on="user_id", how="left"
    )
    day_rules = context.settings.rules
    lists = build_lists(
        scored,
        _cold_lists(batch, agreed, scored),
        segments,
        day.popular,
        bought,
        day.blocked,
        day.items,
        day_rules,
    )
    lists = vary(lists, day.space, bought, context.settings.variety)
    lists = with_exploration(lists, day.choice, segments, bought, context)
    arrived = new_arrivals(agreed, day.arrivals, bought, day.blocked, day.items, day_rules)
    return with_repeat_chances(pl.concat([lists, arrived], how="diagonal"), day.repeats, context)


def _cold_lists(batch: list[str], agreed: list[str], scored: pl.DataFrame) -> pl.DataFrame:
    """list, user_id to fill with fallbacks: users without history, and users who withdrew consent.

    The latter get no `discover`: to know what they never bought would take the history they do not lend.
    """
    warm = set(scored["user_id"].to_list())
    willing = set(agreed)
    pairs = [
        (name, user_id)
        for user_id in batch
        if user_id not in warm
        for name in (TOPPED_UP if user_id in willing else TOPPED_UP[:1])
    ]
    return pl.DataFrame(pairs, schema={"list": pl.String, "user_id": pl.String}, orient="row")


def _as_scored(frame: pl.DataFrame) -> pl.DataFrame:
    if frame.is_empty():
        return pl.DataFrame(schema=SCORED)
    return frame.select(SCORED.keys()).cast(SCORED)  # type: ignore[arg-type]


def _read_day(context: RunContext) -> _Day:
    items, users = (_snapshot(context, table) for table in (schemas.ITEMS, schemas.USERS))
    cover = read_stock_cover(context, items)
    blocked = blocked_items(items, cover, context.as_of, context.settings.rules)
    popular = _snapshot(context, schemas.FALLBACK_ITEMS)
    space, repeats, arrivals = load_item_space(context), load_repeat_day(context), load_new_day(context)
    choice = pl.DataFrame(schema=ARMS)
    if context.settings.new_items.explore_share:
        new = drop_blocked(items.filter(pl.col("item_id").is_in(arrivals.model.item_ids)), blocked)
        choice = arms(read_events(context, columns=_ARM_EVENTS), users, new, context)
    return _Day(items, users, popular, blocked, cover, space, repeats, arrivals, choice)


def bought_items(context: RunContext, user_ids: list[str]) -> pl.DataFrame:
    """user_id, item_id, times (events) of every purchase that the look-back window holds of the users."""
    events = read_events(context, columns=["user_id", "item_id", "event_type"])
    mine = events.filter((pl.col("event_type") == "purchase") & pl.col("user_id").is_in(user_ids))
    return mine.group_by("user_id", "item_id").agg(times=pl.len()).sort("user_id", "item_id").collect()


def _snapshot(context: RunContext, table: schemas.Table) -> pl.DataFrame:
    return read_partition(context.lake, table, as_of_date=context.as_of_date)

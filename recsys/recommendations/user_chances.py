"""What each user is likely to buy next, read from the day's lists, and when they last bought what.

The lists hold the ranker's order of the user's candidates. A place in a list stands for a chance of purchase within
the coming weeks: 0.5 / (1 + place / 15), for `discover` 0.3 times that, because what was never bought before is bought
about a third as often as what stands at the same place of the other lists. Nothing is scored again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import polars as pl

from recsys.data.events import event_day
from recsys.recommendations.lists import is_ranked
from recsys.recommendations.published_lists import scan_shards
from recsys.run import RunContext, RunError

BATCH_USERS = 5_000
"""Users whose chances are held at once; bounds memory."""
LIST_COLUMNS = ["list", "user_id", "rank", "item_id", "fallback", "propensity"]
"""What `list_chances` reads of a list's rows; reasons are most of their bytes."""
_BEST, _HALVES_AT, _DISCOVER = 0.5, 15.0, 0.3


def chance_batches(context: RunContext) -> Iterator[pl.DataFrame]:
    """Chances (columns of `list_chances`) of the users with a personal list, at most BATCH_USERS users at a time.

    Raises RunError where the day has no lists.
    """
    for lists in _shards(context):
        chances = list_chances(lists)
        users = chances["user_id"].unique().sort()
        for start in range(0, len(users), BATCH_USERS):
            batch = users.slice(start, BATCH_USERS)
            yield chances.filter(pl.col("user_id").is_between(pl.lit(batch[0]), pl.lit(batch[-1])))


def chances_of_user(context: RunContext, user_id: str) -> pl.DataFrame:
    """Chances of one user: item_id, chance; no row where the user has no personal list."""
    mine = [list_chances(lists.filter(pl.col("user_id") == user_id)) for lists in _shards(context)]
    empty = pl.DataFrame(schema={"item_id": pl.String, "chance": pl.Float64})
    return pl.concat([empty, *(chances.select("item_id", "chance") for chances in mine)])


def _shards(context: RunContext) -> Iterator[pl.DataFrame]:
    """LIST_COLUMNS of the day's lists, a shard at a time."""
    shards = list(scan_shards(context.lake, context.as_of_date))
    if not shards:
        raise RunError(f"the lake has no user_recommendations of {context.as_of_date}: run recommend_users first")
    for lists in shards:
        yield lists.select(LIST_COLUMNS).collect()


def list_chances(lists: pl.DataFrame) -> pl.DataFrame:
    """user_id, item_id, chance (0 to 1) from the places in the lists; fallback and explored rows say nothing
    about a user."""
    chance = _BEST / (1.0 + pl.col("rank") / _HALVES_AT)
    share = pl.when(pl.col("list") == "discover").then(_DISCOVER).otherwise(1.0)
    # New arrivals are asked for by what they are; their places say little of a purchase.
    personal = lists.filter(is_ranked())
    best = personal.group_by("user_id", "item_id").agg(chance=(chance * share).max())
    return best.sort("user_id", "item_id")


def purchase_rhythm(events: pl.LazyFrame, as_of_date: date, time_zone: str) -> pl.DataFrame:
    """One row per user and item bought in `events`: user_id, item_id, days_ago, usual_gap_days; sorted.

    The usual gap lies between the user's own days of purchase where there are two or more, else it is the median of
    the users who have several; null where nobody has.
    """
    day = event_day(time_zone)
    bought = events.filter((pl.col("event_type") == "purchase") & (pl.col("quantity") > 0))
    days = bought.group_by("user_id", "item_id").agg(
        first=day.min(), last=day.max(), days=day.n_unique()
    ).sort("user_id", "item_id")  # fmt: skip
    own = pl.when(pl.col("days") > 1).then((pl.col("last") - pl.col("first")).dt.total_days() / (pl.col("days") - 1))
    rhythm = days.with_columns(own=own, days_ago=(pl.lit(as_of_date) - pl.col("last")).dt.total_days())
    gap = pl.coalesce("own", pl.col("own").median().over("item_id"))
    return rhythm.select("user_id", "item_id", pl.col("days_ago").cast(pl.Int32), usual_gap_days=gap).collect()


def too_soon(gap_share: float) -> pl.Expr:
    """Whether an item was bought less than this share of its usual gap ago; reads the columns of `purchase_rhythm`."""
    return (pl.col("days_ago") < gap_share * pl.col("usual_gap_days")).fill_null(False)

"""From probabilities to audiences: who is left out, how many are worth contacting, who is kept apart.

Pure functions over frames of campaign_id, way, user_id, probability. Every order ends with the ids, so that ties fall
the same way each day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from recsys.settings.audiences import AudienceSettings

KEYS = ("campaign_id", "way")
_BEST_FIRST = {"by": [*KEYS, "probability", "user_id"], "descending": [False, False, True, False]}
_DAY = 86_400.0


def not_due(facts: pl.DataFrame, cut: datetime, ends_at: datetime, settings: AudienceSettings) -> pl.Series:
    """Ids of users who bought promoted items within the usual gap and are not due again before the campaign ends.

    `facts` has t_last and t_gap (days). Who bought but once has the median gap of the others; where nobody bought
    twice, one purchase is taken to last.
    """
    usual = facts["t_gap"].median()
    gap = pl.col("t_gap").fill_null(usual if isinstance(usual, float) else float("inf")) * settings.gap_share
    days_left = (ends_at - cut).total_seconds() / _DAY
    return facts.filter(pl.col("t_last") + max(days_left, 0.0) < gap)["user_id"]


def within_contact_limit(
    scored: pl.DataFrame, contacts: pl.DataFrame, cut: datetime, settings: AudienceSettings
) -> pl.DataFrame:
    """Rows of `scored` that leave each user at most `max_campaigns` in a period, the likeliest; each way by itself.

    Contacts (schemas.CONTACTS) of the period before `cut` count.
    """
    recent = contacts.filter(pl.col("contacted_at") >= cut - timedelta(days=settings.period_days))
    had = recent.group_by("user_id").agg(had=pl.col("campaign_id").n_unique().cast(pl.Int64))
    ordered = scored.sort("way", "user_id", "probability", "campaign_id", descending=[False, False, True, False])
    place = ordered.with_columns(place=pl.int_range(pl.len()).over("way", "user_id"))
    joined = place.join(had, on="user_id", how="left", maintain_order="left")
    kept = joined.filter(pl.col("place") + pl.col("had").fill_null(0) < settings.max_campaigns)
    return kept.drop("place", "had").sort(**_BEST_FIRST)  # type: ignore[arg-type]


def chosen(
    rows: pl.DataFrame,
    limits: dict[str, dict[str, Any]],
    contacts: pl.DataFrame,
    cut: datetime,
    settings: AudienceSettings,
) -> pl.DataFrame:
    """The rows of `rows` (KEYS, user_id, probability, holdout) that make the audiences, as `sized` returns them."""
    asked = rows.group_by(*KEYS).agg(users=pl.len().cast(pl.Int64))
    kept, ends = rows.clear(), pl.DataFrame(schema=dict.fromkeys([*KEYS, "ended"], pl.String))
    for kept in rounds(rows, contacts, cut, settings, lambda asking: sized(asking, limits, asked, settings)):
        ended = kept.filter(pl.col("sized_by") != "everybody").select(*KEYS, ended="sized_by")
        ends = pl.concat([ended, ends]).unique(list(KEYS), keep="first", maintain_order=True)
    told = kept.join(ends, on=list(KEYS), how="left", maintain_order="left")
    return told.with_columns(sized_by=pl.coalesce("ended", "sized_by")).drop("ended")


def rounds(
    rows: pl.DataFrame,
    contacts: pl.DataFrame,
    cut: datetime,
    settings: AudienceSettings,
    take: Callable[[pl.DataFrame], pl.DataFrame],
) -> Iterator[pl.DataFrame]:
    """What `take`, which cuts audiences to their size, keeps of `rows` in each round; the last one is how it ends.

    Who is not taken by an audience keeps the place for the next likeliest: users ask the campaigns in the order of
    their probabilities, and each keeps the likeliest who asked (deferred acceptance: Gale and Shapley, 1962).
    Otherwise campaigns that nobody answers first of all would be left without an audience beside users who are in none.
    """
    left, ids = rows, [*KEYS, "user_id"]
    while True:
        asking = within_contact_limit(left, contacts, cut, settings)
        kept = take(asking)
        yield kept
        waiting = left.join(asking, on=ids, how="anti")
        refused = asking.join(kept, on=ids, how="anti")
        if refused.join(waiting, on=["way", "user_id"], how="semi").is_empty():
            return
        left = left.join(refused, on=ids, how="anti", maintain_order="left")


def with_holdout(rows: pl.DataFrame, share: float) -> pl.DataFrame:
    """`rows` with `holdout`: about `share` of the users of each campaign, the same ones every day and either way."""
    limit = int(share * (1 << 32))
    kept = [_draw(campaign, user) < limit for campaign, user in rows.select("campaign_id", "user_id").iter_rows()]
    return rows.with_columns(holdout=pl.Series(kept, dtype=pl.Boolean))


def _draw(campaign_id: str, user_id: str) -> int:
    """A number of 32 bits that hangs on the two ids alone."""
    return int.from_bytes(hashlib.sha256(f"{campaign_id}\n{user_id}".encode()).digest()[:4], "big")


def sized(
    rows: pl.DataFrame, limits: dict[str, dict[str, Any]], asked: pl.DataFrame, settings: AudienceSettings
) -> pl.DataFrame:
    """The likeliest of each campaign and way, as many as pay: with rank, decile and sized_by, sorted.

    rows     KEYS, user_id, probability, holdout
    limits   by campaign_id: contacts (that the budget pays for, or None), units (of stock that may go, or None)
    asked    KEYS, users: how many were in question
    Who is kept apart costs no contact and takes no stock. Where no budget is told, a share of the users ends it.
    """
    told = pl.DataFrame(
        [{"campaign_id": name, **limit} for name, limit in limits.items()],
        schema={"campaign_id": pl.String, "contacts": pl.Int64, "units": pl.Float64},
    )
    ordered = rows.sort(**_BEST_FIRST)  # type: ignore[arg-type]
    ordered = ordered.join(told, on="campaign_id", how="left", maintain_order="left")
    ordered = ordered.join(asked, on=list(KEYS), how="left", maintain_order="left")
    contacted = pl.col("holdout").not_()
    ordered = ordered.with_columns(
        rank=(pl.int_range(pl.len()).over(*KEYS) + 1).cast(pl.Int32),
        paid=contacted.cast(pl.Int64).cum_sum().over(*KEYS),
        taken=(pl.col("probability") * contacted * settings.units_a_buyer).cum_sum().over(*KEYS),
    )
    too_dear = (pl.col("paid") > pl.col("contacts")).fill_null(value=False)
    too_many = (pl.col("taken") > pl.col("units")).fill_null(value=False)
    beyond = pl.col("rank") > (pl.col("users") * settings.max_share).ceil()
    first = pl.when(too_dear).then(pl.lit("budget")).when(too_many).then(pl.lit("stock"))
    ended = ordered.with_columns(ended=first.when(pl.col("contacts").is_null() & beyond).then(pl.lit("share")))
    kept = ended.filter(pl.col("ended").is_null())
    # Who is kept apart is an audience only beside somebody who is contacted.
    kept = kept.filter(pl.col("holdout").not_().any().over(*KEYS))
    ends = (
        ended.drop_nulls("ended").unique(list(KEYS), keep="first", maintain_order=True).select(*KEYS, sized_by="ended")
    )
    kept = kept.join(ends, on=list(KEYS), how="left", maintain_order="left")
    decile = (pl.col("rank") - 1) * 10 // pl.len().over(*KEYS) + 1
    kept = kept.with_columns(pl.col("sized_by").fill_null("everybody"), decile=decile.cast(pl.Int32))
    return kept.drop("contacts", "units", "users", "paid", "taken", "ended")


def above_privacy_floor(rows: pl.DataFrame, floor: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`rows` of audiences of at least `floor` users; and KEYS, users of those that are too small to be shown."""
    counts = rows.group_by(*KEYS).agg(users=pl.len()).sort(*KEYS)
    small = counts.filter(pl.col("users") < floor)
    return rows.join(small.select(KEYS), on=list(KEYS), how="anti", maintain_order="left"), small


def contact_limits(
    campaign: dict[str, Any], items: pl.Series, stock: pl.DataFrame, settings: AudienceSettings, made: int = 0
) -> dict[str, Any]:
    """How many contacts the budget of `campaign` (a row of schemas.CAMPAIGNS) pays for beyond the `made` ones, and
    units of stock that may go.

    None: not limited, because the shop does not say. An item that `stock` does not hold has no known units.
    """
    budget, cost = campaign["budget"], campaign["contact_cost"]
    contacts = max(int(budget / cost + 1e-9) - made, 0) if budget is not None and cost else None
    counted = stock.filter(pl.col("item_id").is_in(items.implode()))
    units = float(counted["on_hand"].clip(lower_bound=0.0).sum()) * settings.stock_share if counted.height else None
    return {"contacts": contacts, "units": units}

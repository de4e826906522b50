"""When what a user bought before is due again, and how likely the user is to buy it soon: columns of buy_again."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from recsys.features.build import read_codes
from recsys.features.view_files import codes_among, in_range_of, scan_view
from recsys.models import registry
from recsys.models.repeat_purchase import PAIR_FACTS, USER_FACTS, RepeatPurchase
from recsys.run import RunContext

TOLD = {"probability": pl.Float32, "due_date": pl.Date, "overdue": pl.Boolean}
"""Columns that rows of buy_again have; null in other lists, and where too little is known."""


@dataclass(frozen=True)
class RepeatDay:
    """The day's model of repeat purchases, its id maps, and the views that it reads (lazy, by user code)."""

    model: RepeatPurchase
    user_ids: pl.Series
    item_ids: pl.Series
    pairs: pl.LazyFrame
    users: pl.LazyFrame


def load_repeat_day(context: RunContext) -> RepeatDay:
    """Raises LakeError before build_features and fit_generators ran.

    It is always the day's own, whoever's ranker serves: what is due hangs on yesterday's purchases.
    """
    arrays = registry.read_arrays(context.lake, context.as_of_date, "repeat_purchase")
    user_ids, item_ids = read_codes(context)
    pairs = scan_view(context, "pairs").select("user", "item", *PAIR_FACTS)
    users = scan_view(context, "users").select("user", *USER_FACTS)
    return RepeatDay(RepeatPurchase.from_arrays(arrays, context.settings.repeat), user_ids, item_ids, pairs, users)


def with_repeat_chances(rows: pl.DataFrame, day: RepeatDay, context: RunContext) -> pl.DataFrame:
    """`rows` (list, user_id, item_id) with TOLD, in the same order; due dates are days from the as-of date on."""
    own = rows.filter(pl.col("list") == "buy_again").select("user_id", "item_id")
    told = _told(own, day, context).with_columns(list=pl.lit("buy_again"))
    return rows.join(told, on=["list", "user_id", "item_id"], how="left", maintain_order="left")


def _told(own: pl.DataFrame, day: RepeatDay, context: RunContext) -> pl.DataFrame:
    """user_id, item_id, TOLD of the pairs `own` that were bought."""
    facts = _facts(own, day)
    due = pl.Series("due_in", day.model.due_in(facts)).fill_nan(None)
    chance = pl.Series("probability", day.model.probabilities(facts)).fill_nan(None)
    told = facts.select("user_id", "item_id").with_columns(due, chance)
    date = pl.lit(context.as_of_date) + pl.duration(days=pl.col("due_in").floor().cast(pl.Int64))
    return told.with_columns(due_date=date, overdue=pl.col("due_in") < 0).select("user_id", "item_id", *TOLD).cast(TOLD)  # type: ignore[arg-type]


def _facts(own: pl.DataFrame, day: RepeatDay) -> pl.DataFrame:
    span = in_range_of(codes_among(day.user_ids, own["user_id"].unique()))
    facts = day.pairs.filter(span).collect().join(day.users.filter(span).collect(), on="user")
    named = facts.with_columns(user_id=day.user_ids.gather(facts["user"]), item_id=day.item_ids.gather(facts["item"]))
    return own.join(named, on=["user_id", "item_id"], maintain_order="left")

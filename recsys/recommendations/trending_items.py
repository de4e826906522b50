"""What is trending: items taken by many users lately, and by more than their past, their category and the weekday tell.

A user counts once a day for an item. With baseline days before the recent ones,

    expected = sum over recent days of  rate of the item * factor of the weekday in its category
               * growth of the rest of its category

where the rate is shrunken towards the mean of the category's items, the weekday's factor towards that of all
categories, and the growth towards 1. `above` is observed over expected, both with a prior, so that one purchase of
what nobody buys is no trend. Items are ordered by decayed users times a power of `above`.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from recsys.data.events import event_day
from recsys.recommendations.fallback import has_segment, keep_deepest
from recsys.recommendations.wording import say
from recsys.run import RunContext
from recsys.schemas import TRENDING_ITEMS
from recsys.settings.trending import TrendingSettings
from recsys.storage import write_partition

EVERYBODY = ""
"""Segment of the rows for all users."""
_UNIT = float(1 << 30)
_SURE = 2.0
"""Deviations of what chance gives by which an item must be above its expectation to be called rising."""
_STEADY = 5.0
"""A category is taken to grow or shrink only on this many times the evidence that an item needs."""


def expected_counts(
    events: pl.LazyFrame | pl.DataFrame,
    items: pl.DataFrame,
    users: pl.DataFrame,
    as_of: datetime,
    time_zone: str,
    settings: TrendingSettings,
) -> pl.DataFrame:
    """segment ('' for everybody), item_id, observed, expected, above, category_above of every item taken lately.

    `events` needs user_id, item_id, event_type and occurred_at, `items` item_id and category_path, `users` user_id and
    segment. Purchases count; where they are few, carts, favourites and views do too.
    """
    days = _user_days(events, as_of, time_zone, settings)
    known = users.filter(has_segment()).select("user_id", "segment").unique("user_id")
    own = days.join(known, on="user_id").select("segment", "item_id", "age", "weekday")
    everybody = days.select(pl.lit(EVERYBODY).alias("segment"), "item_id", "age", "weekday")
    leaves = items.select("item_id", leaf=pl.col("category_path").fill_null("")).unique("item_id", keep="first")
    counted = (
        pl.concat([everybody, own]).join(leaves, on="item_id", how="left").with_columns(pl.col("leaf").fill_null(""))
    )
    recent = counted.filter(pl.col("age") < settings.recent_days)
    before = counted.filter(pl.col("age") >= settings.recent_days)
    known_days = _known_days(days, settings)
    fading = 0.5 ** (pl.col("age") / settings.half_life_days)
    observed = recent.group_by("segment", "leaf", "item_id").agg(_exact(fading).alias("observed"))
    if not known_days:
        # Nothing can be above a past that the shop does not have.
        return observed.select(
            "segment", "item_id", "observed", expected="observed", above=pl.lit(1.0), category_above=pl.lit(1.0)
        )
    rated = observed.join(_rates(before, observed, known_days, settings), on=["segment", "leaf", "item_id"], how="left")
    load = _load(before, recent, known_days, settings)
    told = rated.join(load, on=["segment", "leaf"], how="left", maintain_order="left")
    prior = settings.prior
    told = told.with_columns(expected=pl.col("rate") * pl.col("load"))
    # Sorted first: sums of floats follow the order of the rows.
    whole = pl.col("observed").sum().over("segment", "leaf")
    told = told.sort("segment", "leaf", "item_id").with_columns(
        category_above=(whole + prior) / (pl.col("category_rate") * pl.col("load") + prior),
        # Without the item itself: in a small category its own rise would hide it.
        growth=(whole - pl.col("observed") + _STEADY * prior)
        / ((pl.col("category_rate") - pl.col("own_rate")) * pl.col("load") + _STEADY * prior),
    )
    told = told.with_columns(expected=pl.col("expected") * pl.col("growth"))
    above = (pl.col("observed") + prior) / (pl.col("expected") + prior)
    return told.with_columns(above=above).select(
        "segment", "item_id", "observed", "expected", "above", "category_above"
    )


def _user_days(
    events: pl.LazyFrame | pl.DataFrame, as_of: datetime, time_zone: str, settings: TrendingSettings
) -> pl.DataFrame:
    """user_id, item_id, age (whole days), weekday: once a user, item and day of both windows."""
    local = event_day(time_zone)
    today = pl.lit(as_of).dt.convert_time_zone(time_zone).dt.date()
    # The as-of date is 00:00 of its day: yesterday has age 0.
    age = (today - local).dt.total_days() - 1
    window = settings.recent_days + settings.baseline_days
    rows = events.lazy().select("user_id", "item_id", "event_type", age=age, weekday=local.dt.weekday())
    rows = rows.filter(pl.col("age").is_between(0, window - 1), pl.col("event_type") != "return").unique()
    frame = rows.collect()
    bought = frame.filter(pl.col("event_type") == "purchase")
    kept = bought if bought.height * 10 > frame.height else frame
    return kept.select("user_id", "item_id", "age", "weekday").unique()


def _known_days(days: pl.DataFrame, settings: TrendingSettings) -> int:
    """Baseline days since the shop's first event: a young shop has fewer than baseline_days, at first none."""
    oldest = days["age"].max()
    return max(int(oldest) + 1 - settings.recent_days, 0) if isinstance(oldest, int) else 0


def _rates(before: pl.DataFrame, observed: pl.DataFrame, known_days: int, settings: TrendingSettings) -> pl.DataFrame:
    """segment, leaf, item_id, rate (a day, shrunken), own_rate (as counted), category_rate (of the whole leaf)."""
    keys = ["segment", "leaf", "item_id"]
    past = before.group_by(keys).agg(pl.len().alias("taken"), pl.col("age").max().alias("oldest"))
    every = observed.select(keys).join(past, on=keys, how="full", coalesce=True)
    # An item that came up during the baseline is judged by the days since.
    span = pl.col("oldest") - settings.recent_days + 1
    every = every.with_columns(pl.col("taken").fill_null(0), days=span.fill_null(0).cast(pl.Float64))
    whole = pl.col("taken").sum().over("segment", "leaf") / known_days
    mean = whole / pl.len().over("segment", "leaf")
    rate = (pl.col("taken") + settings.prior_days * mean) / (pl.col("days") + settings.prior_days)
    own = pl.col("taken") / known_days
    return every.select(*keys, rate=rate, own_rate=own, category_rate=whole)


def _load(before: pl.DataFrame, recent: pl.DataFrame, known_days: int, settings: TrendingSettings) -> pl.DataFrame:
    """segment, leaf, load: the fading of the recent days, each with the factor of its weekday in the leaf."""
    weeks = known_days / 7
    overall = before.group_by("weekday").len("all")
    total = pl.col("all").sum()
    overall = overall.with_columns(usual=pl.when(total > 0).then(pl.col("all") * 7 / total).otherwise(1.0))
    leaves = pl.concat([before.select("segment", "leaf"), recent.select("segment", "leaf")]).unique()
    grid = leaves.join(pl.DataFrame({"weekday": list(range(1, 8))}, schema={"weekday": pl.Int8}), how="cross")
    grid = grid.join(
        before.group_by("segment", "leaf", "weekday").len("count"), on=["segment", "leaf", "weekday"], how="left"
    )
    grid = grid.join(overall.select("weekday", "usual"), on="weekday", how="left")
    grid = grid.with_columns(pl.col("count").fill_null(0), pl.col("usual").fill_null(0.0))
    mean = pl.col("count").sum().over("segment", "leaf") / 7
    strength = settings.prior * weeks
    factor = (pl.col("count") + strength * pl.col("usual")) / (mean + strength)
    grid = grid.with_columns(factor=factor)
    ages = pl.DataFrame({"age": list(range(settings.recent_days))}).with_columns(
        fading=0.5 ** (pl.col("age") / settings.half_life_days)
    )
    weekdays = recent.select("age", "weekday").unique()
    fading = ages.join(weekdays, on="age").group_by("weekday").agg(pl.col("fading").sort().sum())
    both = grid.join(fading, on="weekday").sort("segment", "leaf", "weekday")
    return both.group_by("segment", "leaf", maintain_order=True).agg(
        (pl.col("factor") * pl.col("fading")).sum().alias("load")
    )


def _exact(value: pl.Expr) -> pl.Expr:
    """Sum of whole numbers: the same in whatever order they are added."""
    return (value * _UNIT).round().cast(pl.Int64).sum() / _UNIT


def trending_rows(
    popular: pl.DataFrame, told: pl.DataFrame, list_length: int, settings: TrendingSettings
) -> pl.DataFrame:
    """Columns of trending_items but for as_of_date, reason and version: the first DEPTH lists' worth of each segment.

    `popular` is what `trending_by_segment` gives, without blocked items; its decayed users times a power of `above`.
    """
    named = popular.with_columns(pl.col("segment").fill_null(EVERYBODY), users=pl.col("score"))
    both = named.join(told, on=["segment", "item_id"], how="left", maintain_order="left").with_columns(
        pl.col("observed", "expected").fill_null(0.0), pl.col("above", "category_above").fill_null(1.0)
    )
    both = both.with_columns(score=pl.col("users") * pl.col("above").clip(0.0, settings.largest) ** settings.power)
    ordered = both.sort("segment", "score", "item_id", descending=[False, True, False])
    ordered = ordered.with_columns(rank=(pl.int_range(pl.len()).over("segment") + 1).cast(pl.Int32))
    return keep_deepest(ordered, list_length).sort("segment", "rank")


def fallback_items(trending: pl.DataFrame) -> pl.DataFrame:
    """What `fallback_rows` reads, from trending_items: segment (null: everybody), item_id, score, rank."""
    segment = pl.when(pl.col("segment") != EVERYBODY).then("segment")
    return trending.select(segment.alias("segment"), "item_id", "score", "rank")


def with_trend_reasons(rows: pl.DataFrame, language: str = "en") -> pl.DataFrame:
    """`rows` with reason_code (rising, steady) and reason_text.

    Rising is what is a tenth above its expectation, and further than counts stray by chance: without the latter most
    of the first places rise in a shop in which nothing changes, since who happens to be above is ordered first.
    """
    percent = ((pl.col("above") - 1) * 100).round().cast(pl.Int64)
    facts = {"percent": percent.cast(pl.String), "segment": pl.col("segment")}
    chance = (pl.col("expected") + 1.0).sqrt()
    rising = (percent >= 10) & (pl.col("observed") - pl.col("expected") > _SURE * chance)
    everybody = pl.col("segment") == EVERYBODY

    def sentence(key: str) -> pl.Expr:
        return pl.when(everybody).then(say(language, key, **facts)).otherwise(say(language, f"{key}_with", **facts))

    return rows.with_columns(
        reason_code=pl.when(rising).then(pl.lit("rising")).otherwise(pl.lit("steady")),
        reason_text=pl.when(rising).then(sentence("rising")).otherwise(sentence("steady")),
    )


def expectations(context: RunContext, events: pl.LazyFrame, items: pl.DataFrame, users: pl.DataFrame) -> pl.DataFrame:
    """`expected_counts` of a run's day."""
    settings = context.settings
    return expected_counts(events, items, users, context.as_of, settings.time_zone, settings.trending)


def write_trending(context: RunContext, popular: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Write the day's trending_items to the lake and return them."""
    settings = context.settings
    rows = trending_rows(popular, told, settings.rules.list_length, settings.trending)
    rows = with_trend_reasons(rows, settings.language)
    rows = rows.with_columns(as_of_date=pl.lit(context.as_of_date), model_version=pl.lit(settings.fingerprint()))
    write_partition(context.lake, TRENDING_ITEMS, rows, as_of_date=context.as_of_date)
    return rows

"""Similar items: for each item on sale its nearest by behaviour, by content, and by a learned blend of both.

Pairs of both kinds (similar_behaviour, similar_content) are put together, told apart by FEATURES and ordered by the
blend (similar_blend), which learns from the newest days. Items that are retired or sold out are never partners; they
may be anchors while users still come across them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.data.events import event_day, read_events
from recsys.features.history import place_among
from recsys.features.item_content import Content, load_content
from recsys.features.item_traits import Traits, traits_of
from recsys.recommendations.rules import blocked_items, unsold_items
from recsys.recommendations.similar_behaviour import behaviour_pairs
from recsys.recommendations.similar_blend import Blend, fit_blend
from recsys.recommendations.similar_content import content_pairs, variant_keys
from recsys.recommendations.similar_reasons import with_similar_reasons
from recsys.run import Counts, RunContext
from recsys.schemas import ITEMS, SIMILAR_ITEMS, STOCK
from recsys.settings.similar import SimilarSettings
from recsys.storage import read_partition, write_partition

EVENT_COLUMNS = ["user_id", "item_id", "event_type", "session_id", "occurred_at"]


@dataclass(frozen=True)
class Catalogue:
    """Items of the day as arrays, a row an item of content.items: traits, product (variants share one; -1: none), and
    whether it may be shown."""

    traits: Traits
    product: NDArray[np.int32]
    shown: NDArray[np.bool_]


def build_similar_items(context: RunContext) -> Counts:
    """Step: write the day's similar_items to the lake."""
    settings = context.settings.similar
    items, stock = (read_partition(context.lake, table, as_of_date=context.as_of_date) for table in (ITEMS, STOCK))
    content = load_content(context)
    blocked = blocked_items(items, stock, context.as_of, context.settings.rules)
    catalogue = catalogue_of(content, pl.concat([blocked["item_id"], _left_range(context, stock)]))
    since = context.as_of - timedelta(days=settings.days)
    events = coded_events(read_events(context, columns=EVENT_COLUMNS), content, since, context.settings.time_zone)
    rows, labels = similar_rows(events, catalogue, context.as_of, settings)
    named = with_similar_reasons(rows, content.items, context.settings.language)
    version = context.settings.fingerprint()
    named = named.with_columns(as_of_date=pl.lit(context.as_of_date), model_version=pl.lit(version))
    written = write_partition(context.lake, SIMILAR_ITEMS, named, as_of_date=context.as_of_date)
    return {"rows": written, "items": named["item_id"].n_unique(), "labels": labels}


def _left_range(context: RunContext, stock: pl.DataFrame) -> pl.Series:
    """Ids of items that the shop counts no stock of and that nobody does anything with any more."""
    day = event_day(context.settings.time_zone)
    age = (pl.lit(context.as_of_date) - day).dt.total_days()
    heard = read_events(context, columns=["item_id", "occurred_at"]).select("item_id", age=age).unique().collect()
    return unsold_items(heard.join(stock, on="item_id", how="anti"), context.settings.similar.unsold_days)


def catalogue_of(content: Content, blocked: pl.Series) -> Catalogue:
    """The catalogue of a day's content; `blocked` are the ids that no list may show."""
    keys = variant_keys(content.items)
    product = (keys.rank("dense").cast(pl.Int32) - 1).fill_null(-1).to_numpy()
    shown = ~content.items["item_id"].is_in(blocked.implode()).to_numpy()
    return Catalogue(traits_of(content), product, shown)


def coded_events(events: pl.LazyFrame, content: Content, since: datetime, time_zone: str) -> pl.DataFrame:
    """user, item (row of content.items), event_type, visit, occurred_at of events from `since` on, in their order.

    A visit is a session, or a user's day in `time_zone` where an event has none. Events of unknown items and returns
    are left out. Users are numbered as they come: numbers only tell them apart.
    """
    item = place_among("item_id", content.items["item_id"], strict=False)
    visit = pl.coalesce("session_id", pl.format("{} {}", pl.col("user_id"), event_day(time_zone)))
    coded = (
        events.filter(pl.col("event_type") != "return", pl.col("occurred_at") >= since)
        .select("user_id", item.alias("item"), "event_type", visit.alias("visit"), "occurred_at")
        .collect()
    )
    users = coded.select(pl.col("user_id").unique(maintain_order=True))["user_id"]
    user = place_among("user_id", users)
    return coded.filter(pl.col("item").is_not_null()).select(user.alias("user"), pl.exclude("user_id"))


def similar_rows(
    events: pl.DataFrame, catalogue: Catalogue, as_of: datetime, settings: SimilarSettings
) -> tuple[pl.DataFrame, int]:
    """Rows of similar_items by code (item, other, ranks, scores, is_variant), and how many labels the blend saw."""
    popular = np.bincount(events["item"].to_numpy(), minlength=len(catalogue.shown)).astype(np.float32)
    anchors = _anchors(events, catalogue, as_of, settings)
    pool = _pool(catalogue, popular)
    alike = content_pairs(catalogue.traits, anchors, pool, settings)
    blend = _learnt(events, catalogue, alike, as_of, settings)
    pairs = _pairs(events, catalogue, alike, anchors, as_of, settings)
    return _ranked(pairs.with_columns(score=pl.Series(blend.scores(pairs))), catalogue, settings), blend.labels


def _anchors(
    events: pl.DataFrame, catalogue: Catalogue, as_of: datetime, settings: SimilarSettings
) -> NDArray[np.int32]:
    """Items that users come across: with an event lately, or launched lately."""
    since = as_of - timedelta(days=settings.active_days)
    lately = np.zeros(len(catalogue.shown), bool)
    lately[events.filter(pl.col("occurred_at") >= since)["item"].to_numpy()] = True
    age = catalogue.traits.content.items["age_days"]
    young = (age.is_between(0, settings.active_days)).fill_null(False).to_numpy() & catalogue.shown
    return np.flatnonzero(lately | young).astype(np.int32)


def _pool(catalogue: Catalogue, popular: NDArray[np.float32]) -> NDArray[np.int32]:
    """Items that may be shown, those with most events first."""
    rows = np.flatnonzero(catalogue.shown)
    return rows[np.argsort(-popular[rows], kind="stable")].astype(np.int32)


def _pairs(
    events: pl.DataFrame,
    catalogue: Catalogue,
    alike: pl.DataFrame,
    anchors: NDArray[np.int32],
    as_of: datetime,
    settings: SimilarSettings,
) -> pl.DataFrame:
    """Candidate pairs of both kinds with FEATURES of the blend, by item and other."""
    near = behaviour_pairs(events, as_of, len(catalogue.shown), settings)
    shown = pl.Series(catalogue.shown)
    near = near.filter(pl.col("item").is_in(pl.Series(anchors).implode()), shown.gather(near["other"]))
    near = near.with_columns(behaviour=pl.col("followed") + pl.col("shared"))
    both = near.join(alike, on=["item", "other"], how="full", coalesce=True).sort("item", "other")
    both = both.with_columns(pl.col(name).fill_null(0.0) for name in ("followed", "shared", "behaviour"))
    row, other = both["item"].to_numpy(), both["other"].to_numpy()
    likeness = both["likeness"].to_numpy().copy()
    missing = np.isnan(likeness)
    likeness[missing] = catalogue.traits.likeness_of_pairs(row[missing], other[missing])
    popular = np.bincount(events["item"].to_numpy(), minlength=len(catalogue.shown))
    variant = (catalogue.product[row] == catalogue.product[other]) & (catalogue.product[row] >= 0)
    both = both.with_columns(
        likeness=pl.Series(likeness),
        popular=pl.Series(np.log1p(popular[other])),
        is_variant=pl.Series(variant),
    )
    return both.with_columns(
        behaviour_rank=_place("behaviour", pl.col("behaviour") > 0), content_rank=_place("likeness", pl.lit(True))
    ).with_columns(
        behaviour_place=(1 / pl.col("behaviour_rank")).fill_null(0.0), content_place=1 / pl.col("content_rank")
    )


def _place(score: str, counted: pl.Expr) -> pl.Expr:
    """Place within the anchor by `score`, from 1, ties by code; null where not `counted`."""
    value = pl.when(counted).then(pl.col(score))
    return pl.when(counted).then((-value).rank("ordinal").over("item", order_by="other")).cast(pl.Int32)


def _learnt(
    events: pl.DataFrame, catalogue: Catalogue, alike: pl.DataFrame, as_of: datetime, settings: SimilarSettings
) -> Blend:
    """The blend, fitted on what came next in the newest days to anchors of those days, the most frequent ones."""
    since = as_of - timedelta(days=settings.label_days)
    past, recent = events.filter(pl.col("occurred_at") < since), events.filter(pl.col("occurred_at") >= since)
    truth = next_items(recent)
    busy = truth.group_by("item").len().sort("len", "item", descending=[True, False]).head(settings.training_items)
    anchors = busy["item"].sort().to_numpy()
    known = alike.filter(pl.col("item").is_in(busy["item"].implode()))
    pairs = _pairs(past, catalogue, known, anchors, since, settings)
    marked = pairs.select("item", "other").join(
        truth.select("item", "other", hit=pl.lit(True)).unique(),
        on=["item", "other"],
        how="left",
        maintain_order="left",
    )
    return fit_blend(pairs, marked["hit"].fill_null(False).to_numpy(), settings)


def next_items(events: pl.DataFrame) -> pl.DataFrame:
    """item, other: the next distinct item of the same visit; within one moment all items are each other's next."""
    rows = events.select("visit", "item", "occurred_at").unique().sort("visit", "occurred_at", "item")
    moment = (pl.col("occurred_at") != pl.col("occurred_at").shift().over("visit")).fill_null(True)
    rows = rows.with_columns(moment=moment.cast(pl.Int32).cum_sum().over("visit")).drop("occurred_at")
    same = rows.join(rows, on=["visit", "moment"], suffix="_other")
    later = rows.join(rows.with_columns(moment=pl.col("moment") - 1), on=["visit", "moment"], suffix="_other")
    both = pl.concat([same.select("item", other="item_other"), later.select("item", other="item_other")])
    return both.filter(pl.col("item") != pl.col("other"))


def _ranked(pairs: pl.DataFrame, catalogue: Catalogue, settings: SimilarSettings) -> pl.DataFrame:
    """The rows that are published, with `rank` where the blend and the rule of variants let them in."""
    product = pl.Series(catalogue.product)
    ordered = pairs.with_columns(product=product.gather(pairs["other"]))
    ordered = ordered.sort("item", "score", "other", descending=[False, True, False])
    allowed = pl.lit(True)
    if settings.variants in ("one", "drop"):
        first = pl.int_range(pl.len()).over("item", "product") == 0
        allowed = (pl.col("product") < 0) | first
    if settings.variants == "drop":
        allowed = allowed & ~pl.col("is_variant")
    ordered = ordered.with_columns(allowed=allowed)
    place = pl.when("allowed").then(pl.col("allowed").cast(pl.Int32).cum_sum().over("item"))
    ordered = ordered.with_columns(rank=pl.when(place <= settings.per_item).then(place).cast(pl.Int32))
    within = [
        pl.when(pl.col(name) <= settings.per_kind).then(name).alias(name) for name in ("behaviour_rank", "content_rank")
    ]
    kept = ordered.with_columns(within)
    return kept.filter(pl.any_horizontal(pl.col(n).is_not_null() for n in ("rank", "behaviour_rank", "content_rank")))

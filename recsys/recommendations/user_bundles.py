"""Bundles worth showing to a user.

The lists that the ranker made for the user say how well each item fits (1 / log2(1 + rank) in the best list). A
bundle's score is its own score times the square root of its members' fits, added up; a member bought before counts by
how often. It must bring at least one item that the user never bought, and no member may have been
bought so recently, by its usual gap, that it would come too soon.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl
import pyarrow as pa

from recsys.data.events import read_events
from recsys.recommendations.baskets import Baskets, build_baskets
from recsys.recommendations.item_pairs import EVENT_COLUMNS
from recsys.run import Counts, RunContext
from recsys.schemas import BUNDLE_ITEMS, BUNDLES, ITEMS, USER_BUNDLES, USER_RECOMMENDATIONS
from recsys.settings.combinations import BundleSettings
from recsys.storage import has_partition, list_keys, read_partition, write_batches

BATCH_USERS = 5_000
"""Users joined with the bundles at once; bounds memory."""


def build_user_bundles(context: RunContext) -> Counts:
    """Step: write the day's user_bundles to the lake, from its lists and bundles."""
    rows = write_batches(context.lake, USER_BUNDLES, _batches(context), as_of_date=context.as_of_date)
    return {"rows": rows}


def _batches(context: RunContext) -> Iterator[pa.Table]:
    day, settings = context.as_of_date, context.settings
    bundles = read_partition(context.lake, BUNDLES, as_of_date=day)
    members = read_partition(context.lake, BUNDLE_ITEMS, as_of_date=day)
    items = read_partition(context.lake, ITEMS, as_of_date=day)
    events = read_events(context, columns=EVENT_COLUMNS)
    baskets = build_baskets(events, items, day, context.as_of, settings.time_zone, settings.pairs)
    owned = purchase_rhythm(baskets)
    for lists in _lists(context):
        fits = list_fits(lists)
        users = fits["user_id"].unique().sort()
        for start in range(0, len(users), BATCH_USERS):
            batch = users.slice(start, BATCH_USERS).implode()
            mine = owned.filter(pl.col("user_id").is_in(batch))
            rows = choose_for_users(
                fits.filter(pl.col("user_id").is_in(batch)), mine, bundles, members, settings.bundles
            )
            rows = with_user_reasons(rows, bundles, items)
            stamped = rows.with_columns(as_of_date=pl.lit(day), model_version=pl.lit(settings.fingerprint()))
            yield stamped.select(USER_BUNDLES.column_names).to_arrow()


def _lists(context: RunContext) -> Iterator[pl.DataFrame]:
    """The day's personal lists, one shard at a time."""
    day: dict[str, Any] = {"as_of_date": context.as_of_date}
    shards = sorted(list_keys(context.lake, USER_RECOMMENDATIONS, **day), key=int)
    if has_partition(context.lake, USER_RECOMMENDATIONS, **day):
        yield read_partition(context.lake, USER_RECOMMENDATIONS, **day)
    for shard in shards:
        yield read_partition(context.lake, USER_RECOMMENDATIONS, **day, shard=shard)


def list_fits(lists: pl.DataFrame) -> pl.DataFrame:
    """user_id, item_id, fit (0 to 1) from the ranks of the lists; fallback rows say nothing about a user."""
    personal = lists.filter(pl.col("fallback").is_null())
    fit = (1.0 / (1.0 + pl.col("rank").cast(pl.Float64)).log(2.0)).max()
    return personal.group_by("user_id", "item_id").agg(fit=fit).sort("user_id", "item_id")


def purchase_rhythm(baskets: Baskets) -> pl.DataFrame:
    """One row per user and item bought: user_id, item_id, share (of the user's baskets), days_ago, usual_gap_days.

    The usual gap is the user's own where the item was bought twice or more, else the median of those who did; null
    where nobody did.
    """
    lines = baskets.lines.tocoo()
    row = lines.row
    frame = pl.DataFrame({"user": baskets.user[row], "item": lines.col, "age": baskets.age_days[row]})
    trips = pl.DataFrame({"user": baskets.user}).group_by("user").agg(trips=pl.len())
    rhythm = frame.group_by("user", "item").agg(count=pl.len(), days_ago=pl.col("age").min(), first=pl.col("age").max())
    own = pl.when(pl.col("count") > 1).then((pl.col("first") - pl.col("days_ago")) / (pl.col("count") - 1))
    rhythm = rhythm.join(trips, on="user").with_columns(own=own, share=pl.col("count") / pl.col("trips"))
    gap = pl.coalesce("own", pl.col("own").median().over("item"))
    users, items = (pl.Series(ids, dtype=pl.String) for ids in (baskets.user_ids, baskets.item_ids))
    return rhythm.select(
        pl.lit(users).gather(pl.col("user")).alias("user_id"),
        pl.lit(items).gather(pl.col("item")).alias("item_id"),
        "share",
        "days_ago",
        usual_gap_days=gap,
    ).sort("user_id", "item_id")


def choose_for_users(
    fits: pl.DataFrame, owned: pl.DataFrame, bundles: pl.DataFrame, members: pl.DataFrame, settings: BundleSettings
) -> pl.DataFrame:
    """The best bundles of each user of `fits`: user_id, rank, bundle_id, score, new_items, anchor_item_id.

    `fits` has user_id, item_id, fit; `owned` the columns of `purchase_rhythm`.
    """
    known = fits.select("user_id").unique()
    habits = owned.join(known, on="user_id").select("user_id", "item_id", fit=pl.col("share"))
    fit = pl.concat([fits.select("user_id", "item_id", "fit"), habits]).group_by("user_id", "item_id").agg(
        pl.col("fit").max()
    )  # fmt: skip
    reached = fit.join(members.select("bundle_id", "item_id"), on="item_id")
    reached = reached.join(owned, on=["user_id", "item_id"], how="left").sort("user_id", "bundle_id", "item_id")
    too_soon = pl.col("days_ago") < settings.gap_share * pl.col("usual_gap_days")
    scored = reached.group_by("user_id", "bundle_id", maintain_order=True).agg(
        fit=pl.col("fit").sum(),
        bought=pl.col("days_ago").is_not_null().sum(),
        too_soon=too_soon.fill_null(False).any(),
        anchor_item_id=pl.col("item_id").sort_by("fit", descending=True, maintain_order=True).first(),
    )
    strength = bundles.select("bundle_id", "size", strength=pl.col("score").cast(pl.Float64))
    scored = scored.join(strength, on="bundle_id").with_columns(
        score=pl.col("fit").sqrt() * pl.col("strength"),
        new_items=(pl.col("size") - pl.col("bought")).cast(pl.Int32),
    )
    worth = scored.filter(~pl.col("too_soon") & (pl.col("new_items") > 0))
    ordered = worth.sort(["user_id", "score", "bundle_id"], descending=[False, True, False])
    ordered = ordered.with_columns(rank=(pl.int_range(pl.len()).over("user_id") + 1).cast(pl.Int32))
    best = ordered.filter(pl.col("rank") <= settings.bundles_per_user)
    return best.select("user_id", "rank", "bundle_id", "score", "new_items", "anchor_item_id")


def with_user_reasons(rows: pl.DataFrame, bundles: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """`rows` with reason_code and reason_text."""
    titles = items.select(anchor_item_id="item_id", title="title").unique("anchor_item_id", keep="first")
    rows = rows.join(titles, on="anchor_item_id", how="left", maintain_order="left")
    rows = rows.join(bundles.select("bundle_id", "name", "baskets"), on="bundle_id", how="left", maintain_order="left")
    text = pl.format(
        "{}: goes with {}, {} new to you; {} baskets held it whole",
        "name", pl.coalesce("title", "anchor_item_id"), "new_items", "baskets",
    )  # fmt: skip
    return rows.with_columns(reason_code=pl.lit("fits_your_items"), reason_text=text).drop("title", "name", "baskets")

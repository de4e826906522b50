"""Bundles worth showing to a user.

A bundle's score is the number of joint purchases to expect of the user in the coming weeks, up to a factor:

    sum over members i of  chance_i * (sum over other members j of  P(j | i) + chance_j)

chance_i is how likely the user is to buy i (recsys.recommendations.user_chances), P(j | i) how likely j is in a basket
with i (item_pairs). A bundle must bring at least one item that the user never bought in the look-back window, and no
member may have been bought within its usual gap.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pyarrow as pa

from recsys.data.events import read_events
from recsys.recommendations.user_chances import chance_batches, purchase_rhythm, too_soon
from recsys.recommendations.wording import in_a_sentence, say
from recsys.run import Counts, RunContext
from recsys.schemas import BUNDLE_ITEMS, BUNDLES, ITEM_PAIRS, ITEMS, USER_BUNDLES
from recsys.settings.combinations import BundleSettings
from recsys.storage import read_partition, write_batches

EVENT_COLUMNS = ["user_id", "item_id", "event_type", "quantity", "occurred_at"]


def build_user_bundles(context: RunContext) -> Counts:
    """Step: write the day's user_bundles to the lake, from its lists, pairs and bundles."""
    rows = write_batches(context.lake, USER_BUNDLES, _batches(context), as_of_date=context.as_of_date)
    return {"rows": rows}


def _batches(context: RunContext) -> Iterator[pa.Table]:
    day, settings = context.as_of_date, context.settings
    bundles, members, items, pairs = (
        read_partition(context.lake, table, as_of_date=day) for table in (BUNDLES, BUNDLE_ITEMS, ITEMS, ITEM_PAIRS)
    )
    links = bundle_links(members, pairs)
    held = members["item_id"].unique().implode()
    events = read_events(context, columns=EVENT_COLUMNS).filter(pl.col("item_id").is_in(held))
    owned = purchase_rhythm(events, day, settings.time_zone)
    for chances in chance_batches(context):
        mine = owned.join(chances, on="user_id", how="semi")
        rows = choose_for_users(chances, mine, members, links, settings.bundles)
        rows = with_user_reasons(rows, bundles, items, settings.language)
        stamped = rows.with_columns(as_of_date=pl.lit(day), model_version=pl.lit(settings.fingerprint()))
        yield stamped.select(USER_BUNDLES.column_names).to_arrow()


def bundle_links(members: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """One row per bundle and ordered pair of its members: bundle_id, item_id, other_item_id, likelihood.

    The likelihood is that of the other item in a basket with the item. `members` are rows of bundle_items, `pairs` of
    item_pairs; a pair without a row has the likelihood 0.
    """
    inside = members.select("bundle_id", "item_id")
    both = inside.join(inside.rename({"item_id": "other_item_id"}), on="bundle_id")
    likely = pairs.filter(pl.col("relation") == "complement").select("item_id", "other_item_id", likelihood="score")
    apart = both.filter(pl.col("item_id") != pl.col("other_item_id"))
    linked = apart.join(likely, on=["item_id", "other_item_id"], how="left")
    return linked.with_columns(pl.col("likelihood").fill_null(0.0)).sort("bundle_id", "item_id", "other_item_id")


def choose_for_users(
    chances: pl.DataFrame, owned: pl.DataFrame, members: pl.DataFrame, links: pl.DataFrame, settings: BundleSettings
) -> pl.DataFrame:
    """The best bundles of each user of `chances`: user_id, rank, bundle_id, score, new_items, anchor_item_id.

    `chances` has user_id, item_id, chance; `owned` the columns of `purchase_rhythm`, `links` those of `bundle_links`.
    """
    other = chances.rename({"item_id": "other_item_id", "chance": "other_chance"})
    joint = chances.join(links, on="item_id").join(other, on=["user_id", "other_item_id"], how="left")
    joint = joint.sort("user_id", "bundle_id", "item_id", "other_item_id").with_columns(
        worth=pl.col("chance") * (pl.col("likelihood") + pl.col("other_chance").fill_null(0.0))
    )
    scored = joint.group_by("user_id", "bundle_id", maintain_order=True).agg(
        score=pl.col("worth").sum(),
        anchor_item_id=pl.col("item_id").sort_by("worth", descending=True, maintain_order=True).first(),
    )
    worth = scored.join(_held(owned, members, settings), on=["user_id", "bundle_id"], how="left")
    sizes = members.group_by("bundle_id").agg(size=pl.len())
    new = (pl.col("size").cast(pl.Int32) - pl.col("bought").fill_null(0)).alias("new_items")
    worth = worth.join(sizes, on="bundle_id").with_columns(new)
    worth = worth.filter((pl.col("new_items") > 0) & ~pl.col("too_soon").fill_null(False) & (pl.col("score") > 0))
    ordered = worth.sort(["user_id", "score", "bundle_id"], descending=[False, True, False])
    ordered = ordered.with_columns(rank=(pl.int_range(pl.len()).over("user_id") + 1).cast(pl.Int32))
    best = ordered.filter(pl.col("rank") <= settings.bundles_per_user)
    return best.select("user_id", "rank", "bundle_id", "score", "new_items", "anchor_item_id")


def _held(owned: pl.DataFrame, members: pl.DataFrame, settings: BundleSettings) -> pl.DataFrame:
    """Per user and bundle with a member that the user has bought: how many, and whether one of them too lately."""
    held = owned.with_columns(soon=too_soon(settings.gap_share)).join(
        members.select("bundle_id", "item_id"), on="item_id"
    )
    return held.group_by("user_id", "bundle_id").agg(bought=pl.len().cast(pl.Int32), too_soon=pl.col("soon").any())


def with_user_reasons(
    rows: pl.DataFrame, bundles: pl.DataFrame, items: pl.DataFrame, language: str = "en"
) -> pl.DataFrame:
    """`rows` with reason_code and reason_text."""
    titles = items.select(anchor_item_id="item_id", title="title").unique("anchor_item_id", keep="first")
    rows = rows.join(titles, on="anchor_item_id", how="left", maintain_order="left")
    rows = rows.join(bundles.select("bundle_id", "name", "baskets"), on="bundle_id", how="left", maintain_order="left")
    text = say(
        language,
        "fits_your_items",
        bundle=pl.col("name"),
        anchor=in_a_sentence(pl.coalesce("title", "anchor_item_id")),
        new_items=pl.col("new_items").cast(pl.String),
        baskets=pl.col("baskets").cast(pl.String),
    )
    return rows.with_columns(reason_code=pl.lit("fits_your_items"), reason_text=text).drop("title", "name", "baskets")

"""What completes a basket: items that go with what it holds, the missing members of begun bundles named as such.

    score = (0.02 + chance) * (0.01 + likelihood) ** 0.25

The likelihood is that of the item given the basket, a mean over its items (item_pairs); the chance is the user's own
(recsys.recommendations.user_chances), 0 for an unknown user. The weights were chosen on half-hidden baskets of past
days: what a user buys anyway says more than the rest of one basket.
"""

from __future__ import annotations

import polars as pl

from recsys.recommendations.user_chances import chances_of_user
from recsys.run import RunContext
from recsys.schemas import BUNDLE_ITEMS, BUNDLES, ITEM_PAIRS
from recsys.storage import read_partition

NO_CHANCES = {"item_id": pl.String, "chance": pl.Float64}


def complete_for_user(context: RunContext, item_ids: list[str], user_id: str | None, count: int = 10) -> pl.DataFrame:
    """`complete_basket` on the day's rows in the lake. Raises LakeError when the day was not built."""
    bundles, members, pairs = (
        read_partition(context.lake, table, as_of_date=context.as_of_date)
        for table in (BUNDLES, BUNDLE_ITEMS, ITEM_PAIRS)
    )
    chances = pl.DataFrame(schema=NO_CHANCES) if user_id is None else chances_of_user(context, user_id)
    return complete_basket(item_ids, bundles, members, pairs, chances, count)


def complete_basket(
    item_ids: list[str],
    bundles: pl.DataFrame,
    members: pl.DataFrame,
    pairs: pl.DataFrame,
    chances: pl.DataFrame,
    count: int = 10,
) -> pl.DataFrame:
    """The best `count` items to add to a basket of `item_ids`: item_id, rank, score, bundle_id, anchor_item_id.

    `bundles`, `members` (bundle_items) and `pairs` (item_pairs) are the day's published rows, `chances` the user's:
    item_id, chance. `bundle_id` is the best bundle that the basket has begun and the item helps to complete, null where
    there is none; the anchor is the item of the basket that speaks most for it. Items in the basket never appear, nor
    substitutes. Ties fall to the smaller item_id.
    """
    held = pl.Series(item_ids, dtype=pl.String).unique()
    goes_with = pl.col("item_id").is_in(held.implode()) & ~pl.col("other_item_id").is_in(held.implode())
    related = pairs.filter(goes_with & (pl.col("relation") == "complement")).sort("other_item_id", "item_id")
    likely = related.group_by("other_item_id", maintain_order=True).agg(
        likelihood=pl.col("score").cast(pl.Float64).sum() / max(len(held), 1),
        anchor_item_id=pl.col("item_id").sort_by("score", descending=True, maintain_order=True).first(),
    ).rename({"other_item_id": "item_id"})  # fmt: skip
    known = likely.join(_missing_members(held, bundles, members), on="item_id", how="left")
    known = known.join(chances.select("item_id", "chance"), on="item_id", how="left")
    score = (0.02 + pl.col("chance").fill_null(0.0)) * (0.01 + pl.col("likelihood")) ** 0.25
    best = known.with_columns(score=score).sort(["score", "item_id"], descending=[True, False]).head(count)
    rank = (pl.int_range(pl.len()) + 1).cast(pl.Int32).alias("rank")
    return best.select("item_id", rank, "score", "bundle_id", "anchor_item_id")


def _missing_members(held: pl.Series, bundles: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """item_id, bundle_id: items that begun bundles lack, each with the one begun furthest, then the best ranked."""
    marked = members.select("bundle_id", "item_id", held=pl.col("item_id").is_in(held.implode()))
    begun = marked.with_columns(share=pl.col("held").mean().over("bundle_id")).filter(pl.col("share") > 0)
    missing = begun.filter(~pl.col("held")).join(bundles.select("bundle_id", place="rank"), on="bundle_id")
    ordered = missing.sort(["share", "place"], descending=[True, False])
    return ordered.unique("item_id", keep="first", maintain_order=True).select("item_id", "bundle_id")

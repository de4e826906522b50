"""What completes a basket: the missing members of bundles that it has begun, then the partners of its items."""

from __future__ import annotations

import polars as pl


def complete_basket(
    item_ids: list[str], bundles: pl.DataFrame, members: pl.DataFrame, pairs: pl.DataFrame, count: int = 10
) -> pl.DataFrame:
    """The best `count` items to add to a basket of `item_ids`: item_id, rank, score, bundle_id (null: from pairs).

    `bundles`, `members` (bundle_items) and `pairs` (item_pairs) are the day's published rows. A bundle with more of
    its members in the basket comes first, then the stronger one; items already in the basket never appear. The score
    is the share of the bundle in the basket, or the mean likelihood given the basket's items.
    """
    held = pl.Series(item_ids, dtype=pl.String).unique().implode()
    marked = members.select("bundle_id", "item_id", held=pl.col("item_id").is_in(held))
    begun = marked.with_columns(share=pl.col("held").mean().over("bundle_id")).filter(pl.col("share") > 0)
    missing = begun.filter(~pl.col("held")).join(bundles.select("bundle_id", strength="score"), on="bundle_id")
    missing = missing.sort(["share", "strength", "bundle_id", "item_id"], descending=[True, True, False, False])
    from_bundles = missing.unique("item_id", keep="first", maintain_order=True)
    partners = pairs.filter(
        pl.col("item_id").is_in(held) & ~pl.col("other_item_id").is_in(held) & pl.col("rank").is_not_null()
    )
    likely = partners.group_by(item_id="other_item_id").agg(share=pl.col("score").sum() / max(len(set(item_ids)), 1))
    likely = likely.join(from_bundles, on="item_id", how="anti").sort(["share", "item_id"], descending=[True, False])
    columns = [pl.col("item_id"), pl.col("share").cast(pl.Float64).alias("score")]
    rows = pl.concat(
        [
            from_bundles.select(*columns, "bundle_id"),
            likely.select(*columns, pl.lit(None, pl.String).alias("bundle_id")),
        ]
    ).head(count)
    return rows.select("item_id", (pl.int_range(pl.len()) + 1).cast(pl.Int32).alias("rank"), "score", "bundle_id")

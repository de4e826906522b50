"""The reason of each pair, as a code and as a sentence."""

from __future__ import annotations

import polars as pl

from recsys.settings.combinations import PairSettings


def with_reasons(rows: pl.DataFrame, items: pl.DataFrame, settings: PairSettings) -> pl.DataFrame:
    """`rows` with reason_code and reason_text; titles where known, else ids."""
    titles = items.select("item_id", title="title").drop_nulls().unique("item_id", keep="first")
    rows = rows.join(titles, on="item_id", how="left", maintain_order="left")
    rows = rows.join(
        titles.rename({"item_id": "other_item_id", "title": "other_title"}),
        on="other_item_id", how="left", maintain_order="left",
    )  # fmt: skip
    title = pl.coalesce("title", "item_id")
    code = (
        pl.when(pl.col("relation") == "substitute").then(pl.lit("substitute"))
        .when(pl.col("evidence") == "forced").then(pl.lit("forced"))
        .when(pl.col("evidence") == "text").then(pl.lit("like_similar_titles"))
        .when(pl.col("evidence") == "category").then(pl.lit("like_its_category"))
        .when(pl.col("significant")).then(pl.lit("bought_together"))
        .otherwise(pl.lit("often_in_the_basket"))
    )  # fmt: skip
    share = (pl.col("confidence") * 100).round(1).cast(pl.String)
    times = (pl.col("baskets") / pl.col("expected_baskets")).round(1).cast(pl.String)
    seen = pl.format("{} % of baskets with {} also hold it", share, title)
    text = (
        pl.when(code == "substitute").then(pl.format("Viewed together with {}, hardly ever bought together", title))
        .when(code == "forced").then(pl.format("Set by the shop to go with {}", title))
        .when(code == "like_similar_titles").then(pl.format("Goes with items whose titles are like {}", title))
        .when(code == "like_its_category").then(pl.format("Goes with the best known of the category of {}", title))
        .when(code == "bought_together")
        .then(pl.format("{}, {} times what chance gives, {} baskets of {} users", seen, times, "baskets", "users"))
        .otherwise(pl.format("{}, {} baskets; no more than chance may give", seen, "baskets"))
    )  # fmt: skip
    return rows.with_columns(reason_code=code, reason_text=text).drop("title", "other_title")

"""The reason of each pair, as a code and as a sentence."""

from __future__ import annotations

import polars as pl

from recsys.recommendations.wording import in_a_sentence, say


def with_reasons(rows: pl.DataFrame, items: pl.DataFrame, language: str = "en") -> pl.DataFrame:
    """`rows` with reason_code and reason_text; titles where known, else ids."""
    titles = items.select("item_id", title="title").drop_nulls().unique("item_id", keep="first")
    rows = rows.join(titles, on="item_id", how="left", maintain_order="left")
    code = (
        pl.when(pl.col("relation") == "substitute").then(pl.lit("substitute"))
        .when(pl.col("evidence") == "forced").then(pl.lit("forced"))
        .when(pl.col("evidence") == "text").then(pl.lit("like_similar_titles"))
        .when(pl.col("evidence") == "category").then(pl.lit("like_its_category"))
        .when(pl.col("significant")).then(pl.lit("bought_together"))
        .otherwise(pl.lit("often_in_the_basket"))
    )  # fmt: skip
    # In the precision of the row: 23 of 80 baskets are 28.8 % by what stands there, and 28.7 % by what does not.
    confidence = pl.col("confidence").cast(pl.Float32)
    # As it stands in the row, beside the baskets: their ratio would be another number than the lift, which is shrunken.
    expected = pl.col("expected_baskets").cast(pl.Float32).cast(pl.Float64).round(1)
    facts = {
        "item": in_a_sentence(pl.coalesce("title", "item_id")),
        "share": (confidence * 100).round(1).cast(pl.String),
        "expected": pl.when(expected > 0).then(expected.cast(pl.String)).otherwise(say(language, "below_a_tenth")),
        "baskets": pl.col("baskets").cast(pl.String),
        "users": pl.col("users").cast(pl.String),
    }
    text = say(language, "pair_often_in_the_basket", **facts)
    for name in ("substitute", "forced", "like_similar_titles", "like_its_category", "bought_together"):
        text = pl.when(code == name).then(say(language, f"pair_{name}", **facts)).otherwise(text)
    return rows.with_columns(reason_code=code, reason_text=text).drop("title")

"""The reason of each pair of similar items, as a code and as a sentence made from facts of the row.

same_viewers   Viewed by the same people; same type, 9 % cheaper
same_buyers    Bought by the same people; same type, 9 % cheaper
same_kind      Same type, same brand, 9 % cheaper
alike          It reads or looks alike
"""

from __future__ import annotations

import polars as pl

from recsys.recommendations.wording import say

_LEAST_PERCENT = 1


def with_similar_reasons(rows: pl.DataFrame, items: pl.DataFrame, language: str = "en") -> pl.DataFrame:
    """`rows` (item, other: rows of `items`; behaviour, followed) with item_id, other_item_id, reason_code, reason_text.

    A pair that nobody came across together (`followed` 0) was bought by the same people, whatever the shop sees of
    other items.
    """
    named = rows.with_columns(
        item_id=items["item_id"].gather(rows["item"]),
        other_item_id=items["item_id"].gather(rows["other"]),
        **{f"_{name}": items[name].gather(rows["item"]) for name in ("leaf", "brand", "list_price")},
        **{f"_other_{name}": items[name].gather(rows["other"]) for name in ("leaf", "brand", "list_price")},
    )
    by_users, by_viewers = pl.col("behaviour") > 0, pl.col("followed") > 0
    facts = _facts(language)
    code = (
        pl.when(by_users)
        .then(pl.when(by_viewers).then(pl.lit("same_viewers")).otherwise(pl.lit("same_buyers")))
        .when(facts != "")
        .then(pl.lit("same_kind"))
        .otherwise(pl.lit("alike"))
    )
    people = pl.when(by_viewers).then(say(language, "viewed_by_same")).otherwise(say(language, "bought_by_same"))
    joined = pl.when(facts != "").then(say(language, "and_facts", people=people, facts=facts)).otherwise(people)
    plain = facts.str.head(1).str.to_uppercase() + facts.str.slice(1)
    text = pl.when(by_users).then(joined).when(facts != "").then(plain).otherwise(say(language, "alike"))
    named = named.with_columns(reason_code=code, reason_text=text)
    return named.drop(name for name in named.columns if name.startswith("_")).sort("item_id", "other_item_id")


def _facts(language: str) -> pl.Expr:
    """same type, same brand, 9 % cheaper: what is known and true, joined; '' where nothing is."""
    same_leaf = (pl.col("_leaf") == pl.col("_other_leaf")) & (pl.col("_leaf") != "")
    leaf = pl.when(same_leaf).then(say(language, "same_type"))
    same_brand = (pl.col("_brand") == pl.col("_other_brand")) & (pl.col("_brand") != "")
    brand = pl.when(same_brand).then(say(language, "same_brand"))
    priced = same_leaf & (pl.col("_list_price") > 0) & (pl.col("_other_list_price") > 0)
    change = pl.when(priced).then((pl.col("_other_list_price") / pl.col("_list_price") - 1) * 100)
    percent = change.abs().round().cast(pl.Int64)
    price = (
        pl.when(percent < _LEAST_PERCENT)
        .then(say(language, "same_price"))
        .when(change < 0)
        .then(say(language, "cheaper", percent=percent.cast(pl.String)))
        .when(change > 0)
        .then(say(language, "dearer", percent=percent.cast(pl.String)))
    )
    between = pl.select(say(language, "between_facts")).item()
    return pl.concat_str(leaf, brand, price, separator=between, ignore_nulls=True)

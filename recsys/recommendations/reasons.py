"""Why an item is in a list: a stable code and a sentence made from facts of the row, never from guesses.

Sentences come from these templates alone:

    bought_before        You bought this 5 times, last 12 days ago; usually bought again after 14 days
    because_you_bought   Because you bought <title of the anchor item>
    because_of_interest  Because of your interest in <title of the anchor item>
    popular_in_category  Popular in <category>, where you buy   (the last part only if a purchase there is known)
    similar_users        Chosen by users whose history resembles yours
    trending             Popular with all users right now
    segment              Popular with users of your group right now
    for_you              Fits what you did lately
"""

from __future__ import annotations

import polars as pl

CATEGORY_GENERATORS = ("category_popular",)
TRENDING_GENERATORS = ("trending",)
SIMILAR_USER_GENERATORS = ("als", "ease", "item_knn", "similar_users")


def add_reasons(rows: pl.DataFrame, items: pl.DataFrame, bought: pl.DataFrame) -> pl.DataFrame:
    """`rows` with reason_code and reason_text, in the same order.

    `rows` needs user_id, item_id, generator, anchor_item_id, fallback, purchases, last_purchase_days and
    usual_gap_days (days); `items` item_id, title and category_path; `bought` the pairs user_id, item_id of which a
    purchase is known. A fact that is missing leaves its part of the sentence out or moves on to the next template.
    """
    facts = _with_purchases(_with_titles(rows, items), items, bought)
    facts = facts.with_columns(reason_code=_code()).with_columns(reason_text=_text())
    return facts.select(*rows.columns, "reason_code", "reason_text")


def _categories(items: pl.DataFrame) -> pl.DataFrame:
    leaf = pl.col("category_path").str.split(" > ").list.last().str.strip_chars()
    return items.select("item_id", "category_path", category=pl.when(leaf != "").then(leaf))


def _with_purchases(rows: pl.DataFrame, items: pl.DataFrame, bought: pl.DataFrame) -> pl.DataFrame:
    """`rows` with anchor_bought and category_bought: true where a purchase by the user is known, else null."""
    anchors = bought.select("user_id", anchor_item_id="item_id", anchor_bought=pl.lit(True)).unique()
    homes = bought.join(_categories(items), on="item_id").filter(pl.col("category_path").is_not_null())
    homes = homes.select("user_id", "category_path", category_bought=pl.lit(True)).unique()
    joined = rows.join(anchors, on=["user_id", "anchor_item_id"], how="left", maintain_order="left")
    return joined.join(homes, on=["user_id", "category_path"], how="left", maintain_order="left")


def _with_titles(rows: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    known = items.unique("item_id", keep="first", maintain_order=True)
    categories = _categories(known)
    titles = known.select(anchor_item_id="item_id", anchor_title=pl.col("title").str.strip_chars())
    titles = titles.filter(pl.col("anchor_title") != "")
    joined = rows.join(categories, on="item_id", how="left", maintain_order="left")
    return joined.join(titles, on="anchor_item_id", how="left", maintain_order="left")


def _code() -> pl.Expr:
    generator = pl.col("generator")
    anchored = pl.col("anchor_title").is_not_null()
    return (
        pl.when(pl.col("fallback").is_not_null())
        .then(pl.col("fallback"))
        .when(pl.col("purchases") > 0)
        .then(pl.lit("bought_before"))
        .when(anchored & pl.col("anchor_bought").fill_null(False))
        .then(pl.lit("because_you_bought"))
        .when(anchored)
        .then(pl.lit("because_of_interest"))
        .when(generator.is_in(CATEGORY_GENERATORS) & pl.col("category").is_not_null())
        .then(pl.lit("popular_in_category"))
        .when(generator.is_in(TRENDING_GENERATORS))
        .then(pl.lit("trending"))
        .when(generator.is_in(SIMILAR_USER_GENERATORS))
        .then(pl.lit("similar_users"))
        .otherwise(pl.lit("for_you"))
    )


def _text() -> pl.Expr:
    code = pl.col("reason_code")
    return (
        pl.when(code == "bought_before")
        .then(_bought_before())
        .when(code == "because_you_bought")
        .then(pl.format("Because you bought {}", pl.col("anchor_title")))
        .when(code == "because_of_interest")
        .then(pl.format("Because of your interest in {}", pl.col("anchor_title")))
        .when(code == "popular_in_category")
        .then(pl.format("Popular in {}{}", pl.col("category"), _where_you_buy()))
        .when(code == "similar_users")
        .then(pl.lit("Chosen by users whose history resembles yours"))
        .when(code == "trending")
        .then(pl.lit("Popular with all users right now"))
        .when(code == "segment")
        .then(pl.lit("Popular with users of your group right now"))
        .otherwise(pl.lit("Fits what you did lately"))
    )


def _where_you_buy() -> pl.Expr:
    return pl.when(pl.col("category_bought")).then(pl.lit(", where you buy")).otherwise(pl.lit(""))


def _bought_before() -> pl.Expr:
    count = pl.col("purchases").round().cast(pl.Int64)
    age = pl.col("last_purchase_days").ceil().cast(pl.Int64)
    gap = pl.col("usual_gap_days").round().cast(pl.Int64)
    bought = pl.when(count > 1).then(pl.format("You bought this {} times", count)).otherwise(pl.lit("You bought this"))
    ago = pl.when(age > 1).then(pl.format("{} days ago", age)).otherwise(pl.lit("yesterday"))
    last = pl.when(count > 1).then(pl.format(", last {}", ago)).otherwise(pl.format(" {}", ago))
    after = pl.when(gap > 1).then(pl.format("after {} days", gap)).otherwise(pl.lit("the next day"))
    return pl.concat_str(
        bought,
        pl.when(age.is_not_null()).then(last).otherwise(pl.lit("")),
        pl.when((count > 1) & gap.is_not_null())
        .then(pl.format("; usually bought again {}", after))
        .otherwise(pl.lit("")),
    )

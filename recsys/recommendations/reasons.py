"""Why an item is in a list: a stable code and a sentence made from facts of the row, never from guesses.

    bought_before        You bought this 5 times, last 12 days ago; usually bought again after 14 days
    because_you_bought   Because you bought <title of the anchor item>
    because_of_interest  Because of your interest in <title of the anchor item>
    popular_in_category  Popular in <category>, where you buy <title of the anchor item>
    similar_users        Chosen by users whose history resembles yours
    trending             Popular with all users right now
    segment              Popular with users of your group right now
    new_like_yours       New, and like <title of the anchor item>
    new_in_shop          New, and fits what you did so far
    explored             New in the shop
    for_you              Fits what you did so far

The sentences are templates of recsys.recommendations.wording, in the language of the settings.
"""

from __future__ import annotations

import polars as pl

from recsys.recommendations.wording import in_a_sentence, say

NEW_ITEMS, EXPLORATION = "cold_items", "exploration"
"""Generators of the items that are new in the shop, and of the places given away to learn of them."""
SIMILAR_USER_GENERATORS = ("als", "ease", "item_knn", "similar_users")
"""Generators that learn from who takes what."""
FACTS = ("purchases", "last_purchase_days", "usual_gap_days")
"""Whole numbers that the sentence names; null where the user never bought the item."""


def add_reasons(rows: pl.DataFrame, items: pl.DataFrame, bought: pl.DataFrame, language: str = "en") -> pl.DataFrame:
    """`rows` with reason_code and reason_text, in the same order; the anchor is the item that the reason names, FACTS
    are as whole as it names them.

    `rows` needs user_id, item_id, generator, anchor_item_id, fallback and FACTS (days); `items` item_id, title and
    category_path; `bought` user_id, item_id and times, the pairs of which a purchase is known. A fact that is missing
    leaves its part of the sentence out or moves on to the next template.
    """
    facts = _with_homes(_with_titles(rows, items), items, bought).with_columns(_whole_facts())
    facts = facts.with_columns(reason_code=_code()).with_columns(_anchor())
    facts = facts.with_columns(reason_text=_text(language))
    return facts.select(*rows.columns, "reason_code", "reason_text")


def _whole_facts() -> list[pl.Expr]:
    known = pl.col("purchases") > 0
    rounded = (pl.col("purchases").round(), pl.col("last_purchase_days").ceil(), pl.col("usual_gap_days").round())
    return [pl.when(known).then(value.cast(pl.Int32)).alias(name) for name, value in zip(FACTS, rounded, strict=True)]


def _categories(items: pl.DataFrame) -> pl.DataFrame:
    leaf = pl.col("category_path").str.split(" > ").list.last().str.strip_chars()
    return items.select("item_id", "category_path", category=pl.when(leaf != "").then(leaf))


def _titles(items: pl.DataFrame) -> pl.DataFrame:
    named = items.select("item_id", title=in_a_sentence(pl.col("title")))
    return named.filter(pl.col("title") != "")


def _with_titles(rows: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """`rows` with category_path, category (the narrowest) and anchor_title."""
    known = items.unique("item_id", keep="first", maintain_order=True)
    titles = _titles(known).rename({"item_id": "anchor_item_id", "title": "anchor_title"})
    joined = rows.join(_categories(known), on="item_id", how="left", maintain_order="left")
    return joined.join(titles, on="anchor_item_id", how="left", maintain_order="left")


def _with_homes(rows: pl.DataFrame, items: pl.DataFrame, bought: pl.DataFrame) -> pl.DataFrame:
    """`rows` with anchor_bought (true where a purchase of the anchor is known, else null), and home_item_id and
    home_title: what the user bought most often in the item's category."""
    anchors = bought.select("user_id", anchor_item_id="item_id", anchor_bought=pl.lit(True)).unique()
    known = items.unique("item_id", keep="first", maintain_order=True)
    placed = bought.join(_categories(known), on="item_id").join(_titles(known), on="item_id")
    ordered = placed.sort("user_id", "category_path", "times", "item_id", descending=[False, False, True, False])
    homes = ordered.filter(pl.col("category_path").is_not_null()).unique(
        ["user_id", "category_path"], keep="first", maintain_order=True
    )
    homes = homes.select("user_id", "category_path", home_item_id="item_id", home_title="title")
    joined = rows.join(anchors, on=["user_id", "anchor_item_id"], how="left", maintain_order="left")
    return joined.join(homes, on=["user_id", "category_path"], how="left", maintain_order="left")


def _code() -> pl.Expr:
    generator = pl.col("generator")
    # That the user saw the item itself did not lower it when it was taken away, so it is no reason.
    anchored = pl.col("anchor_title").is_not_null() & (pl.col("anchor_item_id") != pl.col("item_id"))
    return (
        pl.when(pl.col("fallback").is_not_null())
        .then(pl.col("fallback"))
        .when((generator == NEW_ITEMS) & anchored)
        .then(pl.lit("new_like_yours"))
        .when(generator == EXPLORATION)
        .then(pl.lit("explored"))
        .when(generator == NEW_ITEMS)
        .then(pl.lit("new_in_shop"))
        .when(pl.col("purchases") > 0)
        .then(pl.lit("bought_before"))
        .when(anchored & pl.col("anchor_bought").fill_null(False))
        .then(pl.lit("because_you_bought"))
        .when(anchored)
        .then(pl.lit("because_of_interest"))
        .when((generator == "category_popular") & pl.col("category").is_not_null())
        .then(pl.lit("popular_in_category"))
        .when(generator == "trending")
        .then(pl.lit("trending"))
        .when(generator.is_in(SIMILAR_USER_GENERATORS))
        .then(pl.lit("similar_users"))
        .otherwise(pl.lit("for_you"))
    )


def _anchor() -> list[pl.Expr]:
    """The item that the sentence names, and its title; null where it names none of the user's."""
    code = pl.col("reason_code")
    because = code.is_in(["because_you_bought", "because_of_interest", "new_like_yours"])
    at_home = code == "popular_in_category"
    item = pl.when(code == "bought_before").then("item_id").when(because).then("anchor_item_id")
    return [
        item.when(at_home).then("home_item_id").alias("anchor_item_id"),
        pl.when(because).then("anchor_title").when(at_home).then("home_title").alias("anchor_title"),
    ]


def _text(language: str) -> pl.Expr:
    code, facts = pl.col("reason_code"), {"anchor": pl.col("anchor_title"), "category": pl.col("category")}
    popular = say(language, "popular_in_category", **facts)
    at_home = say(language, "popular_where_you_buy", **facts)
    texts = {
        "bought_before": _bought_before(language),
        "popular_in_category": pl.when(pl.col("anchor_title").is_null()).then(popular).otherwise(at_home),
    }
    plain = ("because_you_bought", "because_of_interest", "similar_users", "trending", "segment")
    for name in (*plain, "new_like_yours", "new_in_shop", "explored"):
        texts[name] = say(language, name, **facts)
    text = say(language, "for_you")
    for name, sentence in texts.items():
        text = pl.when(code == name).then(sentence).otherwise(text)
    return text


def _bought_before(language: str) -> pl.Expr:
    count, age, gap = (pl.col(name) for name in FACTS)
    facts = {name: value.cast(pl.String) for name, value in (("purchases", count), ("days", age), ("gap", gap))}

    def sentence(key: str) -> pl.Expr:
        return say(language, key, **facts)

    often = count > 1
    since = pl.when(age > 1).then(sentence("times_days_ago")).otherwise(sentence("times_yesterday"))
    since_once = pl.when(age > 1).then(sentence("once_days_ago")).otherwise(sentence("once_yesterday"))
    again = pl.when(gap > 1).then(sentence("gap_days")).otherwise(sentence("gap_one_day"))
    return pl.concat_str(
        pl.when(often).then(sentence("bought_times")).otherwise(sentence("bought_once")),
        pl.when(age.is_not_null()).then(pl.when(often).then(since).otherwise(since_once)),
        pl.when(often & gap.is_not_null()).then(again),
        ignore_nulls=True,
    )

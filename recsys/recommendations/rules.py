"""What a list may not show: rules over candidate rows, each a setting, each vectorised over all users at once.

Facts about items become one small frame of blocked items; facts about a user and an item come with the candidate
row itself. A rule whose table is empty blocks nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import polars as pl

from recsys.settings.lists import RulesSettings

_UNLIKELY = 0.001
"""Chance of an item's silence, had it kept its pace, below which it is taken to be gone."""


def blocked_items(items: pl.DataFrame, stock: pl.DataFrame, as_of: datetime, rules: RulesSettings) -> pl.DataFrame:
    """Items that no list may show on the day, one row per item and rule: `item_id`, `rule`.

    An item is `retired` when it left the range by `as_of` or is launched only later, `out_of_stock` when its newest
    count says that nothing can be sold; where `stock` has days_of_cover, also when it lasts less than `min_cover_days`.
    An item without a row in `items` or `stock` is unknown, not blocked.
    """
    parts = [pl.DataFrame(schema={"item_id": pl.String, "rule": pl.String})]
    if rules.drop_retired:
        left = items.filter((pl.col("retired_at") <= as_of) | (pl.col("launched_at") > as_of))
        parts.append(left.select("item_id", rule=pl.lit("retired")))
    if rules.drop_out_of_stock:
        gone = pl.col("on_hand") <= 0
        if "days_of_cover" in stock.columns:
            gone = gone | (pl.col("days_of_cover") < rules.min_cover_days)
        parts.append(stock.filter(gone).select("item_id", rule=pl.lit("out_of_stock")))
    return pl.concat(parts).unique().sort("item_id", "rule")


def unsold_items(sold: pl.DataFrame, days: int) -> pl.Series:
    """Ids of items of `sold` (item_id, age: days on which something was done with them) of which nothing was heard for
    more than `days`, and for longer than chance makes likely; sorted.

    Had an item kept its pace, each of its days but the first would lie anywhere between that one and today, all of them
    before the silence with a chance of (1 - silence / age of the first) to their number: a collection that was sold for
    five weeks in spring is gone; what sells every other month is not, nor what sold once.
    """
    items = (
        sold.unique().group_by("item_id").agg(newest=pl.col("age").min(), oldest=pl.col("age").max(), count=pl.len())
    )
    chance = (1 - pl.col("newest") / pl.col("oldest")) ** (pl.col("count").cast(pl.Int64) - 1)
    return items.filter((pl.col("newest") > days) & (chance < _UNLIKELY))["item_id"].sort()


def drop_blocked(rows: pl.DataFrame, blocked: pl.DataFrame) -> pl.DataFrame:
    """`rows` (any frame with `item_id`) without the items of `blocked`, in the same order."""
    return rows.join(blocked.select("item_id").unique(), on="item_id", how="anti", maintain_order="left")


def bought_lately(rules: RulesSettings) -> pl.Expr:
    """Whether a candidate row was bought so lately that the user can hardly need it again.

    Reads `last_purchase_days` and `usual_gap_days` (days; null: never bought, or no usual gap, and never too soon).
    """
    slow = pl.col("usual_gap_days") >= rules.min_gap_days
    early = pl.col("last_purchase_days") < rules.gap_share * pl.col("usual_gap_days")
    return (slow & early).fill_null(False)


def limit_per_category(
    rows: pl.DataFrame, categories: pl.DataFrame, limit: int, by: Iterable[str] = ("list", "user_id")
) -> pl.DataFrame:
    """The first `limit` rows of each leaf category within each group of `by`, in the same order; 0: all rows.

    `categories` has `item_id` and `category_path`; two leaves of one name under different parents are two
    categories. Items without a category are not limited.
    """
    if limit <= 0 or rows.is_empty() or categories.is_empty():
        return rows
    paths = categories.filter(pl.col("category_path").is_not_null()).select("item_id", "category_path")
    places = rows.select(*by, "item_id").with_row_index("row").join(paths.unique("item_id"), on="item_id")
    places = places.sort(*by, "category_path", "row")
    beyond = places.filter(place_in_group(*by, "category_path") >= limit)
    return (
        rows.with_row_index("order")
        .join(beyond, left_on="order", right_on="row", how="anti")
        .sort("order")
        .drop("order")
    )


def place_in_group(*columns: str) -> pl.Expr:
    """Each row's place in its group, from 0, in a frame that is sorted by `columns`, in which no null stands.

    The same as a window function gives, at a fraction of the time where groups are many and small.
    """
    row = pl.int_range(pl.len())
    starts = pl.any_horizontal(pl.col(name) != pl.col(name).shift() for name in columns).fill_null(True)
    return row - pl.when(starts).then(row).forward_fill()


def users_with_consent(user_ids: list[str], users: pl.DataFrame, rules: RulesSettings) -> list[str]:
    """Those of `user_ids` whose own history may be used, in the same order.

    A shop without a users table is taken to have asked; where there is one, a user that it does not hold (one who
    was erased, say) has not agreed.
    """
    if not rules.require_consent or users.is_empty():
        return user_ids
    agreed = set(users.filter(pl.col("consent"))["user_id"].to_list())
    return [user_id for user_id in user_ids if user_id in agreed]


def rules_switched_off(
    items: pl.DataFrame, stock: pl.DataFrame, users: pl.DataFrame, rules: RulesSettings
) -> list[str]:
    """Names of the rules that are asked for but cannot work, since the shop delivers no row of the table they read."""
    wanted = (
        ("retired", rules.drop_retired, items),
        ("category_limit", rules.max_per_category > 0, items),
        ("out_of_stock", rules.drop_out_of_stock, stock),
        ("consent", rules.require_consent, users),
    )
    return [name for name, asked, table in wanted if asked and table.is_empty()]

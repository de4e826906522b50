"""Baskets: what users bought together, as arrays that the pair and bundle products share.

A basket is an order; where the shop has no order ids a visit (session), else the user's day. Lines of excluded
categories (fuel, coupons, bags …) and of refused quantities are left out, and so are baskets so large that they
tell of a business, not of a person.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from recsys.data.events import event_day
from recsys.settings.combinations import PairSettings

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Baskets:
    """Baskets before a day, sorted by user and then by time, with the id maps that belong to them.

    `lines` is a baskets x items matrix of ones (CSR, sorted); `user` and `age_days` have one value a basket,
    the age counted in whole days before the as-of date (1 = the day before).
    """

    as_of_date: date
    item_ids: list[str]
    user_ids: list[str]
    lines: sparse.csr_matrix
    user: Ints
    age_days: Ints

    @property
    def sizes(self) -> Ints:
        """Distinct items of each basket."""
        return np.diff(self.lines.indptr).astype(np.int32)

    @property
    def item_baskets(self) -> Ints:
        """Baskets of each item."""
        return np.bincount(self.lines.indices, minlength=len(self.item_ids)).astype(np.int32)

    def item_users(self) -> Ints:
        """Distinct users of each item."""
        bought = owner_matrix(self, np.ones(len(self.user), np.float32))
        return np.diff(bought.tocsc().indptr).astype(np.int32)

    def weights(self, half_life_days: float, size_exponent: float) -> NDArray[np.float32]:
        """Weight of each basket: halves with age, falls with its other items; 0 for a basket of one item.

        Fifty things in one trolley say less about any two of them than two things in one hand.
        """
        others = np.maximum(self.sizes - 1, 1).astype(np.float64)
        weights = np.exp2(-self.age_days / half_life_days) * others**-size_exponent
        return np.where(self.sizes > 1, weights, 0.0).astype(np.float32)

    def with_lines(self, lines: sparse.csr_matrix) -> Baskets:
        """The same baskets holding other items; used to reshuffle a shop."""
        return replace(self, lines=lines)


def build_baskets(
    events: pl.LazyFrame, items: pl.DataFrame, as_of_date: date, as_of: datetime, time_zone: str, settings: PairSettings
) -> Baskets:
    """Collect the purchases before `as_of` into baskets.

    `events` and `items` have the columns of their tables in recsys.schemas; later events are left out here too.
    """
    excluded = excluded_items(items, settings.excluded_categories)
    basket = pl.coalesce("order_id", "session_id", pl.format("{} {}", pl.col("user_id"), pl.col("day")))
    rows = (
        events.filter((pl.col("event_type") == "purchase") & (pl.col("quantity") > 0) & (pl.col("occurred_at") < as_of))
        .filter(~pl.col("item_id").is_in(excluded.implode()))
        .with_columns(day=event_day(time_zone))
        .select("user_id", "item_id", "day", basket=basket)
        .group_by("user_id", "basket", "item_id")
        .agg(pl.col("day").min())
        .collect()
    )
    largest = rows.group_by("user_id", "basket").len().filter(pl.col("len") > settings.max_basket_items)
    if not largest.is_empty():
        rows = rows.join(largest, on=["user_id", "basket"], how="anti")
    return number_baskets(rows, as_of_date)


def number_baskets(rows: pl.DataFrame, as_of_date: date) -> Baskets:
    """Number users, items and baskets of `rows`: user_id, basket (unique within the user), item_id, day."""
    item_ids, user_ids = rows["item_id"].unique().sort(), rows["user_id"].unique().sort()
    coded = rows.select(
        "basket",
        "day",
        user=pl.col("user_id").cast(pl.Enum(user_ids)).to_physical(),
        item=pl.col("item_id").cast(pl.Enum(item_ids)).to_physical(),
    )
    heads = coded.group_by("user", "basket").agg(pl.col("day").min()).sort("user", "day", "basket")
    heads = heads.with_row_index("row")
    placed = coded.select("user", "basket", "item").join(heads.select("user", "basket", "row"), on=["user", "basket"])
    row, column = placed["row"].to_numpy(), placed["item"].to_numpy()
    shape = (heads.height, len(item_ids))
    lines = sparse.csr_matrix((np.ones(len(row), np.float32), (row, column)), shape)
    lines.sort_indices()
    return Baskets(
        as_of_date,
        item_ids.to_list(),
        user_ids.to_list(),
        lines,
        heads["user"].to_numpy().astype(np.int32),
        _ages(heads["day"], as_of_date),
    )


def _ages(days: pl.Series, as_of_date: date) -> Ints:
    ordinal = days.cast(pl.Int32).to_numpy()
    return (as_of_date.toordinal() - date(1970, 1, 1).toordinal() - ordinal).astype(np.int32)


def excluded_items(items: pl.DataFrame, categories: tuple[str, ...]) -> pl.Series:
    """Ids of items whose category path holds one of `categories` (case does not matter)."""
    path = pl.col("category_path").fill_null("").str.to_lowercase()
    if not categories:
        return items["item_id"].head(0)
    return items.filter(pl.any_horizontal([path.str.contains(c.lower(), literal=True) for c in categories]))["item_id"]


def owner_matrix(baskets: Baskets, weights: NDArray[np.float32]) -> sparse.csr_matrix:
    """Users x items: the weight of the user's baskets that hold the item."""
    count = len(baskets.user)
    users = sparse.csr_matrix((weights, (baskets.user, np.arange(count))), (len(baskets.user_ids), count))
    return (users @ baskets.lines).tocsr()

"""What users bought: views of user-item pairs, users, users' categories, items and stores as of a cut.

Every view reads purchases alone, so that noise in views, favourites and carts cannot reach it. A shop without repeat
purchases, prices or stores gets nulls, which the ranker reads as "unknown".
"""

from __future__ import annotations

import polars as pl

from recsys.features.history import History

HALF_LIVES = (10, 30, 90)
_RECENT = (7, 14, 28, 56, 112)


def decayed(days: int) -> pl.Expr:
    """Sum of 0.5 ** (age / days) over the rows of a group, the same in whatever order they are added."""
    units = (0.5 ** (pl.col("age") / days) * float(1 << 32)).round().cast(pl.Int64)
    return units.sum() / float(1 << 32)


def younger(days: int) -> pl.Expr:
    """Rows of a group younger than `days`."""
    return (pl.col("age") < days).sum()


def mean_gap(last: str, first: str, count: str) -> pl.Expr:
    """Mean days between `count` occasions, the newest `last` and the oldest `first` days ago; null for one."""
    return pl.when(pl.col(count) > 1).then((pl.col(first) - pl.col(last)) / (pl.col(count) - 1))


def purchases_with_trips(history: History) -> pl.DataFrame:
    """Purchases with `age` and `trip_number`, 0 for the user's newest trip, then 1 …"""
    bought = history.aged("purchase")
    trips = bought.group_by("user", "trip").agg(pl.col("age").min()).sort("user", "age", "trip")
    numbered = trips.with_columns(trip_number=pl.int_range(pl.len()).over("user"))
    return bought.join(
        numbered.select("user", "trip", "trip_number"), on=["user", "trip"], how="left", maintain_order="left"
    )


def pair_view(bought: pl.DataFrame) -> pl.DataFrame:
    """One row per user and item bought: ui_ columns, sorted by user, item."""
    spend = pl.col("quantity") * pl.col("price")
    pairs = bought.group_by("user", "item", maintain_order=True).agg(
        pl.len().alias("ui_lines"),
        pl.col("trip").n_unique().alias("ui_trips"),
        pl.col("quantity").sum().alias("ui_quantity"),
        spend.sum().alias("ui_spend"),
        pl.col("age").min().alias("ui_last"),
        pl.col("age").max().alias("ui_first"),
        pl.col("trip_number").min().alias("ui_last_trip"),
        pl.col("trip_number").max().alias("ui_first_trip"),
        pl.col("day").n_unique().alias("ui_days"),
        pl.col("price").last().alias("ui_paid"),
        *(decayed(days).alias(f"ui_decayed_{days}") for days in HALF_LIVES),
        *(younger(days).alias(f"ui_count_{days}") for days in _RECENT),
    )
    pairs = pairs.with_columns(ui_gap=mean_gap("ui_last", "ui_first", "ui_days")).sort("user", "item")
    return pairs.join(_rhythm(bought), on=["user", "item"], how="left", maintain_order="left")


def _rhythm(bought: pl.DataFrame) -> pl.DataFrame:
    """One row per user and item bought: when the newest trips with it were, and how even the gaps between trips are."""
    trips = bought.group_by("user", "item", "trip").agg(pl.col("age").min(), pl.col("quantity").sum())
    trips = trips.sort("user", "item", "age", "trip")
    # Columns first: expressions within so many small groups would take five times as long as plain aggregates.
    same = (pl.col("user") == pl.col("user").shift()) & (pl.col("item") == pl.col("item").shift())
    trips = trips.with_columns(gap=pl.when(same).then(pl.col("age") - pl.col("age").shift()))
    second = pl.col("gap").is_not_null() & pl.col("gap").shift().is_null()
    third = pl.col("gap").is_not_null() & second.shift()
    trips = trips.with_columns(
        second=pl.when(second).then("age"),
        third=pl.when(third).then("age"),
        **{f"month_{n}": pl.col("age").is_between(28 * n, 28 * (n + 1), closed="left") for n in range(4)},
    )
    rhythm = trips.group_by("user", "item", maintain_order=True).agg(
        pl.col("second").max().alias("ui_second"),
        pl.col("third").max().alias("ui_third"),
        pl.col("gap").median().alias("ui_gap_median"),
        pl.col("gap").std().alias("ui_gap_deviation"),
        pl.col("gap").min().alias("ui_gap_least"),
        pl.col("quantity").first().alias("ui_quantity_last"),
        *(pl.col(f"month_{n}").max() for n in range(4)),
        decayed(5).alias("ui_decayed_5"),
        decayed(180).alias("ui_decayed_180"),
    )
    months = [pl.col(f"month_{n}").cast(pl.Int8) for n in range(4)]
    return rhythm.with_columns(ui_months=pl.sum_horizontal(months)).drop(f"month_{n}" for n in range(4))


def user_view(bought: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """One row per user who bought: u_ columns and u_store, the store of most of their trips lately."""
    trips = bought.group_by("user", "trip", maintain_order=True).agg(
        pl.col("age").min(),
        pl.len().alias("lines"),
        (pl.col("quantity") * pl.col("price")).sum().alias("spend"),
        pl.col("store").last(),
    )
    users = trips.group_by("user", maintain_order=True).agg(
        pl.len().alias("u_trips"),
        pl.col("age").min().alias("u_last"),
        pl.col("age").max().alias("u_first"),
        pl.col("lines").mean().alias("u_basket"),
        pl.col("lines").sum().alias("u_lines"),
        pl.col("spend").mean().alias("u_spend"),
        younger(28).alias("u_trips_28"),
        younger(84).alias("u_trips_84"),
        decayed(30).alias("u_decayed_30"),
        decayed(90).alias("u_decayed_90"),
        pl.col("store").filter(pl.col("age") < 120).drop_nulls().mode().min().alias("u_store"),
    )
    range_ = pairs.group_by("user").agg(
        pl.len().alias("u_items"),
        (pl.col("ui_trips") > 1).mean().alias("u_repeat"),
        (pl.col("ui_first") < 28).sum().alias("u_new_28"),
    )
    return users.join(range_, on="user", how="left").sort("user")


def category_view(bought: pl.DataFrame, tree: pl.DataFrame, level: str) -> pl.DataFrame:
    """One row per user and category of `level` (leaf or parent) bought from: columns prefixed with the level."""
    rows = bought.join(tree.select("item", level), on="item", how="left", maintain_order="left")
    view = rows.group_by("user", level, maintain_order=True).agg(
        pl.col("age").min().alias(f"{level}_last"),
        pl.col("age").max().alias(f"{level}_first"),
        pl.col("trip").n_unique().alias(f"{level}_trips"),
        pl.col("item").n_unique().alias(f"{level}_items"),
        decayed(90).alias(f"{level}_decayed_90"),
        pl.col("price").median().alias(f"{level}_price"),
    )
    share = pl.col(f"{level}_decayed_90") / pl.col(f"{level}_decayed_90").sum().over("user")
    gap = mean_gap(f"{level}_last", f"{level}_first", f"{level}_trips")
    # Sorted first: `share` divides by a sum of floats, whose last digits follow the order of the rows.
    view = view.sort("user", level)
    return view.with_columns(share.alias(f"{level}_share"), gap.alias(f"{level}_gap"))


def item_view(bought: pl.DataFrame, pairs: pl.DataFrame, tree: pl.DataFrame) -> pl.DataFrame:
    """One row per item of `tree`: i_ columns (unknown where nobody bought it), its categories, what sells in them."""
    sales = bought.group_by("item", maintain_order=True).agg(
        pl.col("age").min().alias("i_last"),
        pl.col("age").max().alias("i_first"),
        pl.len().alias("i_lines"),
        pl.col("user").n_unique().alias("i_buyers"),
        pl.col("user").filter(pl.col("age") < 28).n_unique().alias("i_buyers_28"),
        *(younger(days).alias(f"i_count_{days}") for days in (7, 28, 84)),
        decayed(30).alias("i_decayed_30"),
        pl.col("price").median().alias("i_price"),
        pl.col("price").filter(pl.col("age") < 14).median().alias("i_price_14"),
        pl.col("store").n_unique().alias("i_stores"),
    )
    habits = pairs.group_by("item").agg(
        (pl.col("ui_trips") > 1).mean().alias("i_repeat"),
        pl.col("ui_trips").mean().alias("i_trips_a_buyer"),
        pl.col("ui_gap").median().alias("i_gap"),
        (pl.col("ui_first") < 28).sum().alias("i_new_28"),
        (pl.col("ui_first") < 84).sum().alias("i_new_84"),
    )
    items = tree.join(sales, on="item", how="left").join(habits, on="item", how="left").sort("item")
    items = items.with_columns(
        i_trend=pl.col("i_count_28") / (pl.col("i_count_84") / 3 + 1),
        i_trend_7=pl.col("i_count_7") / (pl.col("i_count_28") / 4 + 1),
        i_discount=pl.col("i_price_14") / pl.col("i_price"),
        i_new_share=pl.col("i_new_28") / (pl.col("i_buyers_28") + 1),
    )
    return items.with_columns(*_category_totals("leaf"), *_category_totals("parent"))


def _category_totals(level: str) -> list[pl.Expr]:
    sold = pl.col("i_decayed_30").sum().over(level)
    return [
        sold.alias(f"{level}_sold"),
        (pl.col("i_decayed_30") / (sold + 1)).alias(f"i_{level}_share"),
        pl.col("i_buyers").sum().over(level).alias(f"{level}_buyers"),
        pl.col("i_repeat").mean().over(level).alias(f"{level}_repeat"),
    ]


def store_view(bought: pl.DataFrame) -> pl.DataFrame:
    """One row per store and item sold there in 56 days: s_ columns, sorted; empty where the shop has no stores."""
    recent = bought.filter((pl.col("age") < 56) & pl.col("store").is_not_null())
    view = recent.group_by("store", "item").agg(
        pl.len().alias("s_count_56"), younger(14).alias("s_count_14"), pl.col("user").n_unique().alias("s_buyers")
    )
    total = pl.col("s_count_56").sum().over("store")
    return view.with_columns(s_share=pl.col("s_count_56") / total).sort("store", "item")

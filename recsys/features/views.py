"""All feature views of a cut, in one value."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from recsys.features import purchases
from recsys.features.history import History, of_type


@dataclass(frozen=True)
class Views:
    """Feature views as of one cut; keys are codes of the history's id maps.

    pairs   user, item (bought)     interest  user, item (viewed, favoured, put in the cart)
    users   user                    items     item
    leaves  user, leaf              parents   user, parent            stores  store, item
    """

    pairs: pl.DataFrame
    interest: pl.DataFrame
    users: pl.DataFrame
    items: pl.DataFrame
    leaves: pl.DataFrame
    parents: pl.DataFrame
    stores: pl.DataFrame

    def of_users(self, users: pl.Series) -> Views:
        """The same views with the rows of `users` (codes) alone where rows belong to users."""
        keep = {name: getattr(self, name).filter(pl.col("user").is_in(users.implode())) for name in _OF_USERS}
        return Views(items=self.items, stores=self.stores, **keep)


_OF_USERS = ("pairs", "interest", "users", "leaves", "parents")
NAMES = ("pairs", "interest", "users", "items", "leaves", "parents", "stores")


def build_views(history: History) -> Views:
    """Every view of `history`, as of its cut, with 32-bit numbers, sorted by key."""
    bought = purchases.purchases_with_trips(history)
    pairs = purchases.pair_view(bought)
    views = Views(
        pairs=pairs,
        interest=interest_view(history),
        users=purchases.user_view(bought, pairs),
        items=purchases.item_view(bought, pairs, history.tree),
        leaves=purchases.category_view(bought, history.tree, "leaf"),
        parents=purchases.category_view(bought, history.tree, "parent"),
        stores=purchases.store_view(bought),
    )
    return Views(**{name: _narrow(getattr(views, name)) for name in NAMES})


def interest_view(history: History) -> pl.DataFrame:
    """One row per user and item viewed, favoured or put in the cart, bought too or not: w_ columns, apart from
    purchases because they are noisier."""
    seen = history.aged("view", "favourite", "cart")
    return (
        seen.group_by("user", "item")
        .agg(
            pl.len().alias("w_events"),
            of_type("cart").sum().alias("w_carts"),
            of_type("favourite").sum().alias("w_favourites"),
            pl.col("age").min().alias("w_last"),
            purchases.younger(7).alias("w_count_7"),
            purchases.decayed(30).alias("w_decayed_30"),
        )
        .sort("user", "item")
    )


def _narrow(view: pl.DataFrame) -> pl.DataFrame:
    """Keys stay i32, everything else becomes f32."""
    keys = {"user", "item", "leaf", "parent", "store", "u_store"}
    return view.with_columns(pl.col(name).cast(pl.Int32 if name in keys else pl.Float32) for name in view.columns)

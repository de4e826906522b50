"""A shop's events before a cut, with users and items as numbers: what every generator and feature view starts from.

The id maps travel with the events. They come from everything before the as-of date, sorted by id, so that the codes of
several cuts agree; a code whose first event lies after a cut has no event there.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.data.events import event_day
from recsys.schemas import EVENT_TYPES
from recsys.settings.data import InteractionSettings

EVENT_COLUMNS = ["user_id", "item_id", "event_type", "quantity", "unit_price", "order_id", "store_id", "occurred_at"]
"""Columns of schemas.EVENTS that `encode` needs."""
_DAY = 86_400.0


@dataclass(frozen=True)
class History:
    """Events before `as_of`.

    events  one row per event: user, item, store, trip (i32 codes), type (code in EVENT_TYPES), quantity, price (f32),
            at (instant), day (date in the shop's time zone), sorted by user and time; a trip is an order, or a user's
            day where an event has no order
    users   user ids by code          items   item ids by code
    tree    item, leaf, parent (i32): category codes of every item
    """

    events: pl.DataFrame
    users: pl.Series
    items: pl.Series
    tree: pl.DataFrame
    as_of: datetime

    def before(self, cut: datetime, days: int | None = None) -> History:
        """The same history as it stood at `cut`, the last `days` of it (none given: all)."""
        seen = pl.col("at") < cut
        if days is not None:
            seen &= pl.col("at") >= cut - timedelta(days=days)
        return dataclasses.replace(self, events=self.events.filter(seen), as_of=cut)

    def compacted(self) -> tuple[History, Recoding]:
        """The same history with codes for the users, items, stores and trips of its own events alone, and the recoding.

        The order of ids stays, so that it equals what `encode` makes of these events.
        """
        users, items = (self.events[name].unique().sort() for name in ("user", "item"))
        dense = [(pl.col(name).rank("dense").cast(pl.Int32) - 1).alias(name) for name in ("store", "trip")]
        recoding = Recoding(users, items)
        tree = recoding.of(self.tree.join(items.to_frame(), on="item", how="semi", maintain_order="left"))
        levels = [(pl.col(name).rank("dense").cast(pl.Int32) - 1).alias(name) for name in ("leaf", "parent")]
        return History(
            recoding.of(self.events).with_columns(dense),
            self.users.gather(users),
            self.items.gather(items),
            tree.with_columns(levels),
            self.as_of,
        ), recoding

    def aged(self, *types: str) -> pl.DataFrame:
        """Events of `types` (none: all), with `age` in days before as_of (f64)."""
        rows = self.events if not types else self.events.filter(of_type(*types))
        return rows.with_columns(age=(pl.lit(self.as_of) - pl.col("at")).dt.total_seconds() / _DAY)


@dataclass(frozen=True)
class Recoding:
    """From the codes of a history to those of its compacted form: old codes of users and of items, ascending."""

    users: pl.Series
    items: pl.Series

    def of(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`frame` with `user` and `item`, as far as it has them, recoded. Raises ValueError for an unknown code."""
        known = {"user": self.users, "item": self.items}
        return frame.with_columns(
            _places(name, frame[name], codes) for name, codes in known.items() if name in frame.columns
        )


def _places(name: str, values: pl.Series, codes: pl.Series) -> pl.Series:
    wanted = values.to_numpy()
    places, found = find_sorted(codes.to_numpy(), wanted)
    if not found.all():
        raise ValueError(f"{int((~found).sum())} rows of a {name} that the history does not hold: {wanted[~found][0]}")
    return pl.Series(name, places.astype(np.int32))


def find_sorted(known: NDArray[Any], wanted: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The place of each of `wanted` in `known`, ascending, and whether it is there; else the place is just any."""
    if not len(known):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), dtype=bool)
    places = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return places, known[places] == wanted


def of_type(*types: str) -> pl.Expr:
    """Whether an encoded event is one of `types`."""
    return pl.col("type").is_in([EVENT_TYPES.index(name) for name in types])


def encode(
    events: pl.DataFrame, items: pl.DataFrame, as_of: datetime, time_zone: str, new: pl.Series | None = None
) -> History:
    """Number the users and items of `events` (EVENT_COLUMNS, before `as_of`) in the order of their ids.

    `items` is the items snapshot, for category_path; an item that it lacks has a category of its own name ''. Days
    are those of `time_zone`. `new` are ids of items that have codes though nobody may have done anything with them.
    """
    users, names = (events[name].unique().sort() for name in ("user_id", "item_id"))
    if new is not None:
        names = pl.concat([names, new.rename(names.name)]).unique().sort()
    trip = trip_name(time_zone)
    stores = events["store_id"].drop_nulls().unique().sort()
    trips = events.select(trip=trip)["trip"].unique().sort()
    coded = events.with_columns(trip=trip).select(
        place_among("user_id", users).alias("user"),
        place_among("item_id", names).alias("item"),
        place_among("store_id", stores).alias("store"),
        place_among("trip", trips).alias("trip"),
        place_among("event_type", pl.Series(EVENT_TYPES)).alias("type"),
        pl.col("quantity").cast(pl.Float32),
        pl.col("unit_price").cast(pl.Float32).alias("price"),
        pl.col("occurred_at").alias("at"),
        event_day(time_zone).alias("day"),
    )
    coded = coded.sort("user", "at", "trip", "item", "type", "quantity", "price")
    return History(coded, users, names, _category_codes(names, items), as_of)


def place_among(column: str, names: pl.Series, *, strict: bool = True) -> pl.Expr:
    """Place (i32) of each text of `column` among the distinct `names`; one that is none of them is an error, or null.

    An Enum hashes the names once; replace_strict took ten times as long on a year of events.
    """
    return pl.col(column).cast(pl.Enum(names), strict=strict).to_physical().cast(pl.Int32)


def trip_name(time_zone: str) -> pl.Expr:
    """What tells a user's trips apart: the order, or the user and the day where an event has no order."""
    day = event_day(time_zone).cast(pl.String)
    return pl.coalesce(pl.col("order_id"), pl.concat_str(pl.col("user_id"), day, separator=" "))


def _category_codes(names: pl.Series, items: pl.DataFrame) -> pl.DataFrame:
    paths = pl.DataFrame({"item_id": names}, schema={"item_id": pl.String}).join(
        items.select("item_id", "category_path").unique("item_id", keep="first", maintain_order=True),
        on="item_id",
        how="left",
        maintain_order="left",
    )
    leaf = pl.col("category_path").fill_null("")
    parts = leaf.str.split(" > ")
    parent = parts.list.head(pl.max_horizontal(parts.list.len().cast(pl.Int64) - 1, 1)).list.join(" > ")
    return paths.select(
        pl.int_range(pl.len(), dtype=pl.Int32).alias("item"),
        (leaf.rank("dense") - 1).cast(pl.Int32).alias("leaf"),
        (parent.rank("dense") - 1).cast(pl.Int32).alias("parent"),
    )


def weights(history: History, settings: InteractionSettings, half_life_days: float) -> pl.DataFrame:
    """user, item, weight (f32 > 0): event weights by type, halved every `half_life_days`, sorted by user, item.

    Pairs that returns outweigh are left out.
    """
    return weights_of(history, settings, [half_life_days])[0]


def weights_of(history: History, settings: InteractionSettings, half_lives: list[float]) -> list[pl.DataFrame]:
    """The frame of `weights` for each of `half_lives`, from one pass over the events."""
    by_type = [float(getattr(settings, f"{name}_weight")) for name in EVENT_TYPES]
    weight = pl.col("type").replace_strict(range(len(by_type)), by_type, return_dtype=pl.Float64)
    rows = history.aged().select("user", "item", "age", weight=weight)
    sums = {}
    for number, days in enumerate(half_lives):
        # Rounded before the sum: whole numbers add up alike in any order.
        units = (pl.col("weight") * 0.5 ** (pl.col("age") / days) * float(1 << 32)).round().cast(pl.Int64)
        sums[f"weight_{number}"] = (units.sum() / float(1 << 32)).cast(pl.Float32)
    pairs = rows.group_by("user", "item").agg(**sums).sort("user", "item")
    named = (pairs.select("user", "item", weight=name) for name in sums)
    return [frame.filter(pl.col("weight") > 0) for frame in named]


def weight_matrix(pairs: pl.DataFrame, history: History) -> sp.csr_matrix:
    """Users x items matrix of log(1 + weight) (f32) from the frame of `weights`."""
    place = (pairs["user"].to_numpy(), pairs["item"].to_numpy())
    values: NDArray[np.float32] = np.log1p(pairs["weight"].to_numpy()).astype(np.float32)
    return sp.csr_matrix((values, place), shape=(len(history.users), len(history.items)))

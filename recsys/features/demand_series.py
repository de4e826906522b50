"""Daily demand of items: units a day, and on which days demand could be seen at all.

A day before an item's launch, or a whole day out of stock, says nothing about demand: it is not a day of zero demand
but no day at all (censored). So is a day of a great sale, whose buyers say nothing of ordinary days. Averages divide
by the days that were seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.features.history import place_among
from recsys.settings.opening import OpeningSettings

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Counts = NDArray[np.int32]
LEVELS = (1, 2, 9)
"""Levels of the category path, from wide to narrow, whose trends tell of their items."""
LATELY = 112
"""Days without any demand after which nobody forecasts an item."""


@dataclass(frozen=True)
class DemandLines:
    """Demand of a look-back window, sparse: `lines` has item (code), day (0 = first_day), units and revenue, one row
    per item and day of demand, sorted; `item_ids` is sorted and holds the codes' ids.

    `launch` is the day number from which an item was on sale (0: always), `last_day` that of its newest demand,
    `stock_outs` has item, start and end (day numbers, end exclusive) of whole days out of stock. `categories` holds a
    group number of each item for LEVELS. `opening` tells on which days the shop is closed or holds a sale; the lines
    hold nothing of a sale's days, though they show that an item was on sale.
    """

    item_ids: NDArray[np.object_]
    first_day: date
    days: int
    lines: pl.DataFrame
    launch: Integers
    last_day: Integers
    stock_outs: pl.DataFrame
    categories: tuple[Integers, ...]
    opening: OpeningSettings

    @cached_property
    def demand_days(self) -> Integers:
        """Days of demand of each item."""
        return np.bincount(self.lines["item"].to_numpy(), minlength=len(self.item_ids)).astype(np.int64)

    @cached_property
    def sale_days(self) -> NDArray[np.bool_]:
        """Whether each day is one of a sale."""
        days = (self.first_day + timedelta(days=number) for number in range(self.days))
        return np.array([self.opening.on_sale(day) for day in days], dtype=np.bool_)

    @cached_property
    def category_units(self) -> tuple[Floats, ...]:
        """Units before each day boundary of each category group, for LEVELS: groups x (days + 1), cumulated."""
        item, day = self.lines["item"].to_numpy(), self.lines["day"].to_numpy()
        units = self.lines["units"].to_numpy()
        found = []
        for groups in self.categories:
            shape = (int(groups.max(initial=0)) + 1, self.days)
            cells = np.bincount(groups[item] * self.days + day, units, shape[0] * shape[1]).astype(np.float64)
            found.append(_cumulated(cells.reshape(shape)))
        return tuple(found)


@dataclass(frozen=True)
class DemandSeries:
    """The same of some items, day by day: each array is items x days; `rows` are the codes of the items."""

    rows: Integers
    units: NDArray[np.float32]
    seen: NDArray[np.bool_]
    revenue: NDArray[np.float32]

    @cached_property
    def units_before(self) -> Floats:
        """Units seen before each day boundary: items x (days + 1)."""
        return _cumulated(self.units)

    @cached_property
    def seen_before(self) -> Counts:
        """Days seen before each day boundary."""
        return _counted(self.seen)

    @cached_property
    def sales_before(self) -> Counts:
        """Days of demand before each day boundary."""
        return _counted(self.units > 0)

    @cached_property
    def revenue_before(self) -> Floats:
        """Revenue before each day boundary."""
        return _cumulated(self.revenue)


def within(cumulated: Floats | Counts, day: int, length: int) -> Floats:
    """Sum over the `length` days before `day` (fewer where the history is shorter), of a cumulated array."""
    return np.asarray(cumulated[:, day] - cumulated[:, max(0, day - length)], dtype=np.float64)


def sold_lately(series: DemandSeries, day: int) -> NDArray[np.bool_]:
    """Which items had demand in the LATELY days before `day`: those worth a forecast."""
    return within(series.sales_before, day, LATELY) > 0


def lay_out(demand: DemandLines, rows: Integers) -> DemandSeries:
    """The items `rows` (ascending codes) day by day; units of a day that counts as unseen are left out."""
    place = np.full(len(demand.item_ids), -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    units = np.zeros((len(rows), demand.days), dtype=np.float32)
    revenue = np.zeros_like(units)
    lines = demand.lines.filter(pl.Series(place[demand.lines["item"].to_numpy()] >= 0))
    cell = (place[lines["item"].to_numpy()], lines["day"].to_numpy())
    units[cell] = lines["units"].to_numpy()
    revenue[cell] = lines["revenue"].to_numpy()
    seen = np.arange(demand.days)[None, :] >= demand.launch[rows][:, None]
    for item, start, end in demand.stock_outs.select("item", "start", "end").iter_rows():
        if place[item] >= 0:
            seen[place[item], start:end] = False
    seen[:, demand.sale_days] = False
    units[~seen] = 0
    revenue[~seen] = 0
    return DemandSeries(rows, units, seen, revenue)


def build_lines(
    sales: pl.DataFrame,
    items: pl.DataFrame,
    stock_outs: pl.DataFrame,
    first_day: date,
    as_of_date: date,
    opening: OpeningSettings,
) -> DemandLines:
    """Demand from `sales` (item_id, day, units, revenue: one row per item and day), all of [first_day, as_of_date).

    `items` has item_id, category_path and launched_on (a day); `stock_outs` item_id, first_day and last_day (both
    inclusive) of whole days out of stock. An item's launch counts only where it was not sold before.
    """
    ids = sales["item_id"].unique().sort()
    code = place_among("item_id", ids).cast(pl.Int64)
    days = (as_of_date - first_day).days
    number = (pl.col("day") - first_day).dt.total_days().cast(pl.Int64)
    on_sale = [one for one in sales["day"].unique() if opening.on_sale(one)]
    whole = sales.select(item=code, day=number, units=pl.col("units"), revenue=pl.col("revenue"))
    lines = whole.filter(~sales["day"].is_in(on_sale))
    known = pl.DataFrame({"item_id": ids}).join(
        items.unique("item_id", keep="first"), on="item_id", how="left", maintain_order="left"
    )
    launch = known.select((pl.col("launched_on") - first_day).dt.total_days().fill_null(0)).to_series()
    lines = lines.sort("item", "day")
    first, last = np.full(len(ids), days, dtype=np.int64), np.full(len(ids), -1, dtype=np.int64)
    np.minimum.at(first, whole["item"].to_numpy(), whole["day"].to_numpy())
    np.maximum.at(last, whole["item"].to_numpy(), whole["day"].to_numpy())
    outs = stock_outs.filter(pl.col("item_id").is_in(ids.implode())).select(
        item=code,
        start=(pl.col("first_day") - first_day).dt.total_days().clip(0, days),
        end=((pl.col("last_day") - first_day).dt.total_days() + 1).clip(0, days),
    )
    return DemandLines(
        ids.to_numpy().astype(object),
        first_day,
        days,
        lines,
        np.minimum(np.clip(launch.to_numpy().astype(np.int64), 0, None), first),
        last,
        outs.filter(pl.col("start") < pl.col("end")).sort("item", "start"),
        tuple(_groups(known["category_path"], level) for level in LEVELS),
        opening,
    )


def _groups(paths: pl.Series, level: int) -> Integers:
    names = paths.fill_null("").str.split(" > ").list.head(level).list.join(" > ")
    return names.rank("dense").to_numpy().astype(np.int64) - 1


def _cumulated(values: NDArray[np.float32] | Floats) -> Floats:
    total = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=total[:, 1:], dtype=np.float64)
    return total


def _counted(marks: NDArray[np.bool_]) -> Counts:
    total = np.zeros((marks.shape[0], marks.shape[1] + 1), dtype=np.int32)
    np.cumsum(marks, axis=1, out=total[:, 1:], dtype=np.int32)
    return total

"""The rows that the demo's data lack: views, carts, favourites and stock. Each is marked source = 'generated'.

All are strictly from the past: a row at time t hangs on purchases before t alone. A view that was placed before the
purchase it was derived from would hand the holdout to the model.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from demo.complete_journey import END, FIRST_DAY, learnt_at
from demo.draws import in_order, uniform

YEAR = (FIRST_DAY.date(), END.date())

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

VIEW_CHANCE = 0.36
OWN_CHANCE = 0.5
CART_CHANCE = 0.16
FAVOURITE_CHANCE = 0.08
SHORTEST_DELAY = 3600
MEAN_DELAY = 48 * 3600
LONGEST_DELAY = 21 * 24 * 3600

SPELL_CHANCE = 0.003
LONGEST_SPELL = 5
DAYS_BETWEEN_COUNTS = 14
CHUNK = 8192


def browsing(lines: pl.DataFrame) -> pl.DataFrame:
    """Views, carts and favourites as events, from `lines` (user_id, item_id, category, occurred_at; in time order).

    A line spawns, by chance, one view of its user, hours to days later: of an item from the user's own earlier lines,
    or from everybody's earlier lines of the same category. A view may be followed within minutes by a cart and by a
    favourite. Row i's draws stand at place i of their own sequence, so they do not hang on the lines after it.
    """
    count = lines.height
    users = lines["user_id"].rank("dense").to_numpy().astype(np.int64)
    categories = lines["category"].fill_null("").rank("dense").to_numpy().astype(np.int64)
    own = earlier(users, in_order(count, "own item"))
    alike = earlier(categories, in_order(count, "item of the category"))
    picked = np.where(in_order(count, "own or category") < OWN_CHANCE, own, alike)
    spawns = np.flatnonzero((in_order(count, "view") < VIEW_CHANCE) & (picked >= 0))
    waits = SHORTEST_DELAY - MEAN_DELAY * np.log1p(-in_order(count, "delay"))
    waits = np.minimum(waits, LONGEST_DELAY)
    views = pl.DataFrame(
        {
            "line": spawns,
            "user_id": lines["user_id"].gather(spawns),
            "item_id": lines["item_id"].gather(picked[spawns]),
            "occurred_at": lines["occurred_at"].gather(spawns) + _seconds(waits[spawns]),
        }
    )
    carts = _followers(views, spawns, in_order(count, "cart"), CART_CHANCE, in_order(count, "cart delay"), 1800)
    favourites = _followers(
        views, spawns, in_order(count, "favourite"), FAVOURITE_CHANCE, in_order(count, "favourite delay"), 600
    )
    kinds = {"view": views, "cart": carts, "favourite": favourites}
    events = pl.concat([_as_events(frame, kind) for kind, frame in kinds.items()])
    return events.filter(pl.col("occurred_at") < END)


def earlier(groups: Integers, draws: Floats) -> Integers:
    """For each row a row before it of the same group, uniformly by its draw in [0, 1); -1 where there is none."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    starts = np.searchsorted(ordered, ordered, side="left")
    before = np.arange(len(groups)) - starts
    places = starts + (draws[order] * before).astype(np.int64)
    picked = np.full(len(groups), -1, dtype=np.int64)
    picked[order] = np.where(before > 0, order[places], -1)
    return picked


def _followers(
    views: pl.DataFrame, spawns: Integers, draws: Floats, chance: float, delays: Floats, longest: int
) -> pl.DataFrame:
    """The views that lead to something further, at most `longest` seconds later."""
    wait = _seconds(10 + delays[spawns] * (longest - 10))
    return views.with_columns(pl.col("occurred_at") + wait).filter(pl.Series(draws[spawns] < chance))


def _seconds(values: Floats) -> pl.Series:
    return pl.Series(values.astype(np.int64) * 1_000_000).cast(pl.Duration("us"))


def _as_events(frame: pl.DataFrame, kind: str) -> pl.DataFrame:
    return frame.select(
        event_id=pl.format(kind + "-{}", "line"),
        user_id="user_id",
        item_id="item_id",
        event_type=pl.lit(kind),
        quantity=pl.lit(1.0),
        unit_price=pl.lit(None, pl.Float64),
        order_id=pl.lit(None, pl.Int64),
        session_id=pl.format("visit-{}", "line"),
        store_id=pl.lit("online"),
        occurred_at="occurred_at",
        ingested_at=learnt_at(pl.col("occurred_at")),
        source=pl.lit("generated"),
    )


def stock(first_sold: pl.DataFrame, first_day: date = YEAR[0], end: date = YEAR[1]) -> pl.DataFrame:
    """Stock counts of each item from the day of its first sale on (`first_sold`: item_id, day), ordered by day.

    Sparse: an item is counted every 14 days, and on the days on which it runs out or comes back, so that the newest
    count before a day tells the state of that day. An item runs out by chance for 1 to 5 days; about 0.9 % of items
    are out on a day. Every number hangs on the item's id and the day, never on sales.
    """
    days = np.arange((end - first_day).days)
    parts = []
    for chunk in first_sold.sort("item_id").iter_slices(CHUNK):
        items = chunk["item_id"].to_numpy()
        begins = (chunk["day"] - first_day).dt.total_days().to_numpy()
        out = out_of_stock(items, days)
        changes = np.diff(out, axis=1, prepend=False)
        regular = (items[:, None] + days) % DAYS_BETWEEN_COUNTS == 0
        counted = (changes | regular | (days == begins[:, None])) & (days >= begins[:, None])
        rows, columns = np.nonzero(counted)
        parts.append(_counts(items[rows], days[columns], out[rows, columns], first_day))
    return pl.concat(parts).sort("snapshot_date", "item_id")


def out_of_stock(items: Integers, days: Integers) -> npt.NDArray[np.bool_]:
    """Whether each item (row) is out of stock at the end of each day (column)."""
    grid = (items[:, None], days[None, :] + LONGEST_SPELL)
    starts = uniform(*grid, "spell") < SPELL_CHANCE
    lengths = np.where(starts, 1 + (uniform(*grid, "length") * LONGEST_SPELL).astype(np.int8), 0)
    out = lengths > 0
    for ago in range(1, LONGEST_SPELL):
        out[:, ago:] |= lengths[:, :-ago] > ago
    return np.asarray(out, dtype=np.bool_)


def _counts(items: Integers, days: Integers, out: npt.NDArray[np.bool_], first_day: date) -> pl.DataFrame:
    usual = 5 + 115 * uniform(items, 0, "usual level") ** 2
    level = np.maximum(1, np.round(usual * (0.5 + uniform(items, days, "level"))))
    smallest = np.array([1, 6, 12, 24])[(uniform(items, 0, "order size") * 4).astype(np.int64)]
    orders = np.maximum(smallest, np.ceil(usual / smallest) * smallest)
    return pl.DataFrame(
        {
            "item_id": items,
            "snapshot_date": np.datetime64(first_day) + days.astype("timedelta64[D]"),
            "on_hand": np.where(out, 0.0, level),
            "on_order": np.where(out, orders, 0.0),
            "lead_time_days": 2 + np.floor(uniform(items, 0, "lead time") * 13),
            "min_order_quantity": smallest.astype(np.float64),
        }
    )

"""What stock would have done under a periodic order-up-to rule, day by day, against the demand that came.

An (R, S) rule: every `cycle` days each item is ordered up to a level, in multiples of its smallest order; the order
arrives a lead time later, before that day's sales. What a day asks beyond the stock is lost, not owed. Stock begins at
the first level. A cycle of an item runs from the arrival of one review's order to that of the next: it passes when
nothing was lost in it (Silver, Pyke and Thomas, Inventory and Production Management, 4th edition, chapter 6).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from recsys.features.demand_series import Floats, Integers

Levels = Callable[[int], Floats]
"""Order-up-to level of each item at a review, by the number of its day."""


@dataclass(frozen=True)
class Replayed:
    """What came of a rule: share of units delivered, share of cycles without loss, mean value of the stock at the
    end of a day, share of item-days that ended on an empty shelf, units lost."""

    fill_rate: float
    cycle_service: float
    stock_value: float
    stock_out_share: float
    lost_units: float


def replay(
    demand: Floats, levels: Levels, lead: Integers, smallest: Floats, value: Floats, cycle: int, delay: Integers
) -> Replayed:
    """Replay `demand` (items x days); `lead` (days), `smallest` (units) and `value` (of a unit) have one row an item.

    `delay` (items x reviews) are days by which the order of each review comes later than its lead time.
    """
    count, days = demand.shape
    arriving = np.zeros((count, days + int(lead.max(initial=0)) + int(delay.max(initial=0)) + 1))
    stock, lost, left = np.zeros(count), np.zeros((count, days)), np.zeros((count, days))
    on_order = np.zeros(count)
    for day in range(days):
        stock += arriving[:, day]
        on_order -= arriving[:, day]
        if day % cycle == 0:
            level = levels(day).astype(np.float64)
            if day == 0:
                stock = np.ceil(level)
            wanted = np.maximum(level - stock - on_order, 0.0)
            order = np.ceil(wanted / smallest - 1e-9) * smallest
            when = day + lead + delay[:, day // cycle]
            at_once = when == day
            stock += np.where(at_once, order, 0.0)
            arriving[np.arange(count), when] += np.where(at_once, 0.0, order)
            on_order += np.where(at_once, 0.0, order)
        lost[:, day] = np.maximum(demand[:, day] - stock, 0.0)
        stock = np.maximum(stock - demand[:, day], 0.0)
        left[:, day] = stock
    return Replayed(
        fill_rate=1.0 - float(lost.sum()) / max(float(demand.sum()), 1e-9),
        cycle_service=cycle_service(lost, lead, cycle),
        stock_value=float((left * value[:, None]).sum() / max(days, 1)),
        stock_out_share=float((left <= 0).mean()) if left.size else 0.0,
        lost_units=float(lost.sum()),
    )


def cycle_service(lost: Floats, lead: Integers, cycle: int) -> float:
    """Share of whole cycles of all items in which nothing was lost, from `lost` (items x days)."""
    total = np.concatenate([np.zeros((len(lost), 1)), np.cumsum(lost, axis=1)], axis=1)
    passed = held = 0
    for start in range(0, lost.shape[1], cycle):
        begin, end = start + lead, start + lead + cycle
        whole = end <= lost.shape[1]
        rows = np.flatnonzero(whole)
        within = total[rows, end[rows]] - total[rows, begin[rows]]
        passed, held = passed + int((within <= 1e-9).sum()), held + len(rows)
    return passed / held if held else float("nan")


def same_value(run: Callable[[float], Replayed], wanted: float, most: float = 400.0, steps: int = 14) -> float:
    """Days of cover at which a rule's stock is worth about `wanted`: halving, since more cover is more stock."""
    low, high = 0.0, most
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (middle, high) if run(middle).stock_value < wanted else (low, middle)
    return (low + high) / 2

"""The replay of an order-up-to rule on demand whose outcome can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.replenishment import Replayed, cycle_service, replay, same_value


def run(
    demand: list[list[float]],
    level: float,
    lead: int = 1,
    smallest: float = 1.0,
    cycle: int = 2,
    late: int = 0,
) -> Replayed:
    values = np.array(demand, dtype=np.float64)
    count, reviews = len(values), -(-values.shape[1] // cycle)
    delay = np.full((count, reviews), late)
    leads, sizes, worth = np.full(count, lead), np.full(count, smallest), np.full(count, 2.0)
    return replay(values, lambda day: np.full(count, level), leads, sizes, worth, cycle, delay)


def test_a_level_for_cycle_and_lead_time_loses_nothing() -> None:
    found = run([[1.0] * 8], level=3)
    # Stock at the ends of the days: 2, 1, 1, 1 … since a review at 1 orders 2, of which the next day brings all.
    assert (found.fill_rate, found.cycle_service, found.lost_units) == (1.0, 1.0, 0.0)
    assert found.stock_value == pytest.approx(2 * np.mean([2, 1, 0, 1, 0, 1, 0, 1]))
    assert found.stock_out_share == 3 / 8


def test_a_level_one_short_loses_a_unit_every_second_cycle() -> None:
    found = run([[1.0] * 8], level=2)
    # Days 2 and 6 meet an empty shelf: the order of that morning comes a day later. What day 2 lost day 4 has.
    assert found.lost_units == 2
    assert found.fill_rate == 6 / 8
    assert found.cycle_service == pytest.approx(1 / 3)


def test_units_on_their_way_are_not_ordered_again_and_late_ones_are_missed() -> None:
    steady, late = run([[1.0] * 20], level=5, lead=3), run([[1.0] * 20], level=5, lead=3, late=1)
    assert steady.lost_units == 0
    assert late.lost_units > 0


def test_no_lead_time_delivers_on_the_day_of_the_review() -> None:
    found = run([[1.0] * 8], level=2, lead=0)
    assert (found.lost_units, found.cycle_service) == (0, 1.0)


def test_a_smallest_order_larger_than_demand_leaves_stock_over() -> None:
    assert run([[1.0] * 8], level=3, smallest=50).stock_value > 10 * run([[1.0] * 8], level=3).stock_value


def test_a_cycle_begins_with_its_order_s_arrival() -> None:
    lost = np.zeros((2, 6))
    lost[0, 0] = lost[1, 3] = 1
    # Of lead time 1 two cycles are whole (days 1-2 and 3-4): the loss of day 0 is of none of them, that of day 3 is.
    assert cycle_service(lost, np.array([1, 1]), 2) == 3 / 4


def test_the_rival_s_cover_is_found_by_the_value_of_its_stock() -> None:
    def of(cover: float) -> Replayed:
        return Replayed(1.0, 1.0, 3 * cover, 0.0, 0.0)

    assert same_value(of, 30.0) == pytest.approx(10.0, abs=0.05)

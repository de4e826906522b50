"""The high quantile of single days, on drawn items whose right answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from recsys.features.demand_series import DemandSeries, Floats
from recsys.models.demand_tails import THRESHOLDS, Horizon, Tails, fit_tails, tail_facts

DAYS, AHEAD = 224, 28
WEEK = np.arange(AHEAD) % 7


def drawn(items: int = 400, seed: int = 4) -> Floats:
    """Half of the items sell 3 units on every seventh day or so, half 1 unit on three days of seven: the same mean."""
    generator = np.random.default_rng(seed)
    shape = (items // 2, DAYS + AHEAD)
    lumps, singles = 3.0 * (generator.random(shape) < 1 / 7), 1.0 * (generator.random(shape) < 3 / 7)
    return np.concatenate([lumps, singles])


def series_of(units: Floats, seen: np.ndarray | None = None) -> DemandSeries:
    seen = np.ones(units.shape, dtype=bool) if seen is None else seen
    return DemandSeries(np.arange(len(units)), units.astype(np.float32), seen, units.astype(np.float32))


def horizon_of(series: DemandSeries) -> Horizon:
    ahead = slice(DAYS, DAYS + AHEAD)
    means = np.full((len(series.rows), AHEAD), 3 / 7)
    return Horizon(tail_facts(series, DAYS), means, series.units[:, ahead].astype(float), series.seen[:, ahead], WEEK)


@pytest.fixture(scope="module")
def fitted() -> Tails:
    return fit_tails([horizon_of(series_of(drawn(seed=seed))) for seed in (4, 5)])


def test_items_of_one_mean_have_the_quantiles_of_their_own_sizes(fitted: Tails) -> None:
    later = series_of(drawn(seed=6))
    means = np.full((400, 7), 3 / 7)
    high = fitted.quantile(tail_facts(later, DAYS), means, np.arange(7), 0.9, np.full((400, 7), 99.0))
    assert np.mean(high[:200] == 3) > 0.95
    assert np.mean(high[200:] == 1) > 0.95


def test_chances_are_calibrated_and_fall_with_the_threshold(fitted: Tails) -> None:
    later = series_of(drawn(seed=7))
    chances = fitted.exceedance(tail_facts(later, DAYS), np.full((400, 7), 3 / 7), np.arange(7))
    assert chances[0, :200].mean() == pytest.approx(1 / 7, abs=0.02)
    assert chances[0, 200:].mean() == pytest.approx(3 / 7, abs=0.02)
    assert (np.diff(chances, axis=0) <= 0).all()


def test_what_no_past_day_passed_is_never_expected(fitted: Tails) -> None:
    # Nobody ever sold more than 3 a day.
    assert len(fitted.models) == 3 < len(THRESHOLDS)
    always = series_of(np.full((400, DAYS + AHEAD), 3.0))
    found = fitted.quantile(tail_facts(always, DAYS), np.full((400, 7), 3.0), np.arange(7), 0.9, np.full((400, 7), 7.0))
    assert (found == 3).all()


def test_beyond_the_last_threshold_the_spread_tells() -> None:
    units = np.random.default_rng(1).poisson(np.repeat([0.5, 9.0], 200)[:, None], (400, DAYS + AHEAD)).astype(float)
    past = horizon_of(series_of(units))
    means = np.repeat([0.5, 9.0], 200)[:, None] * np.ones((1, AHEAD))
    tails = fit_tails([Horizon(past.facts, means, past.sold, past.seen, WEEK)] * 2)
    found = tails.quantile(past.facts, means[:, :7], np.arange(7), 0.9, np.full((400, 7), 13.0))
    assert (found[200:] == 13).all() and (found[:200] <= 2).all()


def test_days_that_were_not_seen_teach_nothing() -> None:
    units = drawn()
    seen = np.ones(units.shape, dtype=bool)
    seen[:, DAYS + 1 :] = False
    spoilt = units.copy()
    spoilt[:, DAYS + 1 :] = 9
    # Of every fourth day one is left: too few rows for any model.
    assert fit_tails([horizon_of(series_of(spoilt, seen))]).models == ()


def test_facts_of_a_day_are_not_moved_by_later_days() -> None:
    units = drawn()
    changed = units.copy()
    changed[:, DAYS:] = 50
    before, after = (tail_facts(series_of(values), DAYS) for values in (units, changed))
    assert (before.shape == after.shape).all()
    assert (before.pace == after.pace).all()
    assert (before.passed == after.passed).all()

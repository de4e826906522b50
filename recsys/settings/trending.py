"""What counts as a trend."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrendingSettings:
    """Recent days against the days before them."""

    recent_days: int = 14
    half_life_days: float = 7.0
    """Days of the recent ones after which a user's deed counts half against the expectation."""
    baseline_days: int = 84
    """Days before the recent ones that say what is to be expected; whole weeks."""
    prior: float = 3.0
    """Users added to observed and expected: one purchase of what nobody buys is no trend."""
    prior_days: float = 14.0
    """Days by which an item's rate is shrunken to the mean of its category."""
    power: float = 0.25
    """Power of observed over expected by which decayed users are multiplied; 0: popularity alone."""
    largest: float = 5.0
    """Observed over expected counts at most this much."""

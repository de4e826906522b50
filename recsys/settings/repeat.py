"""Repeat purchases."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RepeatSettings:
    """The chance that a user buys an item again soon."""

    days: int = 14
    """The probability in the list buy_again is that of a purchase within so many days."""
    shape: float = 0.3
    """Shape of the gamma prior of a pair's rate: repeats that every pair is taken to have had at its item's rate."""
    item_prior_days: float = 450.0
    """Days of observation by which an item's rate is shrunken to that of its category."""
    category_prior_days: float = 600.0
    """The same for a category's rate, to that of all items."""
    training_users: int = 1_500
    """Users drawn to calibrate the probability; bounds time and memory."""
    min_labels: int = 200
    """With fewer repeat purchases to learn from no probability is told."""
    penalty: float = 10.0
    """Ridge penalty of the standardised coefficients."""

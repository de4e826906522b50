"""How far a day may be from the last published one before somebody is told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StabilitySettings:
    """Bounds of the comparison with the last published day; beyond one, a warning is recorded and a notification sent.

    Nothing stops a run here: lists may rightly change (a holiday, a new range). Drift is told by the population
    stability index: below 0.1 little has moved, above 0.25 much has.
    """

    min_overlap: float = 0.3
    """Share of a user's first ten items that were among the first ten before, mean over users."""
    max_churn: float = 0.5
    """Share of the first ten places given to items that nobody was shown there before."""
    max_score_drift: float = 0.5
    max_feature_drift: float = 0.5
    within_days: int = 7
    """The published day compared with may be at most so old."""
    notify: bool = True
    """Whether a warning is sent on; it is recorded all the same."""

"""How published lists are measured afterwards."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MeasuringSettings:
    """Which published days are scored against what users did since, and over how many days."""

    horizons: tuple[int, ...] = (1, 7, 28)
    """Days after publishing whose events count."""
    late_days: int = 7
    """How many days after a horizon has passed its score may still be made up for, after a run that was missed."""
    scores_per_run: int = 12
    """At most so many published days and horizons are scored by one run; bounds its time."""
    min_effective_size: float = 100.0
    """What explored slots would have reached is told only from this effective sample size on."""

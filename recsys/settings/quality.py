"""How the run's input is judged: which checks stop a run, and from which value on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class QualitySettings:
    """Overrides of the checks declared in recsys.data.expectations, named as `table.check`."""

    severities: tuple[str, ...] = ()
    """What a failure means, where it differs from the declaration: "events.volume=warn" (stop, warn, info or off)."""
    limits: tuple[str, ...] = ()
    """Bounds, where they differ: "events.volume=0.1:5" (lowest:highest; one of them may be left out)."""
    min_rows: int = 20
    """With fewer rows than this a share or a median says nothing, and the check is left out."""
    weeks: int = 4
    """Earlier days of the same weekday that the newest day's volume is compared with; two of them are the least."""
    recent_days: int = 7
    """Newest days whose categories are compared with those of the `before_days` before them."""
    before_days: int = 28
    snapshot_days: int = 14
    """How old the snapshot may be that a day's items and users are compared with."""

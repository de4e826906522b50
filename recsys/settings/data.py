"""What is read from the shop, and how events are weighed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DataSettings:
    """What is read from the shop."""

    look_back_days: int = 490
    """Days of events before the as-of date that a run looks at."""
    late_days: int = 3
    """Newest day partitions that every run reads again, for rows that came late."""
    allowed_lateness_hours: int = 0
    """How long after the as-of date's 00:00 a row may be ingested and still count."""
    clock_tolerance_minutes: int = 60
    """How far `occurred_at` may lie after `ingested_at` before the row counts as from the future."""
    max_rejected_share: float = 0.02
    """Share of refused rows above which the run stops before anything is published."""
    absurd_price_factor: float = 100.0
    """A price this many times above or below the item's median price is refused."""
    stock_look_back_days: int = 28
    """A stock count older than this says nothing about today."""
    max_stale_days: int = 7
    """An as-of date more than this many days after the shop's newest event is taken for a mistake."""


@dataclass(frozen=True)
class InteractionSettings:
    """How events become weighted user-item interactions."""

    view_weight: float = 0.05
    favourite_weight: float = 0.2
    cart_weight: float = 0.3
    purchase_weight: float = 1.0
    return_weight: float = -1.0
    half_life_days: float = 90.0
    """Days after which an event weighs half."""

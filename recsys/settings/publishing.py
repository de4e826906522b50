"""How result tables reach their readers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PublishSettings:
    """How result tables reach their readers."""

    retention_days: int = 90
    """Published days kept in the warehouse; whole partitions are dropped."""
    lake_retention_days: int = 90
    """As-of partitions kept in the lake; day partitions of events are not touched."""
    lock_timeout_seconds: float = 0.2
    """How long publishing waits for a table lock, and readers behind it, before it lets them pass and tries again."""
    publish_attempts: int = 60
    history_items: int = 20
    """Newest items of each user shown beside the user's lists; as many rows a user and published day."""

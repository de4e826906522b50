"""What the tasks of the daily run have in common, when a run is late, and what the trigger form changes in it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from plugins.notify import FailureNotifier, deadline_missed

if TYPE_CHECKING:
    from recsys.config import Settings

SHOP_POOL, WAREHOUSE_POOL = "recsys_shop", "recsys_warehouse"
"""Pools of pools.json, which `airflow pools import` creates once; a task of a pool that is missing never starts."""

TASK_DEFAULTS: dict[str, Any] = {
    "owner": "recommendations",
    "retries": 2,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
    "execution_timeout": timedelta(minutes=30),
    "on_failure_callback": [FailureNotifier()],
}


def deadline_hours() -> float:
    """After how many hours a run is late: RECSYS_DEADLINE_HOURS, else 4. Raises ValueError for no number."""
    told = os.environ.get("RECSYS_DEADLINE_HOURS") or "4"
    try:
        return float(told)
    except ValueError as error:
        raise ValueError(f"RECSYS_DEADLINE_HOURS is {told!r}, and not a number of hours") from error


def _deadline(hours: float) -> DeadlineAlert:
    """Tell of a run that is not done so many hours after it was queued."""
    return DeadlineAlert(
        # From the queue on: a backfilled day's logical date lies years back and would be late at once.
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(hours=hours),
        callback=SyncCallback(deadline_missed, kwargs={"hours": hours}),
        name=f"{hours:g} hours",
    )


DAG_DEFAULTS: dict[str, Any] = {
    "catchup": False,
    "max_active_runs": 3,
    "default_args": TASK_DEFAULTS,
    "deadline": _deadline(deadline_hours()),
}


def with_params(settings: Settings, params: Mapping[str, Any]) -> Settings:
    """`settings` with what the trigger form changes. Params that came through a template are text."""
    length = params.get("list_length")
    if length in (None, ""):
        return settings
    return replace(settings, rules=replace(settings.rules, list_length=int(length)))


def wants_full_extract(params: Mapping[str, Any]) -> bool:
    """Whether every event day is to be read again."""
    return str(params.get("full_extract", "")).lower() == "true"

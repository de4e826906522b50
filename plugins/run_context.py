"""From what Airflow knows of a run to what a step is given.

`resolve_as_of_date` is the only place that turns a run into its as-of date; `step` is the only place where a function
of recsys becomes a task.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from airflow.sdk import get_current_context
from airflow.sdk.bases.decorator import task_decorator_factory
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException

from plugins.connections import postgres_address
from plugins.notify import pass_on
from plugins.run_form import wants_full_extract, with_params
from plugins.run_results import StepOperator, tell_assets

if TYPE_CHECKING:
    from recsys.run import Accepted, Counts, RunContext

CONNECTIONS = {"recsys_shop": "RECSYS_SHOP_DSN", "recsys_warehouse": "RECSYS_WAREHOUSE_DSN"}
"""Airflow connection that, where it is defined, takes the place of the environment variable."""


def resolve_as_of_date(context: Mapping[str, Any], time_zone: str) -> date:
    """The day that a run builds recommendations for: it knows everything before 00:00 of that day in `time_zone`.

    In this order: the run's partition key, the param `as_of_date`, the day after the logical date. The data interval is
    never looked at, since it lies on different sides of the logical date in a manual and in a scheduled run.
    Raises ValueError for a run with none of the three, a text that is no date, and a day that has not begun.
    """
    run = context["dag_run"]
    logical_date: datetime | None = run.logical_date
    if run.partition_key:
        day = _parse(run.partition_key, "the partition key")
    elif context["params"].get("as_of_date"):
        day = _parse(context["params"]["as_of_date"], "the param as_of_date")
    elif logical_date is not None:
        day = logical_date.astimezone(ZoneInfo(time_zone)).date() + timedelta(days=1)
    else:
        raise ValueError(
            "this run has no as-of date: it has no logical date (it was triggered without one, or by an asset); "
            'trigger it again with the param as_of_date, for example {"as_of_date": "2017-12-04"}'
        )
    _refuse_future(day, context["ti"].start_date, time_zone)
    return day


def run_context(context: Mapping[str, Any]) -> RunContext:
    """What a step is given, from the context of the Airflow task that wraps it.

    The databases are the Airflow connections recsys_shop and recsys_warehouse where they are defined, else
    RECSYS_SHOP_DSN and RECSYS_WAREHOUSE_DSN; the rest comes from the environment, the settings file and the params.
    """
    from recsys.config import load_environment, load_settings
    from recsys.run import RunContext

    settings = load_settings()
    environment = load_environment({**os.environ, **_connections()})
    day = resolve_as_of_date(context, settings.time_zone)
    settings = with_params(settings, context["params"])
    full = wants_full_extract(context["params"])
    return RunContext(day, environment, settings, context["dag_run"].run_id, accepted_checks(context), full)


def accepted_checks(context: Mapping[str, Any]) -> Accepted:
    """The failed checks that whoever triggered the run lets pass. Raises ValueError where they do not say why."""
    from recsys.run import Accepted

    params, run = context["params"], context["dag_run"]
    checks = tuple(params.get("accept") or ())
    why = (params.get("accept_why") or "").strip()
    if checks and not why:
        raise ValueError(f"say in the param accept_why why {', '.join(checks)} may fail")
    who = getattr(run, "triggering_user_name", None) or "unknown"
    return Accepted(checks, who, why) if checks else Accepted()


def step(function: Callable[..., Counts], result: Callable[[Counts], Any] = dict, **options: Any) -> Any:
    """A task, not yet called, that runs `function` with the run's context and returns `result` of its counts.

    A mapped task passes its `shard` on. Errors that a retry cannot mend
    (settings, bad data, a day held by another run) fail the task at once.
    """

    def run(shard: int | None = None, **context: Any) -> Any:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        from recsys.config import ConfigError
        from recsys.run import RunError
        from recsys.schemas import SchemaError
        from recsys.steps import run_one

        try:
            built = run_context(context)
            if shard is not None:
                get_current_context()["shard_name"] = f"shard {shard + 1}"  # type: ignore[typeddict-unknown-key]
            counts = run_one(function, built, *([] if shard is None else [shard]))
            tell_assets(context, built.as_of_date, counts)
            pass_on(context["dag_run"].run_id, counts)
            return result(counts)
        except (ConfigError, SchemaError, RunError, ValueError) as error:
            raise AirflowFailException(f"{function.__name__}: {error}") from error

    run.__doc__ = function.__doc__
    options = {"task_id": function.__name__, "doc_md": function.__doc__, **options}
    return task_decorator_factory(run, decorated_operator_class=StepOperator, **options)


def tasks(*functions: Callable[..., Counts], minutes: int = 30, **options: Any) -> list[Any]:
    """Each of `functions` as a task (see `step`), called, that may take `minutes`."""
    return [step(function, execution_timeout=timedelta(minutes=minutes), **options)() for function in functions]


def _parse(text: str, origin: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{origin} {text!r} is not a date such as 2017-12-04") from error


def _refuse_future(day: date, started: datetime | None, time_zone: str) -> None:
    """Refuse a day that had not begun when Airflow started the task: what happened before it is not complete."""
    if started is not None and day > (today := started.astimezone(ZoneInfo(time_zone)).date()):
        raise ValueError(
            f"the as-of date {day} lies in the future (it is {today} in {time_zone}): its events are not complete. "
            "A run of logical date D builds the day after D; give the param as_of_date to build another day"
        )


def _connections() -> dict[str, str]:
    from airflow.sdk import Connection

    found = {}
    for connection_id, variable in CONNECTIONS.items():
        try:
            found[variable] = postgres_address(Connection.get(connection_id))
        except AirflowNotFoundException:
            continue
    return found

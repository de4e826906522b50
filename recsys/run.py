"""What every step of a run is given: the as-of date, where things are, the settings and the run's name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from recsys.config import Environment, Settings
from recsys.storage import Lake

Counts = dict[str, int | float | str]
"""What a step returns: small numbers and texts for the log and for the scheduler, never rows."""


class RunError(RuntimeError):
    """A run cannot go on; the message says why and what to do."""


@dataclass(frozen=True)
class Accepted:
    """Failed checks that a person lets pass for this run: `gate`, or an expectation such as events.volume."""

    checks: tuple[str, ...] = ()
    who: str = ""
    why: str = ""


@dataclass(frozen=True)
class RunContext:
    """One run of one as-of date."""

    as_of_date: date
    environment: Environment
    settings: Settings
    run_id: str
    accepted: Accepted = Accepted()
    full_extract: bool = False
    """Read every event day of the look-back window again, also those that the lake holds."""

    @property
    def lake(self) -> Lake:
        """The lake that this run reads and writes."""
        return Lake(self.environment.lake_uri)

    @property
    def as_of(self) -> datetime:
        """Instant before which everything is known: 00:00 of the as-of date in the configured time zone, as UTC."""
        return start_of_day(self.as_of_date, self.settings.time_zone)


def start_of_day(day: date, time_zone: str) -> datetime:
    """00:00 of `day` in `time_zone`, as an instant in UTC."""
    return datetime.combine(day, time(), ZoneInfo(time_zone)).astimezone(timezone.utc)


def days_before(day: date, count: int) -> list[date]:
    """The `count` days before `day`, oldest first; `day` itself is not one of them."""
    return [day - timedelta(days=offset) for offset in range(count, 0, -1)]

"""Which day a page shows, and the small facts that every page shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from plugins.result_pages import queries
from plugins.result_pages.warehouse import Reader, Row
from recsys.schemas import BIGINT, DAY, INTEGER, PUBLISHED, Table


class NoSuchDayError(LookupError):
    """The day that was asked for is not published, or nothing is."""


@dataclass(frozen=True)
class Days:
    """The published days, newest first, and the one that the page shows."""

    all: list[Row]
    day: date

    @property
    def shown(self) -> Row:
        """The published day that the page shows."""
        return next(row for row in self.all if row["as_of_date"] == self.day)

    @property
    def before(self) -> date | None:
        """The published day before the shown one."""
        return next((row["as_of_date"] for row in self.all if row["as_of_date"] < self.day), None)

    @property
    def version(self) -> tuple[Any, ...]:
        """Changes with the shown day, and when any day is published, replaced, dropped or made current."""
        return self.day, *((row["as_of_date"], row["published_at"], row["is_current"]) for row in self.all)


@dataclass(frozen=True)
class Wanted:
    """The day or the run that an address asks for; neither: the current day."""

    day: date | None = None
    run_id: str = ""


def choose_day(reader: Reader, wanted: Wanted) -> Days:
    """The day that is wanted. Raises NoSuchDayError when it is not published."""
    days = reader.rows(queries.DAYS)
    if not days:
        raise NoSuchDayError("Nothing is published yet: trigger the DAG daily_recommendations and come back.")
    current = next((row["as_of_date"] for row in days if row["is_current"]), days[0]["as_of_date"])
    if wanted.run_id and wanted.day is None:
        return Days(days, _day_of_run(days, wanted.run_id))
    day = wanted.day or current
    if all(row["as_of_date"] != day for row in days):
        raise NoSuchDayError(f"{day} is not published; the newest published day is {days[0]['as_of_date']}.")
    return Days(days, day)


def _day_of_run(days: list[Row], run_id: str) -> date:
    for row in days:
        if row["run_id"] == run_id:
            return date.fromisoformat(str(row["as_of_date"]))
    raise NoSuchDayError(f"The run {run_id} has published nothing (yet), or a later run replaced what it published.")


def as_known(reader: Reader, query: str, column: str, typed: str, day: date) -> str:
    """The id `typed` without blanks around it, unless `query` finds it with them: columns char(n) of a shop pad ids."""
    bare = typed.strip()
    return typed if bare not in ("", typed) and reader.rows(query, day=day, **{column: typed}) else bare


def published_table(name: str) -> Table:
    """The published table called `name`. Raises LookupError."""
    return next(table for table in PUBLISHED if table.name == name)


def sections(reader: Reader, day: date, column: str, value: str, shown: set[str], limit: int = 20) -> list[Any]:
    """Table and rows of every published table that finds `column` = `value` by its key and is not `shown` elsewhere."""
    found = []
    for table in PUBLISHED:
        first = next((name for name in table.key if name != "as_of_date"), None)
        if first == column and table.name not in shown:
            rows = reader.table_rows(table, {"as_of_date": day, column: value}, limit)
            found += [(table, rows)] if rows else []
    return found


def key_of(table: Table, row: Row) -> list[str]:
    """What tells `row` from the other rows of its day, as an address holds it."""
    return [str(row[name]) for name in table.key if name != "as_of_date"]


def key_from(table: Table, given: list[str]) -> Row | None:
    """The key columns that `given` tells, as `key_of` wrote them; None when it cannot be a key of `table`."""
    names = [name for name in table.key if name != "as_of_date"]
    try:
        values = [_READ.get(table.arrow_schema.field(n).type, str)(g) for n, g in zip(names, given, strict=True)]
    except ValueError:
        return None
    return dict(zip(names, values, strict=True))


_READ: dict[Any, Callable[[str], Any]] = {DAY: date.fromisoformat, INTEGER: int, BIGINT: int}


def item_ids(rows: list[Row]) -> set[str]:
    """Values of all columns of items in `rows`."""
    return {row[name] for row in rows for name in row if name.endswith("item_id") and row[name]}


def titles(reader: Reader, day: date, ids: set[str]) -> dict[str, Row]:
    """Title and image of items by item_id; an unknown item is left out."""
    rows = reader.rows(queries.TITLES, day=day, items=sorted(ids)) if ids else []
    return {row["item_id"]: row for row in rows}

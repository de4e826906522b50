"""The lists of users in the lake: of which days readers saw them, and the rows of a day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl

from recsys.schemas import PUBLISHED_LISTS, USER_RECOMMENDATIONS
from recsys.storage import Lake, days_of, scan_partitions, shards_of


def published_before(lake: Lake, day: date) -> list[date]:
    """Days before `day` whose published lists the lake holds, oldest first."""
    return [published for published in days_of(lake, PUBLISHED_LISTS) if published < day]


def last_published(lake: Lake, day: date, within_days: int) -> date | None:
    """The newest of the `within_days` days before `day` whose lists readers saw."""
    oldest = day - timedelta(days=within_days)
    return max((published for published in published_before(lake, day) if published >= oldest), default=None)


def scan_lists(lake: Lake, day: date) -> pl.LazyFrame:
    """Rows of schemas.USER_RECOMMENDATIONS of all shards of the day, in the order of the shards."""
    return scan_partitions(lake, USER_RECOMMENDATIONS, shards_of(lake, USER_RECOMMENDATIONS, as_of_date=day))


def scan_shards(lake: Lake, day: date) -> Iterator[pl.LazyFrame]:
    """The same shard by shard, for what must not hold all users at once."""
    for keys in shards_of(lake, USER_RECOMMENDATIONS, as_of_date=day):
        yield scan_partitions(lake, USER_RECOMMENDATIONS, [keys])

"""What the demonstration prints at the end, read from the warehouse as an analyst would, and from the shop."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from statistics import median
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from demo.postgres import Server
from recsys.database import connect

HOLDOUT_DAYS = 28
SHOWN = 10
MIN_BOUGHT = 5
"""Households that bought fewer different items afterwards are passed over, there is little to compare with."""

_TABLES = """
select table_name, as_of_date, rows from bi.published_runs order by table_name, as_of_date
"""
_METRICS = """
select setting, model, metric, value, low, high, users, holdout_from, holdout_to
from bi.offline_metrics where as_of_date = %s
order by setting, model, metric
"""
_HOUSEHOLD = """
select user_id
from bi.user_recommendations
where as_of_date = %s and list = 'for_you' and fallback is null
group by user_id order by count(*) desc, md5(user_id) limit 200
"""
_LIST = """
select rank, item_id, score, reason_text from bi.user_recommendations
where as_of_date = %s and list = %s and user_id = %s and rank <= %s order by rank
"""
_BOUGHT = """
select user_id, item_id, min(occurred_at)::date as first_day, count(*) as times
from shop.events
where event_type = 'purchase' and user_id = any(%s) and occurred_at >= %s and occurred_at < %s
group by user_id, item_id
"""
_TITLES = "select distinct on (item_id) item_id, title from shop.items where item_id = any(%s) order by item_id"


def print_report(server: Server, day: date) -> None:
    """Print the rows of each table by day, a household's lists beside its later purchases, and the quality of `day`."""
    with (
        connect(server.dsn("warehouse", "bi_reader"), "warehouse") as warehouse,
        connect(server.dsn("shop", "shop_reader"), "shop") as shop,
    ):
        print_rows(warehouse)
        print_household(warehouse, shop, day)
        print_quality(warehouse, day)


def print_rows(warehouse: Connection) -> None:
    """Print one line a result table, one column a day."""
    counts: dict[str, dict[date, int]] = defaultdict(dict)
    for table, day, rows in _query(warehouse, _TABLES):
        counts[table][day] = rows
    days = sorted({day for by_day in counts.values() for day in by_day})
    print(f"\nRows of each result table by as-of date\n  {'':24}" + "".join(f"{day!s:>14}" for day in days))
    for table, by_day in counts.items():
        print(f"  {table:24}" + "".join(f"{by_day.get(day, 0):14,}" for day in days))


def print_household(warehouse: Connection, shop: Connection, day: date) -> None:
    """Print the lists of a household next to what it bought: the first that bought as much as half of them did.

    Their order is blind to the scores.
    """
    households = [user for (user,) in _query(warehouse, _HOUSEHOLD, (day,))]
    end = day + timedelta(days=HOLDOUT_DAYS)
    bought: dict[str, dict[str, tuple[date, int]]] = defaultdict(dict)
    for user, item, first, times in _query(shop, _BOUGHT, (households, day, end)):
        bought[user][item] = (first, times)
    active = [user for user in households if len(bought[user]) >= MIN_BOUGHT]
    if not active:
        print("\nNo household with a list of its own bought much afterwards.")
        return
    usual = median(len(bought[user]) for user in active)
    household = next(user for user in active if len(bought[user]) >= usual)
    print(f"\nHousehold {household}: it bought {len(bought[household])} different items from {day} to before {end}")
    for name in ("for_you", "discover", "buy_again"):
        rows = _query(warehouse, _LIST, (day, name, household, SHOWN))
        titles = dict(_query(shop, _TITLES, ([item for _, item, _, _ in rows],)))
        print(f"\n  {name:10} {'score':>7}  {'bought':12} {'title':42} reason")
        for rank, item, score, reason in rows:
            when = bought[household].get(item)
            mark = f"{when[0]:%d %b} x{when[1]}" if when else ""
            print(f"  {rank:>10} {score:7.3f}  {mark:12} {(titles.get(item) or item)[:42]:42} {reason}")


def print_quality(warehouse: Connection, day: date) -> None:
    """Print what was measured on the run's own holdout, the weeks before its as-of date."""
    table: dict[str, dict[str, dict[str, Any]]] = defaultdict(lambda: defaultdict(dict))
    window = None
    for setting, model, metric, value, low, high, users, first, last in _query(warehouse, _METRICS, (day,)):
        table[setting][model][metric] = (value, low, high, users)
        window = window or (first, last)
    if window is None:
        print(f"\nNo quality was measured for {day}.")
        return
    print(f"\nQuality of {day}'s models, measured on {window[0]} to before {window[1]}, best first")
    for setting, models in table.items():
        metrics = sorted({metric for values in models.values() for metric in values})
        print(f"\n  {setting:26}" + "".join(f"  {metric:>20}" for metric in metrics))
        best = sorted(models.items(), key=lambda pair: -pair[1].get("ndcg@10", (0.0,))[0])
        for model, values in best:
            print(
                f"  {model:26}"
                + "".join(f"  {_interval(values.get(metric)):>{max(len(metric), 20)}}" for metric in metrics)
            )


def _interval(measured: tuple[float, float | None, float | None, int] | None) -> str:
    if measured is None:
        return ""
    value, low, high, _ = measured
    return f"{value:.4f}" if low is None or high is None else f"{value:.4f} ({low:.3f}-{high:.3f})"


def _query(connection: Connection, statement: str | sql.Composable, values: tuple[Any, ...] = ()) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall()

"""A shop with other tables plugs in through a folder of source queries alone."""

from __future__ import annotations

from datetime import date, datetime, timezone
from pathlib import Path

import psycopg2
import pytest

from recsys.data.check import check_extracts
from recsys.data.events import read_events
from recsys.data.extract import extract_events, extract_snapshots
from recsys.data.interactions import build_interactions
from recsys.schemas import INTERACTIONS, ITEMS, USERS
from recsys.storage import read_partition
from tests.data.conftest import make_context

pytestmark = pytest.mark.postgres

TABLES = """
create schema till;
create table till.receipts (number integer primary key, card bigint, at timestamp, refund boolean);
create table till.lines (receipt integer, line integer, ean bigint, pieces integer, cents integer);
create table till.clicks (id bigint, visitor bigint, page_of bigint, epoch bigint);
create table till.goods (ean bigint, label text, shelf text[], cents integer);
insert into till.receipts values (1, 70, '2024-03-05 00:30', false), (2, 70, '2024-03-08 09:00', true);
insert into till.lines values (1, 1, 4001, 2, 300), (1, 2, 4002, 1, 99), (2, 1, 4001, 1, 150);
insert into till.clicks values (9, 71, 4002, extract(epoch from timestamptz '2024-03-09 10:00Z'));
insert into till.goods values (4001, 'Tea, "green"', array['Drinks', 'Tea'], 150), (4002, 'Milk', array['Dairy'], 99);
"""
QUERIES = {
    "events": """
with everything as (
    select
        receipts.number || '-' || lines.line as event_id, receipts.card::text as user_id, lines.ean::text as item_id,
        case when receipts.refund then 'return' else 'purchase' end as event_type, lines.pieces as quantity,
        lines.cents / 100.0 / nullif(lines.pieces, 0) as unit_price, receipts.number::text as order_id,
        receipts.at at time zone 'Europe/Berlin' as occurred_at
    from till.receipts inner join till.lines on receipts.number = lines.receipt
    union all
    select
        'click ' || id, visitor::text, page_of::text, 'view', null, null, null, to_timestamp(epoch)
    from till.clicks
)

select *, null as session_id, null as store_id, occurred_at as ingested_at
from everything
where occurred_at >= %(window_start)s and occurred_at < %(window_end)s
order by occurred_at -- the oldest first, 100%% of them
;
""",
    "items": """
select
    ean as item_id, label as title, null as description, array_to_string(shelf, ' > ') as category_path, null as brand,
    cents / 100.0 as list_price, null as unit_cost, null as launched_at, null as retired_at, null as image_url,
    null as valid_from, null as valid_to
from till.goods
""",
}


def test_the_whole_data_layer_runs_on_another_shape(database: str, lake: str, tmp_path: Path) -> None:
    connection = psycopg2.connect(database)
    with connection, connection.cursor() as cursor:
        cursor.execute(TABLES)
    connection.close()
    for name, query in QUERIES.items():
        (tmp_path / f"{name}.sql").write_text(query)
    run = make_context(database, lake, source_sql=tmp_path, time_zone="Europe/Berlin")
    extract_events(run)
    extract_snapshots(run)
    check_extracts(run)
    build_interactions(run)
    events = read_events(run).collect()
    assert events.select("event_id", "user_id", "item_id", "event_type", "quantity", "unit_price").rows() == [
        ("1-1", "70", "4001", "purchase", 2.0, 1.5),
        ("1-2", "70", "4002", "purchase", 1.0, 0.99),
        ("2-1", "70", "4001", "return", 1.0, 1.5),
        ("click 9", "71", "4002", "view", 1.0, None),
    ]
    assert events["occurred_at"][0] == datetime(2024, 3, 4, 23, 30, tzinfo=timezone.utc)
    items = read_partition(run.lake, ITEMS, as_of_date=date(2024, 3, 10))
    assert items.select("item_id", "title", "category_path", "list_price").rows() == [
        ("4001", 'Tea, "green"', "Drinks > Tea", 1.5),
        ("4002", "Milk", "Dairy", 0.99),
    ]
    assert read_partition(run.lake, USERS, as_of_date=date(2024, 3, 10)).is_empty()
    assert read_partition(run.lake, INTERACTIONS, as_of_date=date(2024, 3, 10)).height == 3

"""Campaigns, targets, contacts and responses as of a day, from a real Postgres."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import psycopg2
import pytest

from recsys import schemas
from recsys.data.campaigns import campaign_table
from recsys.data.extract import extract_snapshots
from recsys.run import RunError
from recsys.schemas import CAMPAIGN_TABLES, CAMPAIGN_TARGETS, CAMPAIGNS, CONTACTS, RESPONSES
from recsys.storage import file_checksum, partition_path, read_partition
from tests.conftest import insert_rows
from tests.data.conftest import AS_OF, MakeContext, at

pytestmark = pytest.mark.postgres


def campaign(name: str, announced: int, starts: int, ends: int, **changes: object) -> dict[str, object]:
    return {
        "campaign_id": name,
        "name": f"The {name}",
        "announced_at": at(announced),
        "starts_at": at(starts),
        "ends_at": at(ends),
        **changes,
    }


@pytest.fixture
def campaigns(shop_database: str) -> str:
    """Two campaigns known on the day, with a contact and a response each way of the day."""
    insert_rows(shop_database, "shop.campaigns", [campaign("old", 1, 2, 8), campaign("next", 9, 12, 20)])
    items = [("old", "i1", "c1"), ("old", "i1", "c2"), ("next", "i2", "c3")]
    rows = [{"campaign_id": c, "item_id": i, "coupon_id": k} for c, i, k in items]
    insert_rows(shop_database, "shop.campaign_items", [dict(row) for row in rows])
    insert_rows(
        shop_database, "shop.campaign_contacts", [{"campaign_id": "old", "user_id": "u1", "contacted_at": at(2)}]
    )
    insert_rows(
        shop_database,
        "shop.campaign_responses",
        [{"campaign_id": "old", "user_id": "u1", "coupon_id": c, "responded_at": at(5)} for c in ("c1", "c2")],
    )
    return shop_database


def test_campaigns_of_the_day_are_read(context: MakeContext, campaigns: str) -> None:
    run = context()
    counts = extract_snapshots(run)
    assert [counts[table.name] for table in CAMPAIGN_TABLES] == [2, 2, 1, 1]
    assert campaign_table(run, CAMPAIGNS)["campaign_id"].to_list() == ["next", "old"]
    assert campaign_table(run, CAMPAIGN_TARGETS).rows() == [("next", "item", "i2"), ("old", "item", "i1")]
    assert campaign_table(run, RESPONSES).rows() == [("old", "u1", at(5))]


def test_what_was_not_known_yet_changes_no_byte(context: MakeContext, campaigns: str) -> None:
    run = context()
    extract_snapshots(run)
    paths = [partition_path(table.name, as_of_date=AS_OF) for table in CAMPAIGN_TABLES]
    before = [file_checksum(run.lake, path) for path in paths]
    insert_rows(campaigns, "shop.campaigns", [campaign("later", 10, 12, 20, announced_at=at(10, 0))])
    insert_rows(campaigns, "shop.campaign_items", [{"campaign_id": "later", "item_id": "i3", "coupon_id": "c4"}])
    insert_rows(
        campaigns, "shop.campaign_contacts", [{"campaign_id": "next", "user_id": "u2", "contacted_at": at(10, 0)}]
    )
    insert_rows(campaigns, "shop.campaign_responses", [{"campaign_id": "old", "user_id": "u2", "responded_at": at(11)}])
    extract_snapshots(run)
    assert [file_checksum(run.lake, path) for path in paths] == before


def test_a_query_that_forgets_the_day_is_cut_all_the_same(context: MakeContext, campaigns: str, tmp_path: Path) -> None:
    shutil.copytree(context().environment.source_sql, tmp_path / "source")
    for name in ("campaigns", "contacts", "responses"):
        file = tmp_path / "source" / f"{name}.sql"
        file.write_text(file.read_text().split("where")[0])
    insert_rows(campaigns, "shop.campaigns", [campaign("later", 11, 12, 20)])
    insert_rows(campaigns, "shop.campaign_contacts", [{"campaign_id": "next", "user_id": "u2", "contacted_at": at(12)}])
    run = context(source_sql=tmp_path / "source")
    extract_snapshots(run)
    assert campaign_table(run, CAMPAIGNS)["campaign_id"].to_list() == ["next", "old"]
    assert campaign_table(run, CONTACTS)["user_id"].to_list() == ["u1"]


def test_bad_rows_are_refused_with_their_reason(context: MakeContext, shop_database: str) -> None:
    rows = [
        campaign("good", 1, 2, 20),
        campaign("good", 1, 2, 21),
        campaign("", 1, 2, 20),
        campaign("long" * 300, 1, 2, 20),
        campaign("backwards", 1, 9, 3),
        campaign("endless", 1, 2, 20, ends_at=None),
        campaign("costly", 1, 2, 20, budget=-5.0),
    ]
    insert_rows(shop_database, "shop.campaigns", rows)
    contacts: list[dict[str, object]] = [
        {"campaign_id": "good", "user_id": "u1", "contacted_at": at(5)},
        {"campaign_id": "good", "user_id": "u1", "contacted_at": at(3)},
        {"campaign_id": "good", "user_id": "", "contacted_at": at(3)},
        {"campaign_id": "good", "user_id": "u2", "contacted_at": None},
    ]
    insert_rows(shop_database, "shop.campaign_contacts", contacts)
    run = context()
    extract_snapshots(run)
    assert campaign_table(run, CAMPAIGNS)["campaign_id"].to_list() == ["good"]
    assert campaign_table(run, CONTACTS).rows() == [("good", "u1", at(3))]
    refused = read_partition(run.lake, schemas.REJECTED_SNAPSHOTS, as_of_date=AS_OF)
    assert refused.filter(pl.col("table_name") == "campaigns")["reason"].sort().to_list() == [
        "absurd_budget",
        "duplicate_key",
        "ends_before_it_starts",
        "long_identifier",
        "missing_campaign_id",
        "missing_time",
    ]
    assert refused.filter(pl.col("table_name") == "contacts")["reason"].sort().to_list() == [
        "duplicate_key",
        "missing_time",
        "missing_user_id",
    ]


def test_a_shop_without_campaigns_is_read_all_the_same(
    context: MakeContext, shop_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    with psycopg2.connect(shop_database) as connection, connection.cursor() as cursor:
        cursor.execute(
            "drop table shop.campaigns, shop.campaign_items, shop.campaign_contacts, shop.campaign_responses"
        )
    connection.close()
    run = context()
    with caplog.at_level("INFO"):
        extract_snapshots(run)
    assert [campaign_table(run, table).height for table in CAMPAIGN_TABLES] == [0, 0, 0, 0]
    assert "campaigns: the shop has no such table" in caplog.text


def test_an_unknown_kind_of_target_is_refused(context: MakeContext, shop_database: str, tmp_path: Path) -> None:
    shutil.copytree(context().environment.source_sql, tmp_path / "source")
    (tmp_path / "source" / "campaign_targets.sql").write_text(
        "select 'c' as campaign_id, t as target_type, 'x' as target from unnest(array['brand', 'planet']) as t"
    )
    run = context(source_sql=tmp_path / "source")
    extract_snapshots(run)
    assert campaign_table(run, CAMPAIGN_TARGETS)["target_type"].to_list() == ["brand"]
    refused = read_partition(run.lake, schemas.REJECTED_SNAPSHOTS, as_of_date=AS_OF)
    assert refused["reason"].to_list() == ["unknown_target_type"]


def test_a_missing_column_names_file_and_column(context: MakeContext, campaigns: str, tmp_path: Path) -> None:
    shutil.copytree(context().environment.source_sql, tmp_path / "source")
    file = tmp_path / "source" / "campaigns.sql"
    file.write_text(file.read_text().replace("    budget,\n", ""))
    with pytest.raises(RunError, match=r"campaigns\.sql: the query gives no column budget"):
        extract_snapshots(context(source_sql=tmp_path / "source"))

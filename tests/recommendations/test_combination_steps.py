"""The three steps on a lake: from events and lists to pairs, bundles and bundles for users."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from recsys import schemas
from recsys.__main__ import main
from recsys.config import Environment, Settings
from recsys.recommendations.bundles import build_bundles
from recsys.recommendations.item_pairs import build_item_pairs
from recsys.recommendations.user_bundles import build_user_bundles
from recsys.run import RunContext
from recsys.settings.combinations import PairSettings
from recsys.storage import Lake, LakeError, file_checksum, partition_path, read_partition, write_partition
from tests.recommendations.combination_shop import AS_OF_DATE, combination_events, combination_items

MADE = (schemas.ITEM_PAIRS, schemas.BUNDLES, schemas.BUNDLE_ITEMS, schemas.USER_BUNDLES)
DAY = {"as_of_date": AS_OF_DATE}


def filled(table: schemas.Table, frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with the table's other columns null."""
    empty = pl.DataFrame(table.arrow_schema.empty_table())
    return frame.with_columns(
        pl.lit(None, dtype).alias(name) for name, dtype in empty.schema.items() if name not in frame.columns
    )


def context_of(folder: Path) -> RunContext:
    settings = Settings(pairs=PairSettings(excluded_categories=("fuel",), bestseller_share=0.02))
    return RunContext(AS_OF_DATE, Environment("", "", str(folder)), settings, "test")


def fill_lake(lake: Lake, reverse: bool = False) -> None:
    events = filled(schemas.EVENTS, combination_events().with_columns(ingested_at=pl.col("occurred_at")))
    for (day,), rows in events.group_by(pl.col("occurred_at").dt.date()):
        ordered = rows.sort("occurred_at", "event_id", descending=reverse)
        write_partition(lake, schemas.EVENTS, ordered, date=day)
    write_partition(lake, schemas.EXCLUDED_EVENTS, schemas.EXCLUDED_EVENTS.arrow_schema.empty_table(), **DAY)
    write_partition(lake, schemas.STOCK, schemas.STOCK.arrow_schema.empty_table(), **DAY)
    items = filled(schemas.ITEMS, combination_items().with_columns(snapshot_date=pl.lit(AS_OF_DATE)))
    write_partition(lake, schemas.ITEMS, items, **DAY)
    lists = pl.DataFrame({
        "user_id": ["fan", "fan", "cold"], "item_id": ["torch", "noise00", "bread"], "rank": [1, 2, 1],
        "fallback": [None, None, "trending"],
    })  # fmt: skip
    lists = lists.with_columns(
        pl.lit(AS_OF_DATE).alias("as_of_date"), pl.lit(1.0).alias("score"),
        *(pl.lit("x").alias(name) for name in ("list", "generator", "reason_code", "reason_text", "model_version")),
    )  # fmt: skip
    write_partition(lake, schemas.USER_RECOMMENDATIONS, filled(schemas.USER_RECOMMENDATIONS, lists), **DAY, shard=0)


def build(folder: Path, reverse: bool = False) -> dict[str, str]:
    """Checksum of each product's file after one run."""
    context = context_of(folder)
    fill_lake(context.lake, reverse)
    for step in (build_item_pairs, build_bundles, build_user_bundles):
        step(context)
    return {table.name: file_checksum(context.lake, partition_path(table.name, **DAY)) for table in MADE}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, dict[str, str]]:
    folder = tmp_path_factory.mktemp("lake")
    return Lake(str(folder)), build(folder)


def test_same_day_same_bytes_in_whatever_order_events_come(built: tuple[Lake, dict[str, str]], tmp_path: Path) -> None:
    assert build(tmp_path, reverse=True) == built[1]


def test_every_product_has_rows_of_the_day(built: tuple[Lake, dict[str, str]]) -> None:
    for table in MADE:
        rows = read_partition(built[0], table, **DAY)
        assert rows.height and rows["as_of_date"].unique().to_list() == [AS_OF_DATE]
        assert rows.select(pl.struct(table.key).is_duplicated().any()).item() is False


def test_bundles_are_made_of_significant_pairs(built: tuple[Lake, dict[str, str]]) -> None:
    members = read_partition(built[0], schemas.BUNDLE_ITEMS, **DAY)
    strong = read_partition(built[0], schemas.ITEM_PAIRS, **DAY).filter("significant")
    assert set(members["item_id"]) <= set(strong["item_id"])


def test_only_users_with_a_list_of_their_own_get_bundles(built: tuple[Lake, dict[str, str]]) -> None:
    rows = read_partition(built[0], schemas.USER_BUNDLES, **DAY)
    assert set(rows["user_id"]) == {"fan"}
    members = read_partition(built[0], schemas.BUNDLE_ITEMS, **DAY)
    first = members.filter(pl.col("bundle_id") == rows["bundle_id"][0])
    assert "torch" in set(first["item_id"])


def test_a_shop_without_views_and_rules_has_no_substitutes(tmp_path: Path) -> None:
    context = context_of(tmp_path)
    fill_lake(context.lake)
    for day in combination_events()["occurred_at"].dt.date().unique():
        rows = read_partition(context.lake, schemas.EVENTS, date=day).filter(pl.col("event_type") != "view")
        write_partition(context.lake, schemas.EVENTS, rows, date=day)
    build_item_pairs(context)
    assert set(read_partition(context.lake, schemas.ITEM_PAIRS, **DAY)["relation"]) == {"complement"}


def test_a_basket_is_completed_from_a_shell(
    built: tuple[Lake, dict[str, str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("SHOP_DSN", "x"), ("WAREHOUSE_DSN", "x"), ("LAKE", built[0].uri)):
        monkeypatch.setenv(f"RECSYS_{name}", value)
    assert main(["complete-basket", "--as-of", str(AS_OF_DATE), "--user", "fan", "battery", "rope"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows[0]["item_id"] == "torch" and rows[0]["bundle_id"] is not None
    assert main(["complete-basket", "--as-of", "2020-01-01", "battery"]) == 1


def test_events_of_the_day_itself_and_later_change_no_byte(built: tuple[Lake, dict[str, str]], tmp_path: Path) -> None:
    context = context_of(tmp_path)
    fill_lake(context.lake)
    events = filled(schemas.EVENTS, combination_events().with_columns(ingested_at=pl.col("occurred_at")))
    future = pl.col("occurred_at") + pl.duration(days=400)
    planted = events.head(500).with_columns(item_id=pl.lit("rope"), occurred_at=future, ingested_at=future)
    write_partition(context.lake, schemas.EVENTS, planted, date=AS_OF_DATE)
    for step in (build_item_pairs, build_bundles, build_user_bundles):
        step(context)
    checksums = {table.name: file_checksum(context.lake, partition_path(table.name, **DAY)) for table in MADE}
    assert checksums == built[1]


def test_a_missing_step_before_is_named(tmp_path: Path) -> None:
    context = context_of(tmp_path)
    fill_lake(context.lake)
    with pytest.raises(LakeError, match="item_pairs"):
        build_bundles(context)
    with pytest.raises(LakeError, match="bundles"):
        build_user_bundles(context)

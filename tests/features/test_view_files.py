"""Views are held to what is declared of them, when they are written and when they are read."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from recsys.config import Environment, Settings
from recsys.features.view_files import scan_view, write_view
from recsys.run import RunContext
from recsys.schemas import SchemaError
from recsys.storage import LakeError

STORES = pl.DataFrame(
    {"store": [0, 0, 1], "item": [1, 2, 1], "s_share": [0.5, 0.5, None]},
    schema={"store": pl.Int32, "item": pl.Int32, "s_share": pl.Float32},
)


@pytest.fixture
def context(tmp_path: Path) -> RunContext:
    return RunContext(date(2024, 3, 10), Environment("", "", str(tmp_path)), Settings(), "test")


def test_what_is_written_is_read_back(context: RunContext) -> None:
    write_view(context, "stores", STORES)
    assert scan_view(context, "stores").collect().equals(STORES)


def test_a_view_that_was_not_built_says_what_to_run(context: RunContext) -> None:
    with pytest.raises(LakeError, match=r"no features/as_of_date=2024-03-10/stores\.parquet: run build_features first"):
        scan_view(context, "stores")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (STORES.drop("item"), r"stores: missing column\(s\) item"),
        (STORES.with_columns(pl.col("store").cast(pl.Int64)), "stores.store: int64, declared as int32"),
        (STORES.with_columns(pl.col("s_share").cast(pl.Float64)), "stores.s_share: double, declared as float"),
        (STORES.with_columns(user_id=pl.lit(1.0, pl.Float32)), "user_id is no feature"),
        (STORES.with_columns(item=pl.lit(1, pl.Int32)), "store, item is null or not unique"),
        (STORES.with_columns(item=pl.lit(None, pl.Int32)), "store, item is null or not unique"),
    ],
)
def test_a_frame_that_is_not_what_was_declared_is_refused(context: RunContext, change: pl.DataFrame, said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        write_view(context, "stores", change)
    with pytest.raises(LakeError):
        scan_view(context, "stores")


def test_a_file_that_someone_else_changed_is_refused(context: RunContext, tmp_path: Path) -> None:
    write_view(context, "user_codes", pl.DataFrame({"user_id": ["a"]}))
    pl.DataFrame({"user_id": [1]}).write_parquet(next(tmp_path.rglob("user_codes.parquet")))
    with pytest.raises(SchemaError, match=r"user_codes.user_id: int64, declared as string"):
        scan_view(context, "user_codes")

from datetime import date
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from recsys import schemas
from recsys.schemas import Column, SchemaError, Table
from recsys.storage import (
    Lake,
    LakeError,
    delete_partitions,
    file_checksum,
    has_partition,
    list_keys,
    open_output,
    partition_path,
    read_partition,
    scan_partitions,
    write_batches,
    write_partition,
)

VISITS = Table(
    "visits",
    "One row per visit.",
    ("user_id",),
    (Column("user_id", schemas.TEXT, "Who."), Column("pages", schemas.INTEGER, "How many.", nullable=True)),
)


@pytest.fixture
def visits(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "visits-lake"))


def test_what_is_written_is_read_back(visits: Lake) -> None:
    frame = pl.DataFrame({"pages": [3, None], "user_id": ["a", "b"], "extra": [1, 2]})
    assert write_partition(visits, VISITS, frame, date=date(2020, 1, 2)) == 2
    assert read_partition(visits, VISITS, date="2020-01-02").rows() == [("a", 3), ("b", None)]
    assert list_keys(visits, VISITS) == ["2020-01-02"]


def test_the_same_rows_are_the_same_bytes(visits: Lake) -> None:
    frame = pl.DataFrame({"user_id": ["a"], "pages": [3]})
    write_partition(visits, VISITS, frame, date=1)
    write_partition(visits, VISITS, frame, date=2)
    first, second = (file_checksum(visits, partition_path("visits", date=day)) for day in (1, 2))
    assert first == second


def test_a_replaced_partition_holds_only_the_new_rows(visits: Lake) -> None:
    write_partition(visits, VISITS, pl.DataFrame({"user_id": ["a", "b"], "pages": [1, 2]}), date=1)
    write_partition(visits, VISITS, pl.DataFrame({"user_id": ["c"], "pages": [3]}), date=1)
    assert read_partition(visits, VISITS, date=1)["user_id"].to_list() == ["c"]


def test_a_writer_that_dies_leaves_the_old_partition_and_no_rubbish(visits: Lake, tmp_path: Path) -> None:
    write_partition(visits, VISITS, pl.DataFrame({"user_id": ["a"], "pages": [1]}), date=1)

    def dies():
        yield pa.table({"user_id": ["b"], "pages": [2]})
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        write_batches(visits, VISITS, dies(), date=1)
    assert read_partition(visits, VISITS, date=1)["user_id"].to_list() == ["a"]
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_full_disk_is_named(visits: Lake) -> None:
    with pytest.raises(LakeError, match="cannot write visits/x"), open_output(visits, "visits/x") as stream:
        stream.write(b"half")
        raise OSError(28, "No space left on device")
    assert not has_partition(visits, VISITS)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"user_id": ["a"]}, "missing column.* pages"),
        ({"user_id": ["a"], "pages": ["many"]}, "visits.pages"),
        ({"user_id": [None], "pages": [1]}, "1 null"),
    ],
)
def test_a_frame_that_does_not_fit_is_refused(visits: Lake, columns: dict, said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        write_partition(visits, VISITS, pa.table(columns), date=1)
    assert not has_partition(visits, VISITS, date=1)


def test_a_missing_partition_says_what_to_run(visits: Lake) -> None:
    with pytest.raises(LakeError, match="run the step that writes visits"):
        read_partition(visits, VISITS, date=1)


def test_partitions_are_scanned_in_the_given_order_and_deleted_by_key(visits: Lake) -> None:
    for day in (1, 2):
        write_partition(visits, VISITS, pl.DataFrame({"user_id": [str(day)], "pages": [day]}), date=day)
    assert scan_partitions(visits, VISITS, [{"date": 2}, {"date": 1}]).collect()["pages"].to_list() == [2, 1]
    assert scan_partitions(visits, VISITS, []).collect().is_empty()
    delete_partitions(visits, VISITS, date=1)
    assert list_keys(visits, VISITS) == ["2"]

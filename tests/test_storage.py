import functools
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.fs as pafs
import pytest

from recsys import schemas
from recsys.schemas import Column, SchemaError, Table
from recsys.storage import (
    Lake,
    LakeError,
    delete_partitions,
    drop_aside,
    drop_folders,
    file_checksum,
    has_partition,
    list_keys,
    open_output,
    partition_path,
    read_partition,
    scan_partitions,
    scan_root,
    write_batches,
    write_partition,
)

VISITS = Table(
    "visits",
    "One row per visit.",
    ("user_id",),
    (Column("user_id", schemas.TEXT, "Who."), Column("pages", schemas.INTEGER, "How many.", nullable=True)),
)


class StoredElsewhere(Lake):
    """A lake of a folder that is no local file system to its writers, as an object store is none."""

    def filesystem(self) -> tuple[pafs.FileSystem, str]:
        return pafs.SubTreeFileSystem(self.uri, pafs.LocalFileSystem()), "root"


class Bucket(SimpleHTTPRequestHandler):
    """A folder as an S3 service: whole objects and ranges of them."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        data = Path(self.translate_path(self.path)).read_bytes()
        part, span = data, self.headers["Range"]
        if span:
            first, _, last = span.removeprefix("bytes=").partition("-")
            start, end = (
                (int(first), int(last or len(data) - 1)) if first else (max(len(data) - int(last), 0), len(data) - 1)
            )
            part = data[start : end + 1]
        self.send_response(206 if span else 200)
        if span:
            self.send_header("Content-Range", f"bytes {start}-{start + len(part) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(part)))
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Mon, 04 Dec 2017 00:00:00 GMT")
        self.end_headers()
        if body:
            self.wfile.write(part)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[str]:
    """Address (host:port) of an S3 service whose buckets are the folders of tmp_path."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Bucket, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


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


@pytest.mark.parametrize("kind", [Lake, StoredElsewhere])
def test_a_writer_that_dies_leaves_the_old_partition_and_no_rubbish(kind: type[Lake], tmp_path: Path) -> None:
    lake = kind(str(tmp_path))
    write_partition(lake, VISITS, pl.DataFrame({"user_id": ["x"], "pages": [0]}), date=1)
    write_partition(lake, VISITS, pl.DataFrame({"user_id": ["a"], "pages": [1]}), date=1)

    def dies():
        yield pa.table({"user_id": ["b"], "pages": [2]})
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        write_batches(lake, VISITS, dies(), date=1)
    assert read_partition(lake, VISITS, date=1)["user_id"].to_list() == ["a"]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["visits.parquet"]


def test_a_frame_that_does_not_fit_opens_no_file(visits: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recsys.storage.open_output", lambda *_: pytest.fail("a file was opened"))
    with pytest.raises(SchemaError):
        write_partition(visits, VISITS, pa.table({"user_id": ["a"]}), date=1)


@pytest.mark.parametrize("kind", [Lake, StoredElsewhere])
def test_a_write_that_fails_leaves_nothing_that_passes_for_a_partition(kind: type[Lake], tmp_path: Path) -> None:
    lake = kind(str(tmp_path))
    write_partition(lake, VISITS, pl.DataFrame({"user_id": ["a"], "pages": [1]}), date=1)
    path = partition_path("visits", date=2)
    with pytest.raises(LakeError), open_output(lake, path) as stream:
        stream.write(b"half")
        raise OSError(28, "No space left on device")
    assert list_keys(lake, VISITS) == ["1"]


def test_what_a_killed_writer_left_is_no_partition_and_can_be_dropped(visits: Lake) -> None:
    program = (
        "import os, signal, sys; from recsys.storage import Lake, open_output\n"
        "with open_output(Lake(sys.argv[1]), 'visits/date=2/visits.parquet') as stream:\n"
        "    stream.write(b'half'); stream.flush(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program, visits.uri], check=False)
    assert list_keys(visits, VISITS) == []
    write_partition(visits, VISITS, pl.DataFrame({"user_id": ["a"], "pages": [1]}), date=2)
    assert drop_aside(visits) == 1
    assert [path.name for path in Path(visits.uri).rglob("*") if path.is_file()] == ["visits.parquet"]


def test_old_folders_go_also_where_another_run_deletes_them_first(visits: Lake) -> None:
    for day in (1, 2, 3):
        write_partition(visits, VISITS, pl.DataFrame({"user_id": ["a"], "pages": [1]}), as_of_date=date(2020, 1, day))

    def is_old(day: date) -> bool:
        if day.day == 1:
            shutil.rmtree(f"{visits.uri}/visits/as_of_date=2020-01-01")
        return day.day < 3

    gone = drop_folders(visits, "visits", "as_of_date=", is_old)
    assert [path.rpartition("/")[2] for path in gone] == ["as_of_date=2020-01-02"]
    assert list_keys(visits, VISITS) == ["2020-01-03"]


@pytest.mark.parametrize("name", ["of a shop", "[new] lake*?", "100%20"])
def test_a_folder_may_be_called_anything(tmp_path: Path, name: str) -> None:
    lake = Lake(str(tmp_path / name))
    write_partition(lake, VISITS, pl.DataFrame({"user_id": ["a"], "pages": [1]}), date=1)
    assert scan_partitions(lake, VISITS, [{"date": 1}]).collect().rows() == [("a", 1)]


@pytest.mark.parametrize("uri", ["s3://AKIA:s3cr/et+key@bucket/lake", "az://s3cr@bucket", "file:///s3cr et"])
def test_an_address_that_cannot_be_read_is_not_repeated(uri: str) -> None:
    with pytest.raises(LakeError, match="RECSYS_LAKE") as caught:
        has_partition(Lake(uri), VISITS, date=1)
    assert "s3cr" not in str(caught.value)
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


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


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("s3://key:a%2Fb@bucket/lake?region=r", "s3://bucket/lake"),
        ("gs://anonymous@bucket/lake", "gs://bucket/lake"),
        ("/folder/lake", "/folder/lake"),
    ],
)
def test_messages_name_the_lake_without_its_keys(uri: str, told: str) -> None:
    assert str(Lake(uri)) == told and "a%2Fb" not in repr(Lake(uri))


@pytest.mark.parametrize(
    ("uri", "root", "options"),
    [
        ("s3://bucket/lake/?region=eu-central-1", "s3://bucket/lake", {"aws_region": "eu-central-1"}),
        (
            "s3://key:a%2Fb@bucket/lake?region=r",
            "s3://bucket/lake",
            {"aws_region": "r", "aws_access_key_id": "key", "aws_secret_access_key": "a/b"},
        ),
        ("gs://anonymous@bucket/lake?retry_limit_seconds=5", "gs://anonymous@bucket/lake", None),
    ],
)
def test_options_of_the_uri_are_no_part_of_the_paths(uri: str, root: str, options: dict[str, str] | None) -> None:
    assert scan_root(Lake(uri)) == (root, options)


def test_a_store_with_options_is_scanned(bucket: str, tmp_path: Path) -> None:
    write_partition(
        Lake(str(tmp_path / "shop" / "lake")), VISITS, pl.DataFrame({"user_id": ["a"], "pages": [1]}), date=1
    )
    address = bucket.replace(":", "%3A")
    store = Lake(f"s3://key:secret@shop/lake?scheme=http&region=r&endpoint_override={address}")
    assert scan_partitions(store, VISITS, [{"date": 1}]).collect().rows() == [("a", 1)]
    assert read_partition(store, VISITS, date=1).rows() == [("a", 1)]

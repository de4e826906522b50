"""The lake: Parquet partitions under a URI (a folder, or an object store that pyarrow knows).

A partition is one file, `<table>/<key>=<value>/…/<table>.parquet`. It is written aside, as `<table>/….tmp`, and then
moved into its place, so that a reader sees the old partition or the new one, and a write that fails leaves neither half
a file nor a folder that would pass for a partition. What a killed process leaves aside, `drop_aside` deletes.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from typing import IO, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import polars as pl
import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from recsys.schemas import INSTANT, TEXT, Table

_ASIDE = ".tmp"


class LakeError(RuntimeError):
    """The lake cannot be read or written; the message names the partition."""


@dataclass(frozen=True)
class Lake:
    """A lake at `uri`: an absolute folder, file://, s3://, gs:// …"""

    uri: str = field(repr=False)

    def __str__(self) -> str:
        """The address without keys and options, for messages."""
        parts = urlsplit(self.uri)
        host = parts.netloc.rsplit("@", 1)[-1]
        return f"{parts.scheme}://{host}{parts.path}" if parts.netloc else self.uri

    def filesystem(self) -> tuple[pafs.FileSystem, str]:
        """The file system behind the URI and the root path in it.

        Raises LakeError for an address that cannot be read, and for an object store that does not answer.
        """
        uri = self.uri if "://" in self.uri else os.path.abspath(self.uri)
        try:
            filesystem, root = pafs.FileSystem.from_uri(uri)
        except (pa.ArrowInvalid, ValueError):
            # Arrow quotes the address that it cannot read, and with it the keys.
            raise LakeError(
                "cannot read the address of the lake (RECSYS_LAKE): write an absolute folder, or an address such as "
                "s3://bucket/folder or gs://bucket/folder, in which %, /, +, @ and blanks of a key are percent-encoded"
            ) from None
        except OSError as error:
            raise LakeError(f"cannot reach the lake {self}: {error}") from error
        return filesystem, root.rstrip("/")


def partition_path(table: str, **keys: Any) -> str:
    """Path of a partition below the lake's root, such as events/date=2017-12-03/events.parquet."""
    return "/".join([table, *(f"{name}={value}" for name, value in keys.items()), f"{table}.parquet"])


@contextmanager
def open_output(lake: Lake, path: str) -> Iterator[IO[bytes]]:
    """Open `path` for writing; it appears under its name only when the block ends without an error.

    Raises LakeError when the lake refuses (a full disk, missing rights).
    """
    filesystem, root = lake.filesystem()
    target, table = f"{root}/{path}", f"{root}/{path.split('/', 1)[0]}"
    # Aside in an object store too: an error closes the stream, and what was written until then would be an object.
    aside = f"{table}/{uuid.uuid4().hex}{_ASIDE}"
    try:
        filesystem.create_dir(table, recursive=True)
        try:
            with filesystem.open_output_stream(aside) as stream:
                yield stream
            # Only now: a folder without its file would be listed as a partition.
            filesystem.create_dir(target.rsplit("/", 1)[0], recursive=True)
            if isinstance(filesystem, pafs.LocalFileSystem):
                os.replace(aside, target)
            else:
                filesystem.move(aside, target)
        except BaseException:
            with suppress(OSError):
                filesystem.delete_file(aside)
            raise
    except OSError as error:
        raise LakeError(f"cannot write {path} to the lake {lake}: {error}") from error


def write_partition(lake: Lake, table: Table, data: pa.Table | pl.DataFrame, **keys: Any) -> int:
    """Write `data`, conformed to `table`, as the partition `keys`, replacing it whole. Returns its rows."""
    # The newest layout is polars' own: texts are copied once, by conform, and not twice.
    rows = data.to_arrow(compat_level=pl.CompatLevel.newest()) if isinstance(data, pl.DataFrame) else data
    return _write(lake, table, [table.conform(rows)], **keys)


def write_batches(lake: Lake, table: Table, parts: Iterable[pa.Table], **keys: Any) -> int:
    """Write the frames of `parts` one after the other into one partition; only one is in memory. Returns the rows."""
    return _write(lake, table, map(table.conform, parts), **keys)


def _write(lake: Lake, table: Table, parts: Iterable[pa.Table], **keys: Any) -> int:
    rows = 0
    numbers = [column.name for column in table.columns if column.type != TEXT]
    instants = {column.name: "DELTA_BINARY_PACKED" for column in table.columns if column.type == INSTANT}
    with (
        open_output(lake, partition_path(table.name, **keys)) as stream,
        pq.ParquetWriter(
            stream,
            table.arrow_schema,
            compression="zstd",
            use_dictionary=table.repeating_columns,
            write_statistics=numbers,
            # Sorted by time, as events are: a fifth of a day's bytes.
            column_encoding=instants or None,
        ) as writer,
    ):
        for part in parts:
            writer.write_table(part)
            rows += part.num_rows
    return rows


def has_partition(lake: Lake, table: Table, **keys: Any) -> bool:
    """Whether the partition is there."""
    filesystem, root = lake.filesystem()
    info = filesystem.get_file_info(f"{root}/{partition_path(table.name, **keys)}")
    return bool(info.type == pafs.FileType.File)


def read_partition(lake: Lake, table: Table, **keys: Any) -> pl.DataFrame:
    """Read one partition. Raises LakeError, which names it, when it is missing or does not fit `table`."""
    path = partition_path(table.name, **keys)
    filesystem, root = lake.filesystem()
    try:
        data = pq.read_table(f"{root}/{path}", filesystem=filesystem, partitioning=None)
    except FileNotFoundError as error:
        raise LakeError(f"the lake {lake} has no {path}: run the step that writes {table.name}") from error
    return pl.DataFrame(table.conform(data))


def read_partition_if_any(lake: Lake, table: Table, **keys: Any) -> pl.DataFrame:
    """One partition; no row where it is missing. Raises LakeError where it does not fit `table`."""
    if has_partition(lake, table, **keys):
        return read_partition(lake, table, **keys)
    return pl.DataFrame(table.empty_table())


def scan_partitions(lake: Lake, table: Table, partitions: Iterable[dict[str, Any]]) -> pl.LazyFrame:
    """Scan many partitions as one lazy frame, in the given order; no partition: an empty frame of the right types."""
    prefix, options = scan_root(lake)
    paths = [f"{prefix}/{partition_path(table.name, **keys)}" for keys in partitions]
    if not paths:
        return pl.DataFrame(table.empty_table()).lazy()
    # The lake's own folder may hold a bracket or a star.
    return pl.scan_parquet(paths, hive_partitioning=False, glob=False, storage_options=options)


def scan_root(lake: Lake) -> tuple[str, dict[str, str] | None]:
    """The lake's root as polars scans it, and the storage options that the URI holds, as pyarrow reads them."""
    filesystem, root = lake.filesystem()
    if isinstance(filesystem, pafs.LocalFileSystem):
        return root, None
    parts = urlsplit(lake.uri)
    if parts.scheme != "s3":
        return lake.uri.split("?", 1)[0].rstrip("/"), None
    given = dict(parse_qsl(parts.query))
    scheme = given.get("scheme", "https")
    options = {
        "aws_region": given.get("region"),
        "aws_endpoint_url": f"{scheme}://{given['endpoint_override']}" if "endpoint_override" in given else None,
        "aws_allow_http": "true" if scheme == "http" else None,
        "aws_access_key_id": unquote(parts.username) if parts.username else None,
        "aws_secret_access_key": unquote(parts.password) if parts.password else None,
    }
    return f"s3://{root}", {name: value for name, value in options.items() if value} or None


def list_keys(lake: Lake, table: Table, **keys: Any) -> list[str]:
    """Values of the next partition key below `keys`, sorted: list_keys(lake, EVENTS) gives the days it holds."""
    filesystem, root = lake.filesystem()
    folder = "/".join([table.name, *(f"{name}={value}" for name, value in keys.items())])
    selector = pafs.FileSelector(f"{root}/{folder}", allow_not_found=True)
    names = [i.base_name for i in filesystem.get_file_info(selector) if i.type == pafs.FileType.Directory]
    return sorted(name.split("=", 1)[1] for name in names if "=" in name)


def days_of(lake: Lake, table: Table) -> list[date]:
    """As-of dates, or days, of which the lake holds `table`, oldest first."""
    return [date.fromisoformat(key) for key in list_keys(lake, table)]


def shards_of(lake: Lake, table: Table, **keys: Any) -> list[dict[str, Any]]:
    """Keys of the partitions of `table` below `keys`, one a shard, in the order of their numbers."""
    return [{**keys, "shard": shard} for shard in sorted(list_keys(lake, table, **keys), key=int)]


def delete_partitions(lake: Lake, table: Table, **keys: Any) -> None:
    """Delete everything of `table` below `keys`; nothing there is no error."""
    filesystem, root = lake.filesystem()
    folder = "/".join([f"{root}/{table.name}", *(f"{name}={value}" for name, value in keys.items())])
    if filesystem.get_file_info(folder).type == pafs.FileType.Directory:
        filesystem.delete_dir(folder)


def drop_folders(lake: Lake, table: str, key: str, is_old: Callable[[date], bool]) -> list[str]:
    """Delete the folders `<key><date>` of `table` whose date `is_old`; returns their paths."""
    filesystem, root = lake.filesystem()
    gone = []
    for entry in filesystem.get_file_info(pafs.FileSelector(f"{root}/{table}", allow_not_found=True)):
        if entry.type != pafs.FileType.Directory or not entry.base_name.startswith(key):
            continue
        if is_old(date.fromisoformat(entry.base_name.removeprefix(key))):
            # Runs of different days may end at the same moment: what the other one deletes is gone too.
            with suppress(FileNotFoundError):
                filesystem.delete_dir(entry.path)
                gone.append(entry.path)
    return gone


def table_names(lake: Lake) -> list[str]:
    """Names of the folders at the lake's root."""
    filesystem, root = lake.filesystem()
    entries = filesystem.get_file_info(pafs.FileSelector(root, allow_not_found=True))
    return sorted(entry.base_name for entry in entries if entry.type == pafs.FileType.Directory)


def drop_aside(lake: Lake) -> int:
    """Delete what killed processes left aside, when nobody writes to the lake; returns how many files."""
    filesystem, root = lake.filesystem()
    tables = [pafs.FileSelector(f"{root}/{name}") for name in table_names(lake)]
    left = [file.path for table in tables for file in filesystem.get_file_info(table) if file.path.endswith(_ASIDE)]
    for path in left:
        filesystem.delete_file(path)
    return len(left)


def read_bytes_if_any(lake: Lake, path: str) -> bytes | None:
    """What the file at `path` below the lake's root holds; None where there is none."""
    filesystem, root = lake.filesystem()
    try:
        with filesystem.open_input_stream(f"{root}/{path}") as stream:
            return bytes(stream.read())
    except FileNotFoundError:
        return None


def file_checksum(lake: Lake, path: str) -> str:
    """SHA-256 of a file of the lake, hexadecimal."""
    filesystem, root = lake.filesystem()
    digest = hashlib.sha256()
    with filesystem.open_input_stream(f"{root}/{path}") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def stream_partition(lake: Lake, table: Table, **keys: Any) -> Iterator[pa.RecordBatch]:
    """Rows of one partition as batches of at most 64 Ki rows, in order. Raises LakeError as read_partition does."""
    path = partition_path(table.name, **keys)
    filesystem, root = lake.filesystem()
    try:
        with filesystem.open_input_file(f"{root}/{path}") as stream:
            for batch in pq.ParquetFile(stream).iter_batches(batch_size=1 << 16):
                yield from table.conform(pa.Table.from_batches([batch])).to_batches()
    except FileNotFoundError as error:
        raise LakeError(f"the lake {lake} has no {path}: run the step that writes {table.name}") from error

"""Feature views in the lake: features/as_of_date=D/<view>.parquet, held to schemas.FEATURE_VIEWS."""

from __future__ import annotations

import io

import numpy as np
import polars as pl
import pyarrow.parquet as pq
from numpy.typing import NDArray

from recsys.run import RunContext
from recsys.schemas import FEATURE_VIEWS, SchemaError
from recsys.storage import LakeError, open_output, scan_root

_DECLARED = {view.name: view for view in FEATURE_VIEWS}


def write_view(context: RunContext, name: str, view: pl.DataFrame) -> None:
    """Write a view of the day, replacing it whole.

    Raises SchemaError for columns that are not what the view declares, a null in its key or a key twice.
    """
    declared = _DECLARED[name]
    declared.check(view.clear().to_arrow().schema)
    key = view.select(declared.key)
    if sum(key.null_count().row(0)) or key.n_unique() != view.height:
        raise SchemaError(f"features {name}: {', '.join(declared.key)} is null or not unique")
    buffer = io.BytesIO()
    view.write_parquet(buffer, compression="zstd", row_group_size=100_000)
    with open_output(context.lake, _path(context, name)) as stream:
        stream.write(buffer.getbuffer())


def scan_view(context: RunContext, name: str) -> pl.LazyFrame:
    """A view of the day, lazily: filters on its first key read only the row groups that may hold it.

    Raises LakeError, which says what to run, when it is missing; SchemaError when it is not what was declared.
    """
    filesystem, root = context.lake.filesystem()
    path = _path(context, name)
    try:
        _DECLARED[name].check(pq.read_schema(f"{root}/{path}", filesystem=filesystem))
    except FileNotFoundError as error:
        raise LakeError(f"the lake {context.lake} has no {path}: run build_features first") from error
    prefix, options = scan_root(context.lake)
    return pl.scan_parquet(f"{prefix}/{path}", hive_partitioning=False, glob=False, storage_options=options)


def codes_among(ids: pl.Series, wanted: pl.Series) -> NDArray[np.int32]:
    """Codes of those of `ids` (by code) that are `wanted`, ascending."""
    return np.flatnonzero(ids.is_in(wanted.implode()).to_numpy()).astype(np.int32)


def in_range_of(codes: NDArray[np.int32]) -> pl.Expr:
    """Whether a row's user lies between the least and the largest of `codes`, ascending; none: no row.

    Users of a shard follow each other, so that a view filtered by it reads few row groups.
    """
    low, high = (int(codes[0]), int(codes[-1])) if len(codes) else (0, -1)
    return pl.col("user").is_between(low, high)


def _path(context: RunContext, name: str) -> str:
    return f"features/as_of_date={context.as_of_date}/{name}.parquet"

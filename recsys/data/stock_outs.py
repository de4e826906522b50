"""Spells without stock: the days on which no sale says nothing about demand."""

from __future__ import annotations

import logging

import polars as pl
import pyarrow as pa
from psycopg2.extensions import connection as Connection

from recsys.data.reject import read_values
from recsys.data.source import bound_query, snapshot_parameters, stream_rows
from recsys.run import RunContext
from recsys.schemas import STOCK_OUTS
from recsys.storage import read_partition_if_any, write_partition

log = logging.getLogger(__name__)


def extract_stock_outs(context: RunContext, connection: Connection) -> int:
    """Write the spells that the shop knew of before the as-of date; none where it keeps no history of its stock.

    A spell without an item or a day, or that ends before it begins, is left out and counted in the log; one that
    reaches the as-of date is cut. Returns the rows written.
    """
    source = bound_query(context, connection, STOCK_OUTS, snapshot_parameters(context))
    given = pl.DataFrame(STOCK_OUTS.empty_table())
    if source is not None:
        texts = list(stream_rows(STOCK_OUTS, connection, *source))
        if texts:
            given = read_values(pa.concat_tables(texts), STOCK_OUTS).select(STOCK_OUTS.column_names)
    last = pl.min_horizontal("last_day", pl.lit(context.as_of_date).dt.offset_by("-1d"))
    kept = given.drop_nulls().with_columns(last_day=last).filter(pl.col("first_day") <= pl.col("last_day"))
    kept = kept.sort("item_id", "first_day", "last_day").unique(["item_id", "first_day"], keep="last")
    if kept.height < given.height:
        log.warning("stock_outs: %d row(s) lack a value, repeat a day or end first", given.height - kept.height)
    return write_partition(context.lake, STOCK_OUTS, kept.sort("item_id", "first_day"), as_of_date=context.as_of_date)


def read_stock_outs(context: RunContext) -> pl.DataFrame:
    """The day's spells; none where extraction left no partition."""
    return read_partition_if_any(context.lake, STOCK_OUTS, as_of_date=context.as_of_date)

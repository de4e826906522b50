"""Campaigns, their targets, contacts and responses as known on the as-of date; a shop may lack any of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pyarrow as pa
from psycopg2.extensions import connection as Connection

from recsys.data.reject import Rules, as_json, missing, read_values, split_by_rules, too_long
from recsys.data.source import bound_query, snapshot_parameters, stream_rows
from recsys.run import RunContext
from recsys.schemas import (
    CAMPAIGN_TABLES,
    CAMPAIGN_TARGETS,
    CAMPAIGNS,
    CONTACTS,
    REJECTED_SNAPSHOTS,
    RESPONSES,
    TARGET_TYPES,
    Table,
)
from recsys.storage import read_partition_if_any

KNOWN_AT = {CAMPAIGNS.name: "announced_at", CONTACTS.name: "contacted_at", RESPONSES.name: "responded_at"}
"""The column that says when a row became known; a row known at or after the as-of instant is not read."""
Split = tuple[pl.DataFrame, pl.DataFrame]


def read_campaign_tables(context: RunContext, connection: Connection) -> dict[Table, Split]:
    """Kept rows and refused ones (schemas.REJECTED_SNAPSHOTS) of each table; both empty where the shop lacks it.

    Raises RunError for a query that fails or lacks a column.
    """
    return {table: _read(context, connection, table) for table in CAMPAIGN_TABLES}


def campaign_table(context: RunContext, table: Table) -> pl.DataFrame:
    """The day's rows of one of CAMPAIGN_TABLES; none where extraction left no partition."""
    return read_partition_if_any(context.lake, table, as_of_date=context.as_of_date)


def _read(context: RunContext, connection: Connection, table: Table) -> Split:
    source = bound_query(context, connection, table, _parameters(context))
    if source is None:
        return tuple(pl.DataFrame(t.empty_table()) for t in (table, REJECTED_SNAPSHOTS))  # type: ignore[return-value]
    text = pa.concat_tables(stream_rows(table, connection, *source))
    frame = read_values(text, table).with_columns(as_json(pl.DataFrame(text)).alias("row_text"))
    known_at = KNOWN_AT.get(table.name)
    if known_at is not None:
        frame = frame.filter(pl.col(known_at).is_null() | (pl.col(known_at) < context.as_of))
    return split(frame, table)


def _parameters(context: RunContext) -> dict[str, Any]:
    first = context.as_of_date - timedelta(days=context.settings.audiences.history_days)
    return {**snapshot_parameters(context), "contacts_from": first}


def split(frame: pl.DataFrame, table: Table) -> Split:
    """Rows of `table` that hold, one a key, sorted by it, and rows of schemas.REJECTED_SNAPSHOTS for the others.

    `frame` comes from read_values, with `row_text`. Of several rows with one key the earliest known holds.
    """
    names = [*table.key, *([KNOWN_AT[table.name]] if table.name in KNOWN_AT else []), "row_text"]
    return split_by_rules(frame, table, _rules(table), dict.fromkeys(names, False), "duplicate_key")


def _rules(table: Table) -> Rules:
    texts = [name for name in ("campaign_id", "user_id", "target") if name in table.column_names]
    rules = [(f"missing_{name}", missing(name)) for name in texts]
    rules.append(("long_identifier", too_long(*(name for name in texts if name != "target"))))
    rules.append(("unreadable_value", pl.col("unreadable").is_not_null()))
    times = [name for name in ("starts_at", "ends_at", "contacted_at", "responded_at") if name in table.column_names]
    rules += [("missing_time", pl.col(name).is_null()) for name in times]
    if table is CAMPAIGNS:
        rules.append(("ends_before_it_starts", pl.col("ends_at") < pl.col("starts_at")))
        for name in ("budget", "contact_cost"):
            rules.append((f"absurd_{name}", (pl.col(name) < 0) | ~pl.col(name).is_finite()))
    if table is CAMPAIGN_TARGETS:
        rules.append(("unknown_target_type", ~pl.col("target_type").is_in(TARGET_TYPES).fill_null(value=False)))
    return tuple(rules)

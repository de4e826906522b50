"""Items, users and stock as they stood on the as-of date: one partition of each a run."""

from __future__ import annotations

import dataclasses
import json
import logging
from datetime import date

import polars as pl
import pyarrow as pa
from psycopg2.extensions import connection as Connection

from recsys.data.campaigns import read_campaign_tables
from recsys.data.images import item_images
from recsys.data.reject import (
    LARGEST_PRICE,
    LARGEST_QUANTITY,
    Rules,
    as_json,
    missing,
    read_values,
    split_by_rules,
    too_long,
)
from recsys.data.source import bound_query, has_rows, snapshot_parameters, stream_rows
from recsys.data.stock_outs import extract_stock_outs
from recsys.database import connect
from recsys.run import Counts, RunContext, RunError
from recsys.schemas import COMBINATIONS, DELIVERED_ITEMS, ITEM_IMAGES, ITEMS, REJECTED_SNAPSHOTS, STOCK, USERS, Table
from recsys.storage import days_of, scan_partitions, write_partition

log = logging.getLogger(__name__)

_LARGEST_ORDERS = {"on_order": LARGEST_QUANTITY, "min_order_quantity": LARGEST_QUANTITY, "lead_time_days": 3650.0}
SNAPSHOTS = (ITEMS, USERS, STOCK)
_LONG_AFTER = date(9999, 1, 1)


def extract_snapshots(context: RunContext) -> Counts:
    """Write items, users, stock and campaigns of the as-of date; no rows of a table that the shop lacks.

    Refused rows go to rejected_snapshots. Raises RunError for a query that fails or lacks a column, and where consent
    is required and a shop that has users gives none of the day.
    """
    counts: Counts = {}
    refused = []
    with connect(context.environment.shop_dsn, "shop") as connection:
        read = {table: _read_snapshot(context, connection, table) for table in SNAPSHOTS}
        read |= read_campaign_tables(context, connection)
        for table, (kept, rejected) in read.items():
            counts[table.name] = write_partition(context.lake, table, kept, as_of_date=context.as_of_date)
            counts[f"{table.name}_rejected"] = rejected.height
            refused.append(rejected)
            log.info("%s: %d rows, %d refused", table.name, kept.height, rejected.height)
        images = item_images(read[ITEMS][0])
        counts["item_images"] = write_partition(context.lake, ITEM_IMAGES, images, as_of_date=context.as_of_date)
        counts["combinations"], counts["combinations_rejected"] = _extract_combinations(context, connection)
        counts["stock_outs"] = extract_stock_outs(context, connection)
    everything = pl.concat(refused).sort("table_name", "row_key", "reason", "row_text")
    write_partition(context.lake, REJECTED_SNAPSHOTS, everything, as_of_date=context.as_of_date)
    return counts


def _extract_combinations(context: RunContext, connection: Connection) -> tuple[int, int]:
    """Write the shop's forbidden and forced pairs; returns how many, and how many rows were refused.

    Refused are rows that lack an item, pair an item with itself or have an unknown rule.
    """
    source = bound_query(context, connection, COMBINATIONS, snapshot_parameters(context))
    rows = COMBINATIONS.empty_table()
    if source is not None:
        rows = pa.concat_tables([rows, *stream_rows(COMBINATIONS, connection, *source)], promote_options="permissive")
    given = pl.DataFrame(rows)
    known = pl.col("rule").is_in(["forbidden", "forced"]) & (pl.col("item_id") != pl.col("other_item_id"))
    frame = given.filter(known)
    refused = given.height - frame.height
    if refused:
        log.warning("combinations: %d row(s) lack an item, pair it with itself or have an unknown rule", refused)
    frame = frame.unique().sort(COMBINATIONS.column_names)
    return write_partition(context.lake, COMBINATIONS, frame, as_of_date=context.as_of_date), refused


def _read_snapshot(context: RunContext, connection: Connection, table: Table) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of `table` that hold, those of items with their image_vector, and rows of REJECTED_SNAPSHOTS."""
    delivered = DELIVERED_ITEMS if table is ITEMS else table
    source = bound_query(context, connection, delivered, snapshot_parameters(context))
    if source is None:
        return pl.DataFrame(delivered.empty_table()), pl.DataFrame(REJECTED_SNAPSHOTS.empty_table())
    text = pa.concat_tables(stream_rows(delivered, connection, *source))
    row_text = as_json(pl.DataFrame(text).drop("image_vector", strict=False)).alias("row_text")
    frame = read_values(text, delivered).with_columns(row_text)
    left_out = {"snapshot_date": pl.lit(context.as_of_date), "image_vector": pl.lit(None, pl.String)}
    names = [name for name in delivered.column_names if name in left_out and name not in frame.columns]
    frame = frame.with_columns(left_out[name].alias(name) for name in names)
    kept, rejected = split_snapshot(frame, delivered)
    if table is STOCK:
        kept = with_sound_orders(kept)
    if table is USERS:
        kept = with_readable_attributes(kept)
        if kept.is_empty() and context.settings.rules.require_consent:
            _refuse_lost_consent(context, connection, rejected)
    return before(kept, context), rejected


def _refuse_lost_consent(context: RunContext, connection: Connection, rejected: pl.DataFrame) -> None:
    """Raise RunError where a shop without a user on the day has users on another: without any, all count as asked."""
    later = dataclasses.replace(context, as_of_date=_LONG_AFTER)
    source = bound_query(context, connection, USERS, snapshot_parameters(later))
    held = [{"as_of_date": day} for day in days_of(context.lake, USERS) if day != context.as_of_date]
    if (
        rejected.height
        or (source is not None and has_rows(connection, source[0], USERS))
        or scan_partitions(context.lake, USERS, held).head(1).collect().height
    ):
        why = rejected["reason"].mode().sort().head(1).to_list()
        refused = f"{rejected.height} row(s) refused{f', most as {why[0]}' if why else ''}"
        raise RunError(
            f"users.sql gives no valid user of {context.as_of_date} ({refused}), and of other "
            "days it does: who withdrew consent cannot be told; repair the table or the query (a valid_from of null "
            "holds from the start), or set rules.require_consent to false"
        )


def split_snapshot(frame: pl.DataFrame, table: Table) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of `table` that hold, one a key, sorted by it, and rows of schemas.REJECTED_SNAPSHOTS for the others.

    `frame` comes from read_values, with `row_text`. Of several rows with one key the newest version holds.
    """
    key = table.key[0]
    version = "valid_from" if "valid_from" in frame.columns else "snapshot_date"
    order = {key: False, version: True, "row_text": False}
    return split_by_rules(frame, table, _rules(table), order, f"duplicate_{key}")


def _rules(table: Table) -> Rules:
    rules = [(f"missing_{table.key[0]}", missing(table.key[0])), ("long_identifier", too_long(table.key[0]))]
    rules.append(("unreadable_value", pl.col("unreadable").is_not_null()))
    if table.name == ITEMS.name:
        for name in ("list_price", "unit_cost"):
            rules.append((f"absurd_{name}", ~pl.col(name).is_between(0, LARGEST_PRICE)))
    if table is STOCK:
        rules.append(("missing_count", pl.col("on_hand").is_null() | ~pl.col("on_hand").is_finite()))
        rules.append(("absurd_count", pl.col("on_hand").abs() > LARGEST_QUANTITY))
    rules.append(("missing_snapshot_date", pl.col("snapshot_date").is_null()))
    return tuple(rules)


def with_sound_orders(stock: pl.DataFrame) -> pl.DataFrame:
    """Stock whose orders and lead times that nobody can mean are null: the count beside them still holds."""
    sound = stock
    for name, largest in _LARGEST_ORDERS.items():
        sound = sound.with_columns(pl.when(pl.col(name).abs() <= largest).then(name))
        if strange := sound[name].null_count() - stock[name].null_count():
            log.warning("stock: %s of %d row(s) is absurd and counts as not told", name, strange)
    return sound


def with_readable_attributes(users: pl.DataFrame) -> pl.DataFrame:
    """Users whose `attributes` that are no JSON object are null: a user is too much to lose over one."""
    readable = users["attributes"].map_elements(_is_object, return_dtype=pl.Boolean)
    broken = int((~readable).sum() or 0)
    if broken:
        log.warning("users: the attributes of %d row(s) are no JSON object and count as none", broken)
    return users.with_columns(pl.when(readable).then("attributes"))


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def before(rows: pl.DataFrame, context: RunContext) -> pl.DataFrame:
    """Rows without what only the future knew: an end that lies at or after the as-of instant; no consent said is no."""
    ends = [name for name in ("valid_to", "retired_at") if name in rows.columns]
    rows = rows.with_columns(pl.when(pl.col(name) < context.as_of).then(name).alias(name) for name in ends)
    return rows.with_columns(pl.col("consent").fill_null(value=False)) if "consent" in rows.columns else rows

"""Reading text as the contract's types and refusing rows, with a reason, never silently.

Every rule here looks at one row, or at rows of one day, so that a day partition is the same whichever run wrote it.
"""

from __future__ import annotations

import hashlib
from functools import reduce

import polars as pl
import pyarrow as pa

from recsys.schemas import DAY, DOUBLE, EVENT_TYPES, FLAG, INSTANT, TEXT, Table

Rules = tuple[tuple[str, pl.Expr], ...]
"""Reasons for refusing a row, the first that holds first, each with the rows for which it does."""

_LONGEST_ID = 1_000
"""Bytes of an identifier; an entry of a Postgres index has 2,704 for all columns of a key."""
_INSTANT_FORMATS = ("%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f%#z")
_NAIVE_FORMATS = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d")
_ENDS = {"infinity": "9999-12-31", "-infinity": None}
"""Postgres's words for a time that never comes, and for one that was always over, which is what null says."""
LARGEST_QUANTITY = 1e9
"""Units that nobody sells in a line or holds of an item; sums and squares of more than that overflow."""
LARGEST_PRICE = 1e12
"""Price, in any currency, that nothing has."""
_FLAGS = {"t": True, "true": True, "1": True, "yes": True, "f": False, "false": False, "0": False, "no": False}


def read_values(rows: pa.Table, table: Table) -> pl.DataFrame:
    """Rows of text as the types of `table`, plus a column `unreadable`: the first column whose text is no such value.

    A column that has its type already keeps it. A text that cannot be read becomes null; instants without an offset
    are UTC. A blank text is null: shops write it where they know nothing. So is the time -infinity in a column that may
    be null; infinity there is the last day of the year 9999.
    """
    columns: dict[str, pl.Series] = {}
    unreadable: list[pl.Series] = []
    for column in table.columns:
        if column.name not in rows.column_names:
            continue
        text = rows.column(column.name)
        if column.type == TEXT:
            columns[column.name] = _without_blanks(pl.Series(column.name, text, dtype=pl.String))
            continue
        if column.type in (DAY, INSTANT) and column.nullable and text.type == TEXT:
            text = _without_ends(text)
        values = _cast(text, column.type)
        columns[column.name] = values.alias(column.name)
        if values.null_count() > text.null_count:
            bad = values.is_null() & pl.Series(text).is_not_null()
            unreadable.append(pl.select(pl.when(bad).then(pl.lit(column.name))).to_series())
    frame = pl.DataFrame(columns)
    first = pl.coalesce(unreadable) if unreadable else pl.lit(None, pl.String)
    return frame.with_columns(first.alias("unreadable"))


def _without_blanks(text: pl.Series) -> pl.Series:
    # All that a blank sorts before, which is quick to see, is rare.
    return text.set(text.str.strip_chars() == "", None) if (text < "!").any() else text


def _without_ends(text: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array([pl.Series(text, dtype=pl.String).replace(_ENDS).to_arrow().cast(TEXT)])


def _cast(text: pa.ChunkedArray, type_: pa.DataType) -> pl.Series:
    if text.type == type_:
        return pl.Series(text)
    if type_ != FLAG:
        try:
            return pl.Series(text.cast(type_))
        except pa.ArrowInvalid:
            pass  # At least one value is no such value: read them one by one, as slowly as it takes.
    return _cast_each(pl.Series(text, dtype=pl.String), type_)


def _cast_each(text: pl.Series, type_: pa.DataType) -> pl.Series:
    values = pl.col("text")
    if type_ == DOUBLE:
        expression = values.cast(pl.Float64, strict=False)
    elif type_ == DAY:
        expression = values.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    elif type_ == FLAG:
        expression = values.str.to_lowercase().replace_strict(_FLAGS, default=None, return_dtype=pl.Boolean)
    elif type_ == INSTANT:
        instant = pl.Datetime("us", "UTC")
        expression = pl.coalesce(
            *(values.str.to_datetime(form, strict=False, time_unit="us").cast(instant) for form in _INSTANT_FORMATS),
            *(
                values.str.to_datetime(form, strict=False, time_unit="us").dt.replace_time_zone("UTC")
                for form in _NAIVE_FORMATS
            ),
        )
    else:
        raise TypeError(f"no reading of text as {type_}")
    return pl.DataFrame({"text": text}).select(expression).to_series()


def missing(column: str) -> pl.Expr:
    """Whether a text column is null or empty."""
    return pl.col(column).is_null() | (pl.col(column) == "")


def too_long(*columns: str) -> pl.Expr:
    """Whether one of these identifiers is too long for the keys of the published tables, which hold two of them."""
    return pl.any_horizontal(pl.col(name).str.len_bytes() > _LONGEST_ID for name in columns).fill_null(value=False)


def event_reason(clock_tolerance_minutes: int) -> pl.Expr:
    """Why an event is refused, else null; for frames of read_values, before fill_events."""
    quantity, price, occurred = pl.col("quantity"), pl.col("unit_price"), pl.col("occurred_at")
    tolerance = pl.duration(minutes=clock_tolerance_minutes)
    negative = (quantity < 0) & (pl.col("event_type") != "return")
    rules = (
        ("missing_event_id", missing("event_id")),
        ("missing_user", missing("user_id")),
        ("missing_item", missing("item_id")),
        ("long_identifier", too_long("user_id", "item_id", "store_id")),
        ("unreadable_value", pl.col("unreadable").is_not_null()),
        ("missing_time", occurred.is_null()),
        ("unknown_event_type", ~pl.col("event_type").is_in(EVENT_TYPES).fill_null(value=False)),
        ("absurd_quantity", negative | ~(quantity.abs() <= LARGEST_QUANTITY)),
        ("absurd_price", ~price.is_between(0, LARGEST_PRICE)),
        ("time_in_future", occurred > pl.col("ingested_at") + tolerance),
    )
    return first_reason(rules)


def first_reason(rules: Rules) -> pl.Expr:
    """The name of the first rule that holds for a row, else null."""
    otherwise = pl.lit(None, pl.String)
    return reduce(lambda rest, rule: pl.when(rule[1]).then(pl.lit(rule[0])).otherwise(rest), reversed(rules), otherwise)


def fill_events(events: pl.DataFrame) -> pl.DataFrame:
    """Events that passed, with what the contract lets a shop leave out.

    No quantity is 1, units of a return count from 0 up, no load time is the time of the event.
    """
    quantity = pl.col("quantity").fill_null(1.0)
    return events.with_columns(
        pl.when(pl.col("event_type") == "return").then(quantity.abs()).otherwise(quantity).alias("quantity"),
        pl.col("ingested_at").fill_null(pl.col("occurred_at")),
    )


def split_duplicates(events: pl.DataFrame, keys: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Events with each combination of `keys` once (the first loaded, then the first to occur), and the others."""
    # The last key alone nearly always tells them apart, and its hash at a tenth of the price of the text.
    if events[keys[-1]].hash().n_unique() == events.height:
        return events, events.clear()
    rest = [name for name in events.columns if name not in ("ingested_at", "occurred_at")]
    ordered = events.sort(["ingested_at", "occurred_at", *rest], nulls_last=True)
    first = ordered.select(pl.struct(keys).is_first_distinct()).to_series()
    return ordered.filter(first), ordered.filter(~first)


def split_by_rules(
    frame: pl.DataFrame, table: Table, rules: Rules, order: dict[str, bool], double: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of `table` that keep the `rules`, one a key, and rows of schemas.REJECTED_SNAPSHOTS for the others.

    `frame` comes from read_values, with `row_text`. Rows are put in `order` (column: whether descending), which begins
    with the key; of several rows with one key the first holds, the others are refused as `double`.
    """
    marked = frame.with_columns(first_reason(rules).alias("reason"))
    ordered = marked.sort(list(order), descending=list(order.values()), nulls_last=True, maintain_order=True)
    good = ordered.filter(pl.col("reason").is_null())
    first = good.select(pl.struct(table.key).is_first_distinct()).to_series()
    doubles = good.filter(~first).with_columns(pl.lit(double).alias("reason"))
    refused = pl.concat([ordered.filter(pl.col("reason").is_not_null()), doubles])
    rejected = refused.select(
        pl.lit(table.name).alias("table_name"),
        row_keys(refused[table.key[0]], refused["row_text"]),
        "reason",
        "row_text",
    )
    return good.filter(first).select(table.column_names), rejected


def as_json(rows: pl.DataFrame) -> pl.Series:
    """Each row as a JSON object of texts."""
    texts = rows.with_columns(pl.all().cast(pl.String))
    return texts.select(pl.struct(pl.all()).struct.json_encode()).to_series()


def row_keys(identifiers: pl.Series, row_texts: pl.Series) -> pl.Series:
    """The identifiers; a short hash of the row where there is none."""
    pairs = zip(identifiers.to_list(), row_texts.to_list(), strict=True)
    keys = [key if key else hashlib.sha256(text.encode()).hexdigest()[:16] for key, text in pairs]
    return pl.Series("row_key", keys, dtype=pl.String)


def rejected_events(rows: pl.DataFrame, row_texts: pl.Series) -> pl.DataFrame:
    """Rows of schemas.REJECTED_EVENTS from refused events, which carry `reason` and `day`."""
    return rows.select(
        row_keys(rows["event_id"], row_texts), "reason", "day", "ingested_at", row_texts.alias("row_text")
    )

"""What a table is: its columns, their Arrow types, and the check that a frame has them."""

from dataclasses import dataclass

import pyarrow as pa

TEXT = pa.string()
INTEGER = pa.int32()
BIGINT = pa.int64()
REAL = pa.float32()
DOUBLE = pa.float64()
FLAG = pa.bool_()
BYTES = pa.binary()
DAY = pa.date32()
INSTANT = pa.timestamp("us", tz="UTC")


class SchemaError(ValueError):
    """A frame does not have the columns or the types that its table declares."""


@dataclass(frozen=True)
class Column:
    """One column: its name, Arrow type, meaning (with unit) and whether it may be null."""

    name: str
    type: pa.DataType
    meaning: str
    nullable: bool = False


@dataclass(frozen=True)
class Table:
    """One table: `grain` says what a row is, `key` the columns that identify it (none: rows may repeat)."""

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    diverse: tuple[str, ...] = ()
    """Text columns beside the key that hardly repeat within a partition."""

    @property
    def column_names(self) -> list[str]:
        """Names of the columns, in order."""
        return [column.name for column in self.columns]

    @property
    def arrow_schema(self) -> pa.Schema:
        """Arrow schema, with nullability."""
        return pa.schema([pa.field(c.name, c.type, c.nullable) for c in self.columns])

    @property
    def repeating_columns(self) -> list[str]:
        """Text columns whose values repeat: those worth a dictionary in a file."""
        return [c.name for c in self.columns if c.type == TEXT and (c.name,) != self.key and c.name not in self.diverse]

    def empty_table(self) -> pa.Table:
        """No row. (Arrow's own `Schema.empty_table` loads pandas, which takes longer than most steps' work.)"""
        return pa.Table.from_batches([], schema=self.arrow_schema)

    def conform(self, data: pa.Table) -> pa.Table:
        """Return `data` with exactly this table's columns, order and types.

        Raises SchemaError for a missing column, a value that does not fit its type, or a null where none may be.
        Columns that the table does not declare are dropped.
        """
        missing = [name for name in self.column_names if name not in data.column_names]
        if missing:
            raise SchemaError(f"{self.name}: missing column(s) {', '.join(missing)}")
        columns = []
        for column in self.columns:
            values = data.column(column.name)
            try:
                values = values.cast(column.type)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise SchemaError(f"{self.name}.{column.name}: {error}") from error
            if not column.nullable and values.null_count:
                raise SchemaError(f"{self.name}.{column.name}: {values.null_count} null value(s)")
            columns.append(values)
        return pa.table(columns, schema=self.arrow_schema)


def as_of() -> Column:
    return Column("as_of_date", DAY, "The day the row is for: everything before its 00:00 was known, nothing later.")

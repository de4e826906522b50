"""Write docs/tables.md from recsys/schemas/: `python -m recsys.tables_page` (run by `make docs`)."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from recsys import schemas
from recsys.schemas import FeatureView, Table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "tables.md"

_TYPE_NAMES = {
    pa.string(): "text",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float32(): "real",
    pa.float64(): "double precision",
    pa.bool_(): "boolean",
    pa.date32(): "date",
    schemas.INSTANT: "timestamp with time zone",
}


def type_name(type_: pa.DataType) -> str:
    """Name of an Arrow type in Postgres, such as `double precision`."""
    return _TYPE_NAMES[type_]


def render() -> str:
    """The whole page as Markdown: contract, lake and published tables, a section each."""
    shown = {table.name for table in (*schemas.CONTRACT, *schemas.PUBLISHED, schemas.PUBLISHED_RUNS)}
    declared = [value for value in vars(schemas).values() if isinstance(value, Table)]
    lake = tuple(table for table in declared if table.name not in shown)
    parts = ["# Tables", "", "Written by `make docs` from `recsys/schemas/`; do not edit by hand."]
    groups = (
        ("The shop's contract", "Delivered by the queries in `sql/source/`.", schemas.CONTRACT),
        ("The lake", "Parquet partitions between the steps.", lake),
        (
            "The warehouse",
            "Schema `recsys`; each has a `current_` view in schema `bi`.",
            (*schemas.PUBLISHED, schemas.PUBLISHED_RUNS),
        ),
    )
    for title, lead, tables in groups:
        parts += ["", f"## {title}", "", lead]
        for table in tables:
            parts += ["", *_section(table)]
        if tables is lake:
            parts += [line for view in schemas.FEATURE_VIEWS for line in ("", *_feature_section(view))]
    return "\n".join(parts) + "\n"


def _section(table: Table) -> list[str]:
    rows = [
        f"| {c.name} | {type_name(c.type)} | {'yes' if c.nullable else 'no'} | {c.meaning.replace('|', '/')} |"
        for c in table.columns
    ]
    head = ["| column | type | may be null | meaning |", "| --- | --- | --- | --- |"]
    return [f"### {table.name}", "", f"{table.grain} Key: {', '.join(table.key)}.", "", *head, *rows]


def _feature_section(view: FeatureView) -> list[str]:
    lines = _section(Table(view.name, view.grain, view.key, view.codes))
    lines[0] = f"### features: {view.name}"
    return lines + [f"| {prefix}… | real | yes | Features. |" for prefix in view.prefixes]


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")

"""Write docs/tables.md from recsys/schemas/ and sql/bi/: `python -m recsys.tables_page` (run by `make docs`)."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa

from recsys import schemas
from recsys.schemas import FeatureView, Table
from recsys.warehouse import REPORTS, SQL

PAGE = Path(__file__).resolve().parent.parent / "docs" / "tables.md"

_TYPE_NAMES = {
    pa.string(): "text",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float32(): "real",
    pa.float64(): "double precision",
    pa.bool_(): "boolean",
    pa.binary(): "bytea",
    pa.date32(): "date",
    schemas.INSTANT: "timestamp with time zone",
}
_REFERENCES = {
    "item_id": schemas.ITEM_DETAILS,
    "other_item_id": schemas.ITEM_DETAILS,
    "anchor_item_id": schemas.ITEM_DETAILS,
    "bundle_id": schemas.BUNDLES,
}
"""Column of a published table, and the published table that says what its values stand for."""
_COMMENT = re.compile(r"comment on (view|column) bi\.([\w.]+) is\s+'((?:[^']|'')*)';")


def type_name(type_: pa.DataType) -> str:
    """Name of an Arrow type in Postgres, such as `double precision`."""
    return _TYPE_NAMES[type_]


def render() -> str:
    """The whole page as Markdown: contract, lake, published tables and views, a section each; a diagram."""
    shown = {table.name for table in (*schemas.CONTRACT, *schemas.PUBLISHED, schemas.PUBLISHED_RUNS)}
    declared = [value for value in vars(schemas).values() if isinstance(value, Table)]
    lake = tuple(table for table in declared if table.name not in shown)
    published = (*schemas.PUBLISHED, schemas.PUBLISHED_RUNS)
    parts = ["# Tables", "", "Written by `make docs` from `recsys/schemas/` and `sql/bi/`; do not edit by hand."]
    groups = (
        ("The shop's contract", "Delivered by the queries in `sql/source/`.", schemas.CONTRACT),
        ("The lake", "Parquet partitions between the steps.", lake),
        (
            "The warehouse",
            "Schema `recsys`. Readers use schema `bi`: the view of the same name holds every published day, the one "
            "that begins with `current_` the current day alone.",
            published,
        ),
    )
    for title, lead, tables in groups:
        parts += ["", f"## {title}", "", lead]
        if tables is published:
            parts += ["", *entity_diagram(published)]
        for table in tables:
            parts += ["", *_section(table)]
        if tables is lake:
            parts += [line for view in schemas.FEATURE_VIEWS for line in ("", *_feature_section(view))]
    parts += ["", "## What the views add", "", *_looked_up()]
    for name in REPORTS:
        parts += ["", *_report(name)]
    return "\n".join(parts) + "\n"


def entity_diagram(tables: tuple[Table, ...]) -> list[str]:
    """A Mermaid diagram of `tables`: their keys, and which column of one is explained by which other, lines of text."""
    entities, links = [], []
    for table in tables:
        explained = [name for name in table.column_names if _REFERENCES.get(name, table) is not table]
        columns = {c.name: c for c in table.columns if c.name in (*table.key, *explained)}
        lines = [_entity_column(column, table, column.name in explained) for column in columns.values()]
        entities += [f"    {table.name} {{", *lines, "    }"]
        links += [f"    {_REFERENCES[name].name} ||--o{{ {table.name} : {name}" for name in explained]
    return ["```mermaid", "erDiagram", *links, *entities, "```"]


def _entity_column(column: schemas.Column, table: Table, explained: bool) -> str:
    marks = ", ".join(mark for mark, holds in (("PK", column.name in table.key), ("FK", explained)) if holds)
    return f"        {type_name(column.type).split()[0]} {column.name} {marks}"


def _section(table: Table) -> list[str]:
    rows = [
        f"| {c.name} | {type_name(c.type)} | {'yes' if c.nullable else 'no'} | {c.meaning.replace('|', '/')} |"
        for c in table.columns
    ]
    head = ["| column | type | may be null | meaning |", "| --- | --- | --- | --- |"]
    key = f" Key: {', '.join(table.key)}." if table.key else ""
    return [f"### {table.name}", "", f"{table.grain}{key}", "", *head, *rows]


def _feature_section(view: FeatureView) -> list[str]:
    lines = _section(Table(view.name, view.grain, view.key, view.codes))
    lines[0] = f"### features: {view.name}"
    return lines + [f"| {prefix}… | real | yes | Features. |" for prefix in view.prefixes]


def _looked_up() -> list[str]:
    """One row per column that a view has and its table has not."""
    rows = [
        f"| {table.name} | {column.split('.')[1]} | {meaning} |"
        for table in schemas.PUBLISHED
        for kind, column, meaning in _comments(table.name)
        if kind == "column"
    ]
    lead = "Columns of the views that their tables lack: names for ids, as of the row's day."
    return [lead, "", "| view | column | meaning |", "| --- | --- | --- |", *rows]


def _report(name: str) -> list[str]:
    comments = _comments(name)
    grain = next(meaning for kind, _, meaning in comments if kind == "view")
    rows = [f"| {column.split('.')[1]} | {meaning} |" for kind, column, meaning in comments if kind == "column"]
    return [f"### bi.{name}", "", grain, "", "| column | meaning |", "| --- | --- |", *rows]


def _comments(view: str) -> list[tuple[str, str, str]]:
    """Kind (view or column), name, and text of the comments in the view's file, in order."""
    text = (SQL / "bi" / f"{view}.sql").read_text(encoding="utf-8")
    return [(kind, name, said.replace("''", "'").replace("|", "/")) for kind, name, said in _COMMENT.findall(text)]


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")

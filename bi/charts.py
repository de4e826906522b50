"""The dashboards as they are written down in dashboards/*.yaml: charts over views of schema bi, in rows.

    title: …            about: one sentence for readers
    filters:            what readers choose by: title, view, column, and `where` for the choices
    rows:               names of charts, from top to bottom; those of one row share its width
    charts:
      NAME:             title; kind: line, bar, table or number; view: without its schema
        x, series       line and bar: the column below the bars, and the one that tells lines or colours apart
        columns         table: what is shown; with `metrics` what is grouped by
        metrics         label: SQL expression
        where           SQL condition
        order, limit    table: columns, `desc` behind those that fall; rows at most

One question a chart: `statement` is its SQL, for tests and timings; superset_assets.py says the same to Superset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from psycopg2 import sql

FOLDER = Path(__file__).resolve().parent / "dashboards"
SCHEMA = "bi"
MOST_ROWS = 10_000
MOST_CHOICES = 1_000
"""Values of a filter that Superset fetches at once; it searches for further ones."""


@dataclass(frozen=True)
class Chart:
    """One chart: what it asks of which view, and how it is drawn."""

    name: str
    title: str
    kind: str
    view: str
    x: str | None = None
    series: str | None = None
    columns: tuple[str, ...] = ()
    metrics: Mapping[str, str] = field(default_factory=dict)
    where: str | None = None
    order: tuple[str, ...] = ()
    limit: int = MOST_ROWS
    logarithmic: bool = False

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Columns that are shown as they are, or grouped by."""
        return self.columns or tuple(name for name in (self.x, self.series) if name)

    @property
    def ordered(self) -> list[tuple[str, bool]]:
        """Columns that rows are ordered by, each with whether it rises."""
        return [(text.removesuffix(" desc"), not text.endswith(" desc")) for text in self.order]


@dataclass(frozen=True)
class Filter:
    """A value that readers choose for all charts whose view has the column."""

    title: str
    view: str
    column: str
    where: str | None = None


@dataclass(frozen=True)
class Dashboard:
    """Charts in rows, and what readers choose by."""

    name: str
    title: str
    about: str
    rows: tuple[tuple[str, ...], ...]
    charts: Mapping[str, Chart]
    filters: tuple[Filter, ...] = ()

    @property
    def slug(self) -> str:
        """Its name in addresses."""
        return self.name.replace("_", "-")

    @property
    def views(self) -> set[str]:
        """Views that it reads."""
        return {chart.view for chart in self.charts.values()} | {chosen.view for chosen in self.filters}


def read_dashboards(folder: Path = FOLDER) -> list[Dashboard]:
    """The dashboards of `folder` by name. Raises ValueError, with the file, for one that says what is not known."""
    return [_dashboard(file) for file in sorted(folder.glob("*.yaml"))]


def statement(asked: Chart | Filter) -> sql.Composed:
    """The SQL that a chart, or the choices of a filter, ask the warehouse."""
    chart = asked if isinstance(asked, Chart) else _choices(asked)
    shown = [sql.Identifier(name) for name in chart.dimensions]
    computed = [sql.SQL("{} as {}").format(sql.SQL(text), sql.Identifier(name)) for name, text in chart.metrics.items()]
    parts = [
        sql.SQL("select {} from {}").format(sql.SQL(", ").join([*shown, *computed]), sql.Identifier(SCHEMA, chart.view))
    ]
    if chart.where:
        parts.append(sql.SQL("where ({})").format(sql.SQL(chart.where)))
    if shown and (chart.metrics or isinstance(asked, Filter)):
        parts.append(sql.SQL("group by {}").format(sql.SQL(", ").join(shown)))
    if chart.order:
        rising = {True: sql.SQL("asc"), False: sql.SQL("desc")}
        order = [sql.SQL("{} {}").format(sql.Identifier(name), rising[up]) for name, up in chart.ordered]
        parts.append(sql.SQL("order by {}").format(sql.SQL(", ").join(order)))
    parts.append(sql.SQL("limit {}").format(sql.Literal(chart.limit)))
    return sql.SQL(" ").join(parts)


def _choices(chosen: Filter) -> Chart:
    """The values of a filter's column, as Superset asks for them: each once."""
    return Chart(
        chosen.title,
        chosen.title,
        "table",
        chosen.view,
        columns=(chosen.column,),
        where=chosen.where,
        limit=MOST_CHOICES,
    )


def _dashboard(file: Path) -> Dashboard:
    try:
        read = yaml.safe_load(file.read_text(encoding="utf-8"))
        charts = {name: _chart(name, said) for name, said in read.pop("charts").items()}
        rows = tuple(tuple(row) for row in read.pop("rows"))
        filters = tuple(Filter(**said) for said in read.pop("filters", []))
        dashboard = Dashboard(file.stem, rows=rows, charts=charts, filters=filters, **read)
    except (TypeError, KeyError, ValueError, AttributeError, yaml.YAMLError) as error:
        raise ValueError(f"{file}: {error}") from error
    placed = [name for row in rows for name in row]
    if sorted(placed) != sorted(charts):
        raise ValueError(f"{file}: rows place {sorted(placed)}, charts are {sorted(charts)}")
    return dashboard


def _chart(name: str, said: dict[str, Any]) -> Chart:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in said.items()}
    chart = Chart(name, **values)
    complete = {
        "line": bool(chart.x and chart.metrics),
        "bar": bool(chart.x and chart.metrics),
        "table": bool(chart.columns),
        "number": len(chart.metrics) == 1,
    }
    if not complete.get(chart.kind):
        raise ValueError(f"chart {name} of kind {chart.kind} says too little, or its kind is none of {list(complete)}")
    return chart

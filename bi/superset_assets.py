"""The dashboards in Superset's own words: databases, datasets, charts and dashboards as its import reads them.

Identifiers follow from names alone, so that a second import replaces what the first one made.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any

from bi.charts import SCHEMA, Chart, Dashboard, Filter

Asset = dict[str, Any]

DATABASE = "warehouse"
NUMBERS = ",.6~r"
"""Thousands apart, six digits that count, in d3's words."""
WIDTH = 12
HEIGHTS = {"number": 18, "line": 50, "bar": 50, "table": 60}
"""Heights of charts in Superset's unit, an eighth of 64 pixels."""
_DRAWN = {
    "line": "echarts_timeseries_line",
    "bar": "echarts_timeseries_bar",
    "table": "table",
    "number": "big_number_total",
}
_NAMES = uuid.UUID("6f1c1c3e-5a0f-5d0b-9f5e-0a3f6a1f2b77")


def superset_assets(dashboards: Sequence[Dashboard]) -> dict[str, Asset]:
    """Path and content of each asset, as in an export of Superset."""
    views = sorted({view for dashboard in dashboards for view in dashboard.views})
    assets = {f"databases/{DATABASE}.yaml": _database()}
    assets |= {f"datasets/{DATABASE}/{view}.yaml": _dataset(view) for view in views}
    for dashboard in dashboards:
        for chart in dashboard.charts.values():
            assets[f"charts/{dashboard.name}_{chart.name}.yaml"] = _chart(dashboard, chart)
        assets[f"dashboards/{dashboard.name}.yaml"] = _dashboard(dashboard)
    return {path: {"version": "1.0.0", **asset} for path, asset in assets.items()}


def identifier(*names: str) -> str:
    """The identifier of what is called so."""
    return str(uuid.uuid5(_NAMES, "/".join(names)))


def query_context(chart: Chart, dataset: int) -> Asset:
    """The query of `chart` as Superset's API takes it; `dataset` is Superset's number of the view."""
    query = {
        "columns": list(chart.dimensions),
        # No list at all, rather than an empty one, is how Superset knows rows that are not grouped.
        "metrics": _metrics(chart) or None,
        "orderby": [list(column) for column in chart.ordered],
        "extras": {"where": f"({chart.where})" if chart.where else "", "having": ""},
        "filters": [],
        "row_limit": chart.limit,
        "order_desc": True,
    }
    return {
        "datasource": {"id": dataset, "type": "table"},
        "queries": [query],
        "form_data": {**_parameters(chart), "datasource": f"{dataset}__table"},
        "result_format": "json",
        "result_type": "full",
    }


def _database() -> Asset:
    """The warehouse; the settings put its real address in the place of this one."""
    return {
        "database_name": "Warehouse",
        "sqlalchemy_uri": "postgresql+psycopg2://warehouse/warehouse",
        "uuid": identifier("database"),
        "expose_in_sqllab": True,
        "allow_dml": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_csv_upload": False,
        "extra": {"allows_virtual_table_explore": True},
    }


def _dataset(view: str) -> Asset:
    """A view; its columns are read from the warehouse after the import."""
    return {
        "table_name": view,
        "schema": SCHEMA,
        "uuid": identifier("dataset", view),
        "database_uuid": identifier("database"),
        "metrics": [{"metric_name": "count", "verbose_name": "rows", "expression": "count(*)"}],
        "columns": [],
    }


def _chart(dashboard: Dashboard, chart: Chart) -> Asset:
    return {
        "slice_name": chart.title,
        "viz_type": _DRAWN[chart.kind],
        "params": _parameters(chart),
        "uuid": identifier("chart", dashboard.name, chart.name),
        "dataset_uuid": identifier("dataset", chart.view),
    }


def _parameters(chart: Chart) -> Asset:
    """What Superset calls the form data of a chart."""
    form: Asset = {"viz_type": _DRAWN[chart.kind], "row_limit": chart.limit, "adhoc_filters": []}
    if chart.where:
        form["adhoc_filters"] = [{"expressionType": "SQL", "clause": "WHERE", "sqlExpression": chart.where}]
    if chart.kind == "number":
        return {**form, "metric": _metrics(chart)[0], "y_axis_format": NUMBERS}
    if chart.kind == "table":
        return {**form, **_table(chart)}
    form |= {"x_axis": chart.x, "metrics": _metrics(chart), "groupby": [chart.series] if chart.series else []}
    form |= {
        "show_legend": bool(chart.series),
        "rich_tooltip": True,
        "y_axis_format": NUMBERS,
        "logAxis": chart.logarithmic,
    }
    if chart.kind == "bar":
        form |= {"xAxisForceCategorical": not _is_date(chart.x), "stack": None, "x_axis_sort_asc": True}
        form |= {} if _is_date(chart.x) else {"xAxisLabelInterval": "0", "xAxisLabelRotation": 45}
    else:
        form |= {"markerEnabled": True, "markerSize": 4}
    return form


def _table(chart: Chart) -> Asset:
    shared: Asset = {
        "page_length": 20,
        "include_search": True,
        "table_timestamp_format": "%Y-%m-%d",
        "show_cell_bars": False,
        # Titles, reasons and refused rows are the shop's text: a tag in it is shown, neither obeyed nor loaded.
        "allow_render_html": False,
    }
    shared |= {"column_config": {name: {"d3NumberFormat": NUMBERS} for name in [*chart.columns, *chart.metrics]}}
    order = [json.dumps(list(column)) for column in chart.ordered]
    if chart.metrics:
        return {**shared, "query_mode": "aggregate", "groupby": list(chart.columns), "metrics": _metrics(chart)}
    return {**shared, "query_mode": "raw", "all_columns": list(chart.columns), "order_by_cols": order}


def _metrics(chart: Chart) -> list[Asset]:
    return [
        {
            "expressionType": "SQL",
            "sqlExpression": text,
            "label": label,
            "optionName": f"metric_{number}",
            "hasCustomLabel": True,
        }
        for number, (label, text) in enumerate(chart.metrics.items())
    ]


def _is_date(column: str | None) -> bool:
    return bool(column and column.endswith("_date"))


def _dashboard(dashboard: Dashboard) -> Asset:
    return {
        "dashboard_title": dashboard.title,
        "description": dashboard.about,
        "slug": dashboard.slug,
        "uuid": identifier("dashboard", dashboard.name),
        "published": True,
        "position": _position(dashboard),
        "metadata": {
            "cross_filters_enabled": False,
            "color_scheme": "supersetColors",
            "native_filter_configuration": [_filter(dashboard, chosen) for chosen in dashboard.filters],
        },
    }


def _position(dashboard: Dashboard) -> Asset:
    """The grid: rows from top to bottom, the charts of a row side by side."""
    rows = {f"ROW-{number}": row for number, row in enumerate(dashboard.rows)}
    header = {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": dashboard.title}}
    position: Asset = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": list(rows), "parents": ["ROOT_ID"]},
        "HEADER_ID": header,
    }
    for place, row in rows.items():
        parents = ["ROOT_ID", "GRID_ID"]
        children = [f"CHART-{name}" for name in row]
        meta = {"background": "BACKGROUND_TRANSPARENT"}
        position[place] = {"type": "ROW", "id": place, "children": children, "parents": parents, "meta": meta}
        for name in row:
            chart = dashboard.charts[name]
            position[f"CHART-{name}"] = {
                "type": "CHART",
                "id": f"CHART-{name}",
                "children": [],
                "parents": [*parents, place],
                "meta": {
                    "uuid": identifier("chart", dashboard.name, name),
                    # A stand-in for the number that the chart gets when it is imported.
                    "chartId": list(dashboard.charts).index(name) + 1,
                    "sliceName": chart.title,
                    "width": WIDTH // len(row),
                    "height": max(HEIGHTS[dashboard.charts[other].kind] for other in row),
                },
            }
    return position


def _filter(dashboard: Dashboard, chosen: Filter) -> Asset:
    conditions = [{"expressionType": "SQL", "clause": "WHERE", "sqlExpression": chosen.where}] if chosen.where else []
    return {
        "id": f"NATIVE_FILTER-{dashboard.name}-{chosen.column}",
        "type": "NATIVE_FILTER",
        "name": chosen.title,
        "filterType": "filter_select",
        "targets": [{"datasetUuid": identifier("dataset", chosen.view), "column": {"name": chosen.column}}],
        "adhoc_filters": conditions,
        "controlValues": {"multiSelect": False, "searchAllOptions": True, "enableEmptyFilter": False},
        "defaultDataMask": {"filterState": {}, "extraFormData": {}},
        "cascadeParentIds": [],
        "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
        "description": "",
    }

"""The dashboards of bi/: complete, about columns that exist, and readable by bi_reader."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import yaml
from sqlalchemy import create_engine, make_url, text

from bi.charts import FOLDER, MOST_ROWS, Chart, Filter, read_dashboards, statement
from bi.superset_assets import superset_assets
from demo import postgres
from recsys.warehouse import create_warehouse
from tests.plugins.result_day import USERS, publish_days
from tests.relations import relations_of

DASHBOARDS = read_dashboards()
ASKED: dict[str, Chart | Filter] = {
    f"{dashboard.name}/{name}": asked
    for dashboard in DASHBOARDS
    for name, asked in [*dashboard.charts.items(), *((chosen.title, chosen) for chosen in dashboard.filters)]
}
TABLE = {"title": "C", "kind": "table", "view": "bundles", "columns": ["rank"]}
GOOD = {"title": "T", "about": "A.", "rows": [["c"]], "charts": {"c": TABLE}}


@pytest.fixture(scope="module")
def admin(postgres_server: postgres.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A superuser's cursor on a warehouse with two published days."""
    dsn = postgres.create_database(postgres_server, "dashboards")
    create_warehouse(dsn)
    publish_days(dsn, str(tmp_path_factory.mktemp("lake")))
    connection = psycopg2.connect(dsn)
    yield connection.cursor()
    connection.close()
    postgres.drop_database(postgres_server, "dashboards")


@pytest.fixture
def reader(admin: Any) -> Iterator[Any]:
    """The same session as bi_reader."""
    admin.execute("set role bi_reader")
    yield admin
    admin.connection.rollback()
    admin.execute("reset role")


def test_there_is_a_dashboard_for_each_question() -> None:
    assert [dashboard.name for dashboard in DASHBOARDS] == [
        "audiences",
        "bundles_and_lift",
        "data_quality",
        "demand_and_reorder",
        "list_explorer",
        "quality_over_time",
    ]


@pytest.mark.postgres
@pytest.mark.parametrize("name", ASKED)
def test_a_chart_asks_views_alone_for_columns_that_exist(reader: Any, name: str) -> None:
    asked = ASKED[name]
    reader.execute(statement(asked))
    shown = [column.name for column in reader.description]
    wanted = [asked.column] if isinstance(asked, Filter) else [*asked.dimensions, *asked.metrics]
    assert shown == wanted
    reader.execute("reset role")
    assert relations_of(reader, statement(asked)) == {f"bi.{asked.view}"}


@pytest.mark.postgres
def test_a_chart_shows_the_rows_of_the_current_day(reader: Any) -> None:
    reader.execute(statement(ASKED["list_explorer/lists"]))
    rows = reader.fetchall()
    assert [row[:4] for row in rows[:3]] == [
        ("u000", "discover", 1, "Green tea"),
        ("u000", "for_you", 1, "Milk & cream"),
        ("u000", "for_you", 2, "<script>alert(1)</script>"),
    ]
    assert len(rows) == 3 * USERS
    reader.execute(statement(ASKED["bundles_and_lift/bundle_count"]))
    assert reader.fetchall() == [(30,)]
    reader.execute(statement(ASKED["bundles_and_lift/strongest_pairs"]))
    assert [row[:2] for row in reader.fetchall()] == [("Milk & cream", "<script>alert(1)</script>")]
    reader.execute(statement(ASKED["audiences/audience_sizes"]))
    assert sorted(reader.fetchall()) == [("spring", "response", 1), ("summer", "response", 1)]
    reader.execute(statement(ASKED["quality_over_time/ranker_by_day"]))
    assert sorted({value for _, _, value in reader.fetchall()}) == [0.4]


@pytest.mark.postgres
def test_the_rule_about_views_can_fail(admin: Any) -> None:
    query = "select b.rank from bi.bundles as b inner join recsys.bundle_items as m on m.bundle_id = b.bundle_id"
    assert relations_of(admin, query) == {"bi.bundles", "recsys.bundle_items"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rows": [["c"], ["d"]]}, "rows place"),
        ({"rows": []}, "rows place"),
        ({"charts": {"c": {**TABLE, "columns": []}}}, "says too little"),
        ({"charts": {"c": {**TABLE, "kind": "pie"}}}, "kind pie"),
        ({"charts": {"c": {**TABLE, "colums": ["rank"]}}}, "colums"),
        ({"abuot": "A."}, "abuot"),
    ],
)
def test_a_mistake_names_its_file(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(GOOD))
    assert [chart.limit for chart in read_dashboards(tmp_path)[0].charts.values()] == [MOST_ROWS]
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump({**GOOD, **change}))
    with pytest.raises(ValueError, match=rf"wrong\.yaml: .*{said}"):
        read_dashboards(tmp_path)


def test_the_shops_text_is_shown_as_text() -> None:
    charts = [a for a in superset_assets(DASHBOARDS).values() if a.get("viz_type") == "table"]
    assert charts and not any(chart["params"]["allow_render_html"] for chart in charts)


def test_superset_is_told_of_every_chart_once_and_of_views_alone() -> None:
    assets = superset_assets(DASHBOARDS)
    by_kind = {kind: {a["uuid"]: a for p, a in assets.items() if p.startswith(kind)} for kind in ("datasets", "charts")}
    identifiers = [asset["uuid"] for asset in assets.values()]
    assert len(set(identifiers)) == len(identifiers)
    assert {asset["schema"] for asset in by_kind["datasets"].values()} == {"bi"}
    assert not any("sql" in asset for asset in by_kind["datasets"].values())
    assert {asset["dataset_uuid"] for asset in by_kind["charts"].values()} <= set(by_kind["datasets"])
    for dashboard in DASHBOARDS:
        position = assets[f"dashboards/{dashboard.name}.yaml"]["position"]
        placed = [box["meta"]["uuid"] for box in position.values() if isinstance(box, dict) and box["type"] == "CHART"]
        assert set(placed) <= set(by_kind["charts"]) and len(placed) == len(dashboard.charts)


@pytest.mark.postgres
@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_superset_reads_within_limits_whoever_it_logs_in_as(
    admin: Any, postgres_server: postgres.Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scheme: str
) -> None:
    _, _, place = postgres_server.dsn("dashboards").partition("://")
    for variable, value in {
        "SUPERSET_SECRET": "s",
        "SUPERSET_HOME": str(tmp_path),
        "RECSYS_BI_DSN": f"{scheme}://{place}",
    }.items():
        monkeypatch.setenv(variable, value)
    change = runpy.run_path(str(FOLDER.parent / "superset_config.py"))["DB_CONNECTION_MUTATOR"]
    given = {"connect_args": {"options": "-c search_path=bi"}}
    address, arguments = change(make_url("postgresql+psycopg2://warehouse/warehouse"), given, "user", None, None)
    with create_engine(address, **arguments).connect() as connection:
        told = [
            connection.execute(text(f"show {name}")).scalar()
            for name in ("statement_timeout", "default_transaction_read_only", "search_path")
        ]
    assert told == ["1min", "on", "bi"]
    other = make_url("postgresql+psycopg2://elsewhere/data")
    assert change(other, {}, "user", None, None) == (other, {})


def test_the_dashboards_hold_no_secret() -> None:
    database = superset_assets(DASHBOARDS)["databases/warehouse.yaml"]
    assert database["sqlalchemy_uri"] == "postgresql+psycopg2://warehouse/warehouse"
    assert not any("password" in file.read_text() for file in FOLDER.glob("*.yaml"))

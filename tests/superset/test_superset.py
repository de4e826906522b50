"""The dashboards in a real Superset: every chart shows data, in the API and in a browser, and nobody reads past bi.

Starting it takes minutes, so `make dashboards` alone collects this file. Pictures go to the folder named by
RECSYS_PICTURES, on a machine with a Chromium.
"""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.warehouse_rows import fill_warehouse
from bi.charts import Dashboard, read_dashboards
from demo import postgres, superset_service
from tests.conftest import CHROMIUM, TEST_SETTINGS

pytestmark = pytest.mark.postgres

DASHBOARDS = read_dashboards()
FORBIDDEN = {
    "select * from recsys.user_recommendations": "permission denied for schema recsys",
    "delete from bi.bundles": "does not allow for DDL/DML",
    "create table mine (n int)": "does not allow for DDL/DML",
}
BROKEN = "[data-test=error-message], .ant-alert-error, .superset-error-icon, :text('Unexpected error')"


@dataclass(frozen=True)
class Superset:
    """Where it listens, the administrator's password, and what its API knows a client by."""

    url: str
    password: str = field(repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    opener: urllib.request.OpenerDirector = field(default_factory=urllib.request.build_opener, repr=False)

    def call(self, path: str, body: Any = None) -> Any:
        """One request to the API; a refusal raises HTTPError."""
        headers = {**self.headers, **({"Content-Type": "application/json"} if body is not None else {})}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", data, headers)
        with self.opener.open(request, timeout=120) as answer:
            return json.loads(answer.read())

    def logged_in(self) -> Superset:
        """The same for the administrator."""
        login = {"username": superset_service.USER, "password": self.password, "provider": "db"}
        headers = {"Authorization": f"Bearer {self.call('security/login', login)['access_token']}", "Referer": self.url}
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        known = replace(self, headers=headers, opener=opener)
        return replace(known, headers={**headers, "X-CSRFToken": known.call("security/csrf_token/")["result"]})


@pytest.fixture(scope="module")
def superset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    """Superset over a warehouse with rows in every table that is charted."""
    folder = tmp_path_factory.mktemp("superset")
    try:
        server = postgres.start(folder, TEST_SETTINGS)
        fill_warehouse(server.dsn("warehouse"), str(folder / "lake"), users=300, items=500, days=2)
        address = superset_service.start(folder)
        yield Superset(address, superset_service.login(folder)[1]).logged_in()
    finally:
        superset_service.stop(folder)
        postgres.remove(folder)


def charts(superset: Superset) -> dict[str, int]:
    """Number of each chart by its title."""
    return {row["slice_name"]: row["id"] for row in superset.call("chart/?q=(page_size:100)")["result"]}


def test_every_chart_answers_with_rows_read_from_views(superset: Superset) -> None:
    known = charts(superset)
    asked = [chart for dashboard in DASHBOARDS for chart in dashboard.charts.values()]
    assert sorted(known) == sorted(chart.title for chart in asked)
    for chart in asked:
        [result] = superset.call(f"chart/{known[chart.title]}/data/?force=true")["result"]
        assert result["error"] is None and result["rowcount"] > 0, chart.title
        assert set(result["colnames"]) == {*chart.dimensions, *chart.metrics}, chart.title
        assert re.findall(r"(?:FROM|JOIN) (\S+)", result["query"]) == [f"bi.{chart.view}"], result["query"]


def test_who_is_not_logged_in_sees_nothing(superset: Superset) -> None:
    stranger = Superset(superset.url, "")
    for path in ("chart/1/data/", "dashboard/audiences", "dataset/1", "sqllab/"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            stranger.call(path)
        assert refused.value.code in {401, 404}, path
    with pytest.raises(urllib.error.HTTPError, match="401"):
        stranger.call("security/login", {"username": superset_service.USER, "password": "guessed", "provider": "db"})


def test_the_laboratory_reads_views_and_nothing_behind_them(superset: Superset) -> None:
    [database] = superset.call("database/")["result"]
    asked = {"database_id": database["id"], "runAsync": False}
    answer = superset.call("sqllab/execute/", {**asked, "sql": "select count(*) as days from bi.published_days"})
    assert answer["data"] == [{"days": 2}]
    for forbidden, said in FORBIDDEN.items():
        with pytest.raises(urllib.error.HTTPError) as refused:
            superset.call("sqllab/execute/", {**asked, "sql": forbidden})
        assert said in refused.value.read().decode(), forbidden
    assert superset.call("sqllab/execute/", {**asked, "sql": "select 1 as alive"})["data"] == [{"alive": 1}]


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
def test_each_dashboard_is_drawn_without_an_error(superset: Superset) -> None:
    from playwright.sync_api import sync_playwright

    pictures = Path(os.environ["RECSYS_PICTURES"])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(180_000)
        page.goto(f"{superset.url}/login/")
        page.fill("#username", superset_service.USER)
        page.fill("#password", superset.password)
        page.keyboard.press("Enter")
        page.wait_for_url("**/welcome/**")
        for dashboard in DASHBOARDS:
            _draw(superset, page, dashboard)
            page.screenshot(path=pictures / f"dashboard_{dashboard.name}.png")
        browser.close()


def _draw(superset: Superset, page: Any, dashboard: Dashboard) -> None:
    """Open the dashboard, scroll through it so that every chart is drawn, and look for what says that one failed."""
    page.goto(f"{superset.url}/superset/dashboard/{dashboard.slug}/")
    holders = page.locator(".dashboard-component-chart-holder")
    holders.first.wait_for()
    assert holders.count() == len(dashboard.charts)
    for number in range(holders.count()):
        holder = holders.nth(number)
        holder.scroll_into_view_if_needed()
        holder.locator("canvas, table, .header-line").first.wait_for()
        assert "No results" not in holder.inner_text()
    assert page.locator(BROKEN).count() == 0, page.locator(BROKEN).first.inner_text()
    holders.first.scroll_into_view_if_needed()

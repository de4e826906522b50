"""The real UI in a real browser: log in, see the results inside it, start runs from its dialogs.

Pictures of what is seen go to the folder named by RECSYS_PICTURES; without it the file is not collected.
`make pictures` runs it, on a machine with a Chromium.
"""

from __future__ import annotations

import dataclasses
import os
import re
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl
import psycopg2
import pytest

from demo import airflow_services, postgres, rest
from demo.progress import follow
from recsys import steps
from recsys.config import Environment
from recsys.run import RunContext
from recsys.warehouse import create_warehouse
from tests import known_answer_shop as shop
from tests.conftest import CHROMIUM, TEST_SETTINGS
from tests.settings_file import as_toml

pytestmark = [pytest.mark.airflow, pytest.mark.postgres]

FIRST = shop.AS_OF_DATE - timedelta(days=3)
"""Published before the browser opens, so that the pages have something to show."""
TRIGGERED = FIRST + timedelta(days=1)
BACKFILLED = [TRIGGERED + timedelta(days=1), TRIGGERED + timedelta(days=2)]
OCCASIONS = (["espresso", "cake"], ["cat_toy", "detergent"])
"""What is bought together out of all habit, by every other shopper each: two bundles."""
RUN_SECONDS = 480
"""A run fails the test when none of its tasks has ended for so long."""
DESKTOP, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 800}


@dataclasses.dataclass(frozen=True)
class World:
    """The servers, and the browser that the tests share."""

    server: postgres.Server
    airflow: rest.Airflow
    browser: Any
    pictures: Path


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Postgres and Airflow with the small shop, one published day, and a browser."""
    from playwright.sync_api import sync_playwright

    folder = tmp_path_factory.mktemp("browser")
    (folder / "settings.toml").write_text(as_toml(shop.SETTINGS))
    pictures = Path(os.environ["RECSYS_PICTURES"])
    pictures.mkdir(parents=True, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("RECSYS_CONFIG", str(folder / "settings.toml"))
        patch.delenv("AIRFLOW_HOME")
        try:
            server = postgres.start(folder, TEST_SETTINGS)
            shop.create_tables(server.dsn("shop", "shop_owner"))
            shop.fill_shop(server.dsn("shop", "shop_owner"))
            shop.copy_rows(server.dsn("shop", "shop_owner"), "events", _occasions())
            create_warehouse(server.dsn("warehouse"))
            dsns = server.dsn("shop", "shop_reader"), server.dsn("warehouse", "recsys_writer")
            steps.run_all(RunContext(FIRST, Environment(*dsns, str(folder / "lake")), shop.SETTINGS, "first day"))
            airflow = airflow_services.start(folder)
            rest.wait_for_dag(airflow)
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            yield World(server, airflow, browser, pictures)
            browser.close()
        finally:
            airflow_services.stop(folder)
            postgres.remove(folder)


def _occasions() -> pl.DataFrame:
    numbers, rows = count(900_000), []
    for index, user_id in enumerate(shop.SHOPPERS):
        day = shop.FIRST_DATE + timedelta(days=50 + index)
        rows += shop.visit(numbers, user_id, day, OCCASIONS[index % 2])
    return shop.as_events(rows)


@pytest.fixture
def page(world: World, session: dict[str, Any]) -> Iterator[Any]:
    """A page of a browser that is logged in."""
    yield from _page(world, storage_state=session)


@pytest.fixture(scope="module")
def session(world: World) -> dict[str, Any]:
    """Log in by the form; what the browser keeps of it."""
    context = world.browser.new_context(viewport=DESKTOP)
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(world.airflow.url)
    page.fill("input[name=username]", world.airflow.user)
    page.fill("input[name=password]", world.airflow.password)
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Recommendations").or_(page.get_by_text("Recommendations")).first.wait_for()
    state: dict[str, Any] = context.storage_state()
    context.close()
    return state


def _page(world: World, **options: Any) -> Iterator[Any]:
    context = world.browser.new_context(**{"viewport": DESKTOP, **options})
    page = context.new_page()
    page.set_default_timeout(120_000)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()
    assert problems == []


def _results(world: World, page: Any, path: str = "") -> Any:
    page.goto(f"{world.airflow.url}/recommendations/{path}")
    return page


def _picture(world: World, page: Any, name: str) -> None:
    page.screenshot(path=world.pictures / f"{name}.png")


def test_the_page_stands_in_the_navigation_and_inside_the_ui(world: World, page: Any) -> None:
    page.goto(world.airflow.url)
    page.get_by_text("Recommendations").first.click()
    frame = page.frame_locator("iframe")
    frame.get_by_role("heading", name=f"Recommendations of {FIRST}").wait_for()
    assert frame.locator(".funnel").inner_text().startswith("rejected rows")
    _picture(world, page, "overview")
    frame.get_by_role("heading", name="What changed since the day published before").scroll_into_view_if_needed()
    frame.get_by_text(re.compile("check(s)?$")).first.click()
    _picture(world, page, "gate")
    frame.get_by_role("link", name="Users").click()
    frame.get_by_label("User").fill("family_0")
    page.keyboard.press("Enter")
    frame.get_by_role("heading", name="User family_0").wait_for()
    _picture(world, page, "user")


def test_a_link_to_the_run_leaves_the_frame(world: World, page: Any) -> None:
    page.goto(world.airflow.url)
    page.get_by_text("Recommendations").first.click()
    page.frame_locator("iframe").get_by_role("link", name="first day").first.click()
    page.wait_for_url(re.compile("/dags/daily_recommendations/runs/first"))


def test_each_page_shows_its_rows(world: World, page: Any) -> None:
    _results(world, page, "users?user_id=family_0&missing=lemonade")
    assert "Milk" in page.locator("#buy_again + div").inner_text() or "milk" in page.content()
    assert "left the range" in page.content()
    _results(world, page, "items?text=coffee").get_by_role("link", name="coffee").first.click()
    page.get_by_role("heading", name="coffee").wait_for()
    _picture(world, page, "item")
    _results(world, page, "bundles").get_by_role("heading", name=f"Bundles of {FIRST}").wait_for()
    for name in ("Espresso", "Cat toy"):
        page.get_by_role("link", name=name).first.wait_for()
    _picture(world, page, "bundles")
    _results(world, page, "tables?name=user_recommendations").get_by_role("link", name="Next").click()
    assert "after=" in page.url
    assert page.goto(f"{world.airflow.url}/recommendations/report").status == 200
    page.get_by_role("heading", name=str(FIRST)).first.wait_for()
    for unknown in ("users?user_id=nobody", "items?item_id=nothing", "?day=1999-01-01"):
        answer = page.goto(f"{world.airflow.url}/recommendations/{unknown}")
        assert answer.status == 404


def test_the_pages_fit_a_phone_and_follow_the_keyboard(world: World, session: dict[str, Any]) -> None:
    for page in _page(world, storage_state=session, viewport=PHONE, color_scheme="dark"):
        for path in ("", "users", "users?user_id=family_0", "items", "items?item_id=coffee", "bundles", "tables"):
            _results(world, page, path)
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        _results(world, page, "users?user_id=family_0")
        _picture(world, page, "phone_dark")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(17, 20, 24)"
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("/recommendations/users"))


def test_who_is_not_logged_in_sees_nothing(world: World) -> None:
    for page in _page(world):
        for path in ("", "users?user_id=family_0", "items?item_id=coffee", "bundles", "tables", "page.css"):
            answer = page.goto(f"{world.airflow.url}/recommendations/{path}")
            assert answer.status == 401
            assert "family_0" not in page.content()
    for page in _page(world, extra_http_headers={"Authorization": "Bearer nonsense"}):
        assert page.goto(f"{world.airflow.url}/recommendations/").status in {401, 403}


def test_the_dialogs_ask_what_a_run_can_use(world: World, page: Any) -> None:
    page.goto(f"{world.airflow.url}/dags/{rest.DAG}")
    dialog = _trigger_dialog(page)
    page.locator("#element_as_of_date").fill(shop.AS_OF_DATE.isoformat())
    page.get_by_role("spinbutton").first.fill("7")
    for asked in ("As-of date", "Items a list", "Read the shop again", "Failed checks to let pass"):
        assert asked in dialog.inner_text(), asked
    _picture(world, page, "trigger")


def test_the_form_builds_the_day_that_it_names(world: World, page: Any) -> None:
    rest.resume_schedule(world.airflow, "the tests build other days")
    page.goto(f"{world.airflow.url}/dags/{rest.DAG}")
    dialog = _trigger_dialog(page)
    page.locator("#element_as_of_date").fill(TRIGGERED.isoformat())
    dialog.get_by_role("button", name="Trigger", exact=True).click()
    _wait_for_days(world, "manual", [TRIGGERED])


def test_the_backfill_dialog_builds_each_day_of_its_range(world: World, page: Any) -> None:
    rest.resume_schedule(world.airflow, "the tests build other days")
    page.goto(f"{world.airflow.url}/dags/{rest.DAG}")
    dialog = _trigger_dialog(page)
    dialog.get_by_text("Run this Dag for a range of dates").click()
    # A run builds the day after its logical date.
    first, last = (day - timedelta(days=1) for day in (BACKFILLED[0], BACKFILLED[-1]))
    for place, (day, hour) in enumerate([(first, "00:00"), (last, "23:00")]):
        dialog.get_by_test_id("datetime-input").nth(place).click()
        page.get_by_placeholder("YYYY/MM/DD").fill(day.strftime("%Y/%m/%d"))
        page.get_by_placeholder("HH:mm").fill(hour)
        dialog.get_by_text("Date Range").click()
    dialog.get_by_text("2 runs will be triggered").wait_for()
    _picture(world, page, "backfill")
    dialog.get_by_role("button", name="Run Backfill").click()
    _wait_for_days(world, "backfill", BACKFILLED)


def _wait_for_days(world: World, kind: str, days: list[date]) -> None:
    """Wait for the runs of `kind` to end well, and for `days` in the warehouse, each published by one of them."""
    query = f"/api/v2/dags/{rest.DAG}/dagRuns?run_type={kind}"
    deadline = time.monotonic() + 60
    while len(runs := world.airflow.call("GET", query)["dag_runs"]) < len(days):
        assert time.monotonic() < deadline, f"the UI made {len(runs)} runs of kind {kind}"
        time.sleep(0.5)
    names = {run["dag_run_id"]: f"{kind} {number}" for number, run in enumerate(runs, 1)}
    follow(world.airflow, names, RUN_SECONDS)
    dsn = world.server.dsn("warehouse", "bi_reader")
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("select as_of_date from bi.published_days where run_id = any(%s) order by 1", (list(names),))
        assert [day for (day,) in cursor.fetchall()] == days


def _trigger_dialog(page: Any) -> Any:
    page.get_by_role("button", name="Trigger").first.click()
    dialog = page.get_by_role("dialog").first
    page.locator("#element_as_of_date").wait_for()
    return dialog

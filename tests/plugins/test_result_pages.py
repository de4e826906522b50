"""The pages of the UI against a warehouse, as bi_reader: what they show, what they refuse, what they escape."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2
import pytest

from demo import postgres
from plugins.result_pages.render import item_link
from recsys import schemas
from recsys.warehouse import create_warehouse
from tests.plugins.result_day import EVIL, PICTURE, TRENDING, USERS, publish_days
from tests.recommendations.published_days import FIRST, SECOND
from tests.relations import relations_of

pytestmark = [pytest.mark.airflow, pytest.mark.postgres]

PAGES = ["/", "/users", "/users?user_id=u000", "/items", "/items?item_id=milk", "/bundles", "/tables", "/page.css"]
INPUTS = [
    "users?user_id=",
    "users?first=",
    "users?user_id=u000&missing=",
    "items?item_id=",
    "items?text=",
    "bundles?bundle_id=",
    "bundles?order=",
    "tables?name=",
    "tables?name=bundles&value=",
    "tables?name=bundles&after=",
    "?day=",
    "?run_id=",
]
ATTACKS = [
    "' or '1'='1",
    "'; drop table bi.bundles; --",
    "%(day)s",
    "%s",
    "{}",
    "\\",
    EVIL,
    '"><img src=x>',
    "\u0000",
    "ü" * 200,
]


@pytest.fixture(scope="module")
def dsn(postgres_server: postgres.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL (bi_reader) of a warehouse with two published days."""
    admin = postgres.create_database(postgres_server, "pages")
    create_warehouse(admin)
    publish_days(admin, str(tmp_path_factory.mktemp("lake")))
    yield postgres_server.dsn("pages", "bi_reader")
    postgres.drop_database(postgres_server, "pages")


@pytest.fixture
def stranger(dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client that nobody knows."""
    from fastapi.testclient import TestClient

    from plugins.result_pages import app as pages
    from plugins.result_pages import warehouse

    monkeypatch.setattr(warehouse, "find_dsn", lambda: dsn)
    monkeypatch.setattr(pages, "warehouse", warehouse.Warehouse())
    yield TestClient(pages.app, raise_server_exceptions=True)
    pages.app.dependency_overrides.clear()


@pytest.fixture
def client(stranger: Any) -> Any:
    """A client that is logged in."""
    from airflow.api_fastapi.core_api.security import get_user

    from plugins.result_pages import app as pages

    pages.app.dependency_overrides = {get_user: lambda: "somebody", pages.may_see_the_dag: lambda: None}
    return stranger


def text_of(client: Any, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    return str(answer.text)


def test_every_route_is_closed_to_who_is_not_logged_in(stranger: Any) -> None:
    from airflow.api_fastapi.core_api.security import get_user

    from plugins.result_pages.app import app, may_see_the_dag

    assert len(app.routes) == 7
    for route in app.routes:
        assert {dependency.dependency for dependency in route.dependencies} == {get_user, may_see_the_dag}
    for path in PAGES:
        assert "not logged in" in text_of(stranger, path, 401)
    assert stranger.get("/docs").status_code == 404
    text_of(stranger, "/openapi.json", 401)


def test_the_overview_shows_the_current_day_and_another_one_on_request(client: Any) -> None:
    page = text_of(client, "/")
    assert f"Recommendations of {SECOND}" in page
    for said in ("1,234,567", "few events", "0.4000", "0.1000", "popularity", f"run of {SECOND}", "<polyline"):
        assert said in page, said
    for said in (
        '<p class="bad">those of before serve',
        "1 check</summary>",
        "far above it",
        "95 % stay",
    ):
        assert said in page, said
    assert f'Recommendations of {FIRST} <span class="tag">not what' in text_of(client, f"/?day={FIRST}")
    assert f"Recommendations of {FIRST}" in text_of(client, f"/?run_id={quote(f'run of {FIRST}')}")
    assert "has published nothing" in text_of(client, "/?run_id=manual__2016", 404)
    assert "2016-01-01 is not published" in text_of(client, "/?day=2016-01-01", 404)
    assert "day:" in text_of(client, "/?day=yesterday", 400)


def test_the_overview_is_made_again_when_its_day_is_published_again(
    client: Any, postgres_server: postgres.Server
) -> None:
    first = text_of(client, "/")
    with closing(psycopg2.connect(postgres_server.dsn("pages"))) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("update recsys.published_runs set rows = rows + 7654321 where table_name = 'bundles'")
        assert text_of(client, "/") == first
        cursor.execute("update recsys.published_runs set published_at = published_at + interval '1 second'")
        assert "7,654," in text_of(client, "/")
        cursor.execute("update recsys.published_runs set rows = rows - 7654321 where table_name = 'bundles'")


def test_what_is_kept_is_found_once_and_the_oldest_goes() -> None:
    from plugins.result_pages.warehouse import KEPT, Warehouse

    warehouse, found = Warehouse(), []
    for key in [*range(KEPT + 1), KEPT, 0]:
        assert warehouse.kept(key, lambda key=key: found.append(key) or [key]) == [key]
    assert found == [*range(KEPT + 1), 0]


def test_a_users_lists_history_and_bundles(client: Any) -> None:
    page = text_of(client, "/users?user_id=u000")
    for said in ("Because of milk.", "Milk &amp; cream", PICTURE, "Discover", "Green tea", "Breakfast 1", "2017-12-02"):
        assert said in page, said
    assert "javascript:" not in page
    assert "No user of this id" in text_of(client, "/users?user_id=nobody", 404)


def test_users_are_listed_page_by_page(client: Any) -> None:
    pattern = re.compile(r"users\?day=2017-12-04&amp;user_id=(u\d+)")
    first = text_of(client, "/users")
    assert pattern.findall(first) == [f"u{n:03}" for n in range(50)]
    assert "first=u050" in first
    last = text_of(client, "/users?first=u100")
    assert pattern.findall(last) == [f"u{n}" for n in range(100, USERS)]
    assert "first=u" not in last


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ("milk", "place 1 of for_you"),
        ("soda", "left the range"),
        ("nothing", "not among the day"),
        ("it's; drop table", "not proposed for this user"),
    ],
)
def test_why_an_item_is_missing(client: Any, item: str, said: str) -> None:
    assert said in text_of(client, f"/users?user_id=u000&missing={quote(item)}")


def test_an_items_partners_and_bundles(client: Any) -> None:
    page = text_of(client, "/items?item_id=milk")
    for said in (
        "Bought together",
        "Bought instead",
        "Lemonade",
        "Breakfast 1",
        "Milk &amp; cream + Green tea",
        "90 users",
    ):
        assert said in page, said
    assert EVIL not in page
    assert "No table of" in text_of(client, "/items?item_id=nothing", 404)


def test_blanks_around_an_id_are_part_of_it_where_the_shop_has_them(client: Any) -> None:
    for address in ("/items?item_id=padded++", "/items?item_id=+tea+"):
        assert "No table of" not in text_of(client, address)
    assert "users?day=2017-12-04&amp;user_id=u000" not in text_of(client, "/users?user_id=+u000+")
    assert "not proposed for this user" in text_of(client, "/users?user_id=u000&missing=padded++")
    assert "Look a user up" in text_of(client, "/users?user_id=++")


def test_an_address_that_is_none_is_no_picture(client: Any) -> None:
    from plugins.result_pages.render import picture

    assert picture(PICTURE) == PICTURE
    for address in ("http://[broken", "http://shop]/milk.png", "https://\u2100/1.png", "javascript:alert(1)", "", None):
        assert picture(address) is None
    assert "Lemonade" in text_of(client, "/items?item_id=soda")


def test_items_are_found_by_title_and_id_literally(client: Any) -> None:
    assert "Milk &amp; cream" in text_of(client, "/items?text=MILK")
    assert "Green tea" not in text_of(client, "/items?text=MILK")
    assert "Green tea" in text_of(client, "/items?text=tea")
    for wild in ("%", "_", "\\"):
        assert text_of(client, f"/items?text={quote(wild)}").count('data-name="users"') == 1


@pytest.mark.parametrize(
    ("value", "places", "said"),
    [(0.4, 0, "0.4"), (0.0, 0, "0"), (0.004, 2, "0.004"), (2.5e-9, 3, "2.5e-09"), (1234.5, 2, "1,234")],
)
def test_small_numbers_are_not_rounded_away(value: float, places: int, said: str) -> None:
    """Stock may be counted in kilograms, a discount be half a percent."""
    from plugins.result_pages.render import shown

    assert shown(value, places) == said


def test_bundles_are_cards_in_pages_and_orders(client: Any) -> None:
    assert text_of(client, "/bundles").count('class="card"') == 24
    assert text_of(client, "/bundles?page=2").count('class="card"') == 6
    assert PICTURE in text_of(client, "/bundles?bundle_id=b07")
    assert text_of(client, "/bundles?bundle_id=b07").count('class="card"') == 1
    assert text_of(client, "/bundles?order=lift;drop").count('class="card"') == 24
    text_of(client, "/bundles?bundle_id=none", 404)
    text_of(client, "/bundles?page=0", 400)


def test_every_published_table_can_be_read(client: Any) -> None:
    for table in schemas.PUBLISHED:
        assert table.grain in unescape(text_of(client, "/tables"))
        assert table.name in text_of(client, f"/tables?name={table.name}")
    text_of(client, "/tables?name=pg_authid", 404)
    text_of(client, "/tables?name=../run_claims", 404)


def test_pages_of_a_table_follow_each_other_without_a_gap(client: Any) -> None:
    path, found = "/tables?name=user_recommendations", []
    while path:
        page = text_of(client, path)
        found += re.findall(r"user_id=(u\d+)", page)
        following = re.search(r'rel="next" href="(.+?)"', page)
        path = f"/{unescape(following[1])}" if following else ""
    assert found == [f"u{user:03}" for user in range(USERS) for _ in range(3)]
    # A place that cannot be one is the beginning.
    for wrong in ("after=u016", "after=u016&after=for_you&after=first", "after=a&after=b&after=c&after=d"):
        assert "user_id=u000" in text_of(client, f"/tables?name=user_recommendations&{wrong}")


def test_pages_follow_each_other_where_a_part_of_the_key_is_empty(client: Any) -> None:
    following = re.search(r'rel="next" href="(.+?)"', text_of(client, "/tables?name=trending_items"))
    assert following is not None
    last = text_of(client, f"/{unescape(following[1])}")
    assert re.findall(r"item_id=(t\d+)", last) == [f"t{n}" for n in range(51, TRENDING + 1)]
    assert 'rel="next"' not in last


def test_a_page_may_end_with_a_long_key(client: Any) -> None:
    """Of a refused row, say, whose identifier may be anything."""
    keys = "".join(f"&after={quote(key)}" for key in ("events", "x" * 2000, "missing_user"))
    assert "No row" in text_of(client, f"/tables?name=rejected_rows{keys}")


def test_links_to_long_identifiers_are_followed_and_short(client: Any) -> None:
    """An address as an item's id, a description as its title."""
    for path, status in (("/items?item_id=", 404), ("/users?user_id=", 404), ("/users?user_id=u000&missing=", 200)):
        assert "x" * 1_000 in text_of(client, path + "x" * 1_000, status)
    assert item_link("milk", FIRST, {}, "word " * 2_000).endswith(">" + ("word " * 24)[:119] + "…</a>")
    assert item_link("x" * 500, FIRST, {}).count("x") == 500 + 119


def test_tables_that_nobody_published_are_not_there(client: Any) -> None:
    text_of(client, "/tables?name=pg_authid", 404)
    text_of(client, "/tables?name=../run_claims", 404)


@pytest.mark.parametrize("attack", ATTACKS)
def test_input_is_only_ever_a_value(client: Any, dsn: str, attack: str) -> None:
    typed = quote(attack)
    for path in INPUTS:
        answer = client.get(f"/{path}{typed}")
        assert answer.status_code in {200, 400, 404}, (path, answer.text)
        assert EVIL not in answer.text and "<img src=x>" not in answer.text
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from bi.bundles")
        assert cursor.fetchone() == (60,)


def test_no_page_reads_anything_but_views(
    client: Any, postgres_server: postgres.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    from plugins.result_pages import warehouse

    asked: list[tuple[Any, dict[str, Any]]] = []
    rows = warehouse.Reader.rows
    monkeypatch.setattr(
        warehouse.Reader,
        "rows",
        lambda self, query, **values: asked.append((query, values)) or rows(self, query, **values),
    )
    for path in [*PAGES, "/users?user_id=u000&missing=tea", "/items?text=tea", "/bundles?bundle_id=b07"]:
        assert client.get(path).status_code == 200
    for table in schemas.PUBLISHED:
        assert client.get(f"/tables?name={table.name}").status_code == 200
    read: set[str] = set()
    with closing(psycopg2.connect(postgres_server.dsn("pages"))) as connection, connection.cursor() as cursor:
        for query, values in asked:
            read |= relations_of(cursor, cursor.mogrify(query, values))
    assert {name.split(".")[0] for name in read} == {"bi"}
    assert {f"bi.{table.name}" for table in schemas.PUBLISHED} | {"bi.published_days", "bi.model_comparison"} <= read


def test_answers_carry_the_headers_that_keep_others_out(client: Any) -> None:
    headers = client.get("/").headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "'unsafe-inline'" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    for path in PAGES[:-1]:
        assert not re.search(r"<script>|<style| style=| on\w+=", text_of(client, path)), path


def test_what_the_warehouse_lacks_is_said(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from plugins.result_pages import app as pages
    from plugins.result_pages import warehouse

    monkeypatch.setattr(warehouse, "find_dsn", lambda: "postgresql://bi_reader:secret@127.0.0.1:1/none")
    monkeypatch.setattr(pages, "warehouse", warehouse.Warehouse())
    page = text_of(client, "/", 503)
    assert "cannot be reached" in page and "secret" not in page


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("postgres://bi_reader:secret@127.0.0.1/none?__extra__=%7B%7D", "address of the warehouse cannot be read"),
        ("", "member of bi_reader"),
    ],
)
def test_a_role_or_address_that_does_not_fit_is_said(
    client: Any, monkeypatch: pytest.MonkeyPatch, postgres_server: postgres.Server, address: str, said: str
) -> None:
    """Without an address: as a role that may connect and is no member of bi_reader."""
    from plugins.result_pages import app as pages
    from plugins.result_pages import warehouse

    with closing(psycopg2.connect(postgres_server.dsn("pages"))) as connection, connection.cursor() as cursor:
        cursor.execute("grant connect on database pages to shop_reader")
        connection.commit()
    monkeypatch.setattr(warehouse, "find_dsn", lambda: address or postgres_server.dsn("pages", "shop_reader"))
    monkeypatch.setattr(pages, "warehouse", warehouse.Warehouse())
    page = text_of(client, "/", 503)
    assert said in page and "secret" not in page


@pytest.mark.parametrize("noticed", [True, False])
def test_a_connection_that_the_server_ended_is_replaced(
    client: Any, postgres_server: postgres.Server, monkeypatch: pytest.MonkeyPatch, noticed: bool
) -> None:
    text_of(client, "/")
    if not noticed:
        monkeypatch.setattr("plugins.result_pages.warehouse._is_open", lambda connection: True)
    with closing(psycopg2.connect(postgres_server.superuser_dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'recsys pages'")
        assert cursor.rowcount >= 1
    text_of(client, "/")


def test_queries_read_views_of_schema_bi_alone() -> None:
    from plugins.result_pages import queries

    statements = [value for value in vars(queries).values() if isinstance(value, str) and "select" in value]
    statements += queries.BUNDLES_BY.values()
    assert len(statements) > 20
    for statement in statements:
        assert set(re.findall(r"(?:from|join)\s+(\w+)\.", statement)) == {"bi"}, statement
        assert not re.search(r"(?:from|join)\s+\w+\s", statement), statement


def test_the_plugin_is_what_airflow_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    from pathlib import Path

    from airflow import plugins_manager

    folder = str(Path(__file__).resolve().parent.parent.parent / "plugins")
    plugins, errors = plugins_manager._load_plugins_from_plugin_directory(folder)
    assert errors == {}
    assert [plugin.name for plugin in plugins] == ["recommendations"]
    assert plugins[0].external_views[0]["href"] == "/recommendations/"


def test_the_report_of_a_day_comes_from_the_lake(client: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from recsys.recommendations.day_report import report_path

    monkeypatch.setenv("RECSYS_LAKE", str(tmp_path))
    assert client.get(f"/report?day={SECOND}").status_code == 404
    file = tmp_path / report_path(SECOND)
    file.parent.mkdir(parents=True)
    file.write_text("<h1>told</h1>")
    answer = client.get(f"/report?day={SECOND}")
    assert (answer.status_code, answer.text) == (200, "<h1>told</h1>")
    # It may style itself; scripts stay forbidden.
    assert "style-src 'unsafe-inline'" in answer.headers["Content-Security-Policy"]
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"

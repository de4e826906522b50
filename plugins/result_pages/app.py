"""The pages: published days, users, items, bundles, tables. Each route is closed to who is not logged in to Airflow.

Only GET, only reading; links are relative, so that the pages work under any address of the API server.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

from airflow.api_fastapi.core_api.security import get_user, requires_access_dag
from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from plugins.result_pages import queries
from plugins.result_pages.days import (
    Days,
    NoSuchDayError,
    Wanted,
    as_known,
    choose_day,
    item_ids,
    key_from,
    key_of,
    published_table,
    sections,
    titles,
)
from plugins.result_pages.lake_reports import read_report
from plugins.result_pages.missing import why_missing
from plugins.result_pages.render import render
from plugins.result_pages.warehouse import Reader, UnavailableError, Warehouse
from recsys.schemas import PUBLISHED, STABILITY_CHECKS, TEXT

DAG = "daily_recommendations"
FOLDER = Path(__file__).resolve().parent
PAGE_ROWS = 50
CARDS = 24
LAST_OFFSET = 10_000
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' https: http:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

Text = Annotated[str, Query(max_length=200, pattern="^[^\\x00]*$")]
LONGEST_KEY = 2704
"""Bytes that an index of Postgres holds of a row: no published key is longer."""
KeyText = Annotated[str, Query(max_length=LONGEST_KEY, pattern="^[^\\x00]*$")]
After = Annotated[list[KeyText], Query(default_factory=list, max_length=9)]
Page = Annotated[int, Query(ge=1, le=LAST_OFFSET // CARDS)]


async def wanted(day: Annotated[date | None, Query()] = None, run_id: Text = "") -> Wanted:
    """What the address says of the day; not worth a thread of its own."""
    return Wanted(day, run_id)


Asked = Annotated[Wanted, Depends(wanted)]


class SafeHeaders:
    """No foreign scripts, no framing by others, no copies of personal data in caches.

    Plain ASGI: a function of `app.middleware` costs two tasks of the event loop a request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the wrapped application does, with HEADERS where it says nothing else."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)


warehouse = Warehouse()
may_see_the_dag = requires_access_dag("GET", param_dag_id=DAG)
app = FastAPI(
    dependencies=[Depends(get_user), Depends(may_see_the_dag)],
    docs_url=None,
    redoc_url=None,
    openapi_url=None,
)
app.add_middleware(SafeHeaders)


@app.get("/")
def overview(request: Request, asked: Asked) -> Response:
    """Published days, and of one of them: tables, funnel, quality beside baselines, what gate and checks found."""
    with warehouse.reader() as reader:
        days = choose_day(reader, asked)
        # Published rows stay as they are until their day is published again, which `version` tells.
        page = warehouse.kept(
            (days.version, request.scope.get("root_path")),
            lambda: render(request, "overview.html", days=days, **_of_day(reader, days)).body,
        )
    return Response(page, media_type="text/html")


def _of_day(reader: Reader, days: Days) -> dict[str, Any]:
    values = {"day": days.day, "before": days.before, "of_change": list(STABILITY_CHECKS)}
    return {name: reader.rows(query, **values) for name, query in _OF_DAY.items()}


_OF_DAY = {
    "tables": queries.TABLES,
    "funnel": queries.FUNNEL,
    "comparison": queries.COMPARISON,
    "models": queries.MODELS,
    "trend": queries.QUALITY_BY_DAY,
    "gate": queries.GATE,
    "stability": queries.STABILITY,
    "warnings": queries.WARNINGS,
    "refused": queries.REFUSED,
}


@app.get("/users")
def users(request: Request, asked: Asked, user_id: KeyText = "", first: Text = "", missing: KeyText = "") -> Response:
    """One user: history, lists with reasons, bundles, why an item is missing; without `user_id` a list of users."""
    with warehouse.reader() as reader:
        days = choose_day(reader, asked)
        user_id = as_known(reader, queries.LISTS, "user_id", user_id, days.day)
        missing = as_known(reader, queries.ITEM, "item_id", missing, days.day)
        key = {"day": days.day, "user_id": user_id}
        if not user_id:
            rows = reader.rows(queries.USERS_FROM, day=days.day, first=first, limit=PAGE_ROWS + 1)
            return render(request, "users.html", days=days, rows=rows[:PAGE_ROWS], more=rows[PAGE_ROWS:])
        lists: dict[str, list[Any]] = {}
        for row in reader.rows(queries.LISTS, **key):
            lists.setdefault(row["list"], []).append(row)
        history = reader.rows(queries.HISTORY, **key)
        bundles = reader.rows(queries.BUNDLES_OF_USER, **key)
        shown = {"user_recommendations", "user_history", "user_bundles"}
        others = sections(reader, days.day, "user_id", user_id, shown)
        rows = [*history, *(row for rows in lists.values() for row in rows[:PAGE_ROWS])]
        rows += [row for _, found in others for row in found]
        named = titles(reader, days.day, item_ids(rows))
        answer = why_missing(reader, days.day, user_id, missing) if missing else None
    found = bool(lists or history or bundles or others)
    return render(
        request,
        "user.html",
        status=200 if found else 404,
        days=days,
        user_id=user_id,
        lists=lists,
        history=history,
        bundles=bundles,
        others=others,
        named=named,
        missing=missing,
        answer=answer,
        found=found,
    )


@app.get("/items")
def items(request: Request, asked: Asked, item_id: KeyText = "", text: Text = "", page: Page = 1) -> Response:
    """One item: partners, bundles and whatever else is published of it; without `item_id` a search in the titles."""
    text = text.strip()
    with warehouse.reader() as reader:
        days = choose_day(reader, asked)
        item_id = as_known(reader, queries.ITEM, "item_id", item_id, days.day)
        if not item_id:
            limits = {"limit": PAGE_ROWS + 1, "offset": (page - 1) * PAGE_ROWS}
            rows = reader.rows(queries.SEARCH, day=days.day, text=text, **limits)
            named, more = titles(reader, days.day, item_ids(rows)), rows[PAGE_ROWS:]
            rows = rows[:PAGE_ROWS]
            return render(request, "items.html", days=days, rows=rows, more=more, text=text, page=page, named=named)
        key = {"day": days.day, "item_id": item_id}
        details = reader.rows(queries.ITEM, **key)
        pairs = reader.rows(queries.PAIRS, **key)
        bundles = reader.rows(queries.BUNDLES_OF_ITEM, **key)
        others = sections(reader, days.day, "item_id", item_id, {"item_pairs", "item_details"})
        named = titles(reader, days.day, item_ids([*pairs, *(row for _, found in others for row in found)]))
    found = bool(details or pairs or bundles or others)
    return render(
        request,
        "item.html",
        status=200 if found else 404,
        days=days,
        item_id=item_id,
        item=details[0] if details else None,
        pairs=pairs,
        bundles=bundles,
        others=others,
        named=named,
        found=found,
    )


@app.get("/bundles")
def bundles(request: Request, asked: Asked, order: Text = "rank", bundle_id: Text = "", page: Page = 1) -> Response:
    """The day's bundles as cards, one `page` after the other, or a single one."""
    order = order if order in queries.BUNDLES_BY else "rank"
    with warehouse.reader() as reader:
        days = choose_day(reader, asked)
        if bundle_id:
            cards = reader.rows(queries.BUNDLES_BY_ID, day=days.day, bundle_id=bundle_id.strip())
        else:
            limits = {"limit": CARDS + 1, "offset": (page - 1) * CARDS}
            cards = reader.rows(queries.BUNDLES_BY[order], day=days.day, **limits)
        members: dict[str, list[Any]] = {}
        for row in reader.rows(queries.MEMBERS, day=days.day, bundles=[card["bundle_id"] for card in cards]):
            members.setdefault(row["bundle_id"], []).append(row)
    return render(
        request,
        "bundles.html",
        status=404 if bundle_id and not cards else 200,
        days=days,
        cards=cards[:CARDS],
        more=len(cards) > CARDS,
        members=members,
        order=order,
        orders=list(queries.BUNDLES_BY),
        page=page,
        bundle_id=bundle_id,
    )


@app.get("/tables")
def tables(request: Request, asked: Asked, after: After, name: Text = "", value: Text = "") -> Response:
    """Rows of any published table in key order, those whose key begins with `value`; without `name` the tables.

    `after` is the key of the last row of the page before.
    """
    known = {table.name: table for table in PUBLISHED}
    with warehouse.reader() as reader:
        days = choose_day(reader, asked)
        if name not in known:
            status = 404 if name else 200
            return render(request, "tables.html", status=status, days=days, tables=list(known.values()), name=name)
        table = published_table(name)
        column = next(key for key in table.key if key != "as_of_date")
        equal: dict[str, Any] = {"as_of_date": days.day}
        if value and table.arrow_schema.field(column).type == TEXT:
            equal[column] = value.strip()
        rows = reader.table_rows(table, equal, PAGE_ROWS + 1, key_from(table, after))
        named = titles(reader, days.day, item_ids(rows))
    return render(
        request,
        "table.html",
        days=days,
        table=table,
        column=column,
        rows=rows[:PAGE_ROWS],
        following=key_of(table, rows[PAGE_ROWS - 1]) if len(rows) > PAGE_ROWS else [],
        begun=bool(after),
        value=value,
        named=named,
    )


@app.get("/report")
def report(request: Request, asked: Asked) -> Response:
    """The report that the day's run left in the lake: one file, which may style itself and nothing else."""
    with warehouse.reader() as reader:
        days = choose_day(reader, asked)
    text = read_report(days.day)
    if text is None:
        said = f"There is no report of {days.day}, or this server does not see the lake (RECSYS_LAKE)."
        return render(request, "error.html", status=404, said=said)
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
    return Response(text, media_type="text/html", headers={"Content-Security-Policy": policy})


@app.get("/{name}.{kind}")
def static(name: str, kind: str) -> Response:
    """Style, script and icons."""
    known = {path.name: path for path in (FOLDER / "static").iterdir()}
    file = known.get(f"{name}.{kind}")
    if file is None:
        raise HTTPException(404)
    return FileResponse(file)


@app.exception_handler(HTTPException)
async def refuse(request: Request, error: HTTPException) -> Response:
    """An error as a page for people; who is not logged in is shown the way."""
    said = {
        401: "You are not logged in to Airflow, or your session has ended. Log in and open this page again.",
        403: f"Your role may not see the DAG {DAG}, and so not its results.",
        404: "There is no such page.",
    }.get(error.status_code, str(error.detail))
    return render(request, "error.html", status=error.status_code, said=said)


@app.exception_handler(NoSuchDayError)
async def no_such_day(request: Request, error: NoSuchDayError) -> Response:
    """A day that is not published."""
    return render(request, "error.html", status=404, said=str(error))


@app.exception_handler(UnavailableError)
async def unavailable(request: Request, error: UnavailableError) -> Response:
    """The warehouse cannot be read."""
    return render(request, "error.html", status=503, said=str(error))


@app.exception_handler(RequestValidationError)
async def unreadable(request: Request, error: RequestValidationError) -> Response:
    """A value in the address that cannot be what it should be."""
    said = "; ".join(f"{problem['loc'][-1]}: {problem['msg']}" for problem in error.errors())
    return render(request, "error.html", status=400, said=said)

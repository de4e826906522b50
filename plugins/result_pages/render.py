"""Templates to pages: values are escaped, numbers and empty values look the same everywhere."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlsplit

from fastapi import Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from plugins.result_pages.warehouse import Row
from recsys.schemas import Table

_TABS = (("", "Overview"), ("users", "Users"), ("items", "Items"), ("bundles", "Bundles"), ("tables", "Tables"))

_LEADING = ("item_id", "user_id", "bundle_id")
"""Ends of the names of columns whose values have a page of their own."""


def render(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """The page `template` with `values`."""
    place = request.url.path.rstrip("/").rpartition("/")[2]
    place = place if place in {tab for tab, _ in _TABS} else ""
    root = request.scope.get("root_path", "").removesuffix("/recommendations")
    values = {"days": None, **values}
    text = _ENVIRONMENT.get_template(template).render(tabs=_TABS, place=place, airflow=f"{root}/", **values)
    return Response(text, status, media_type="text/html")


def shown(value: Any, places: int = 3) -> str:
    """`value` as people read it: thousands apart, few digits, a dash where there is none."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return _number(value, places)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    return str(value)


def _number(value: float, places: int) -> str:
    if value and abs(value) < 10**-places:
        return f"{value:.2g}"
    return f"{value:,.{places}f}" if abs(value) < 1000 else f"{value:,.0f}"


def link(place: str, /, **values: Any) -> str:
    """A relative address of one of the pages; empty values are left out, except those of a list, which has places."""
    kept = [
        f"{name}={quote_plus(str(each))}"
        for name, value in values.items()
        for each in (value if isinstance(value, list) else [value] if value is not None and value != "" else [])
    ]
    return f"{place or './'}?{'&'.join(kept)}" if kept else place or "./"


def picture(address: str | None) -> str | None:
    """`address` if a browser can show it as a picture of the shop, else None."""
    try:
        return address if address and urlsplit(address).scheme in {"http", "https"} else None
    except ValueError:
        # Such as a bracket in the host: the shop's own text, which must not take the page with it.
        return None


def columns(rows: list[dict[str, Any]], table: Table) -> list[tuple[str, str, bool]]:
    """Name, meaning and whether it leads to a page, of the columns of `rows` that a reader wants to see, in order."""
    meanings = {column.name: column.meaning for column in table.columns}
    hidden = {"as_of_date", "model_version", "checksum"}
    names = [name for name in (rows[0] if rows else meanings) if name not in hidden]
    return [(name, meanings.get(name, ""), name.endswith(_LEADING)) for name in names]


LONGEST_NAME = 120
"""Characters of a title or id that a link shows; a row of a list may be thousands long."""


def item_link(item_id: str | None, day: date, named: dict[str, Row], title: str | None = None) -> Markup:
    """The link to the page of an item, after its picture where the shop has one; a dash when there is none."""
    if not item_id:
        return Markup("–")
    known, image = named.get(item_id, {}), ""
    if address := picture(known.get("image_url")):
        image = f'<img class="small" src="{escape(address)}" alt="" loading="lazy" referrerpolicy="no-referrer">'
    return Markup(image) + _anchor(link("items", day=day, item_id=item_id), title or known.get("title") or item_id)


def cells(row: Row, shown_columns: list[tuple[str, str, bool]], day: date, named: dict[str, Row]) -> Markup:
    """A row of a table under `shown_columns`; not in a template, where a thousand cells cost more than all else."""
    parts = []
    for name, _, leads in shown_columns:
        value = row[name]
        inner = _leading(name, value, day, named) if leads and value else escape(shown(value))
        parts.append(f'<td class="n">{inner}</td>' if is_number(value) else f"<td>{inner}</td>")
    return Markup("".join(parts))


def _leading(name: str, value: str, day: date, named: dict[str, Row]) -> Markup:
    if name.endswith("item_id"):
        return item_link(value, day, named)
    if name.endswith("user_id"):
        return _anchor(link("users", day=day, user_id=value), value)
    return _anchor(link("bundles", day=day, bundle_id=value), value[:10])


def _anchor(target: str, text: str) -> Markup:
    shown_text = text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"
    return Markup(f'<a href="{escape(target)}">{escape(shown_text)}</a>')


def is_number(value: Any) -> bool:
    """Whether `value` stands on the right of its column."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def polyline(rows: list[dict[str, Any]], first: date, last: date, highest: float) -> str:
    """`value` of `rows` by as_of_date as the points of an SVG polyline, 600 wide and 120 high."""
    span = max((last - first).days, 1)
    points = (((row["as_of_date"] - first).days / span, row["value"] / (highest or 1)) for row in rows)
    return " ".join(f"{across * 600:.1f},{120 - up * 110:.1f}" for across, up in points)


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).resolve().parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters["shown"] = shown
_ENVIRONMENT.globals.update(
    link=link, picture=picture, columns=columns, item_link=item_link, cells=cells, polyline=polyline
)
_ENVIRONMENT.tests["number"] = is_number

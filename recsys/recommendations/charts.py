"""Plots as SVG text, for files that must stand alone: bars and intervals beside names, lines over days with theirs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

COLOURS = ("#2a6f97", "#c1666b", "#4f772d", "#8d6a9f", "#b07d2b", "#5c677d", "#1b998b", "#d1495b")
_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 640, 220, 48, 24
_BAR, _LABELS = 22, 260


@dataclass(frozen=True)
class Point:
    """A value of a day, with the ends of its interval where it has one."""

    day: date
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Interval:
    """A value between the ends of its interval, the limit below which it fails, and whether it does."""

    name: str
    value: float
    low: float
    high: float
    limit: float
    passed: bool = True


def bars(rows: Sequence[tuple[str, float, str]], *, logarithmic: bool = False) -> str:
    """One bar for each row (name, value, the value as text), the longest as wide as the plot."""
    sizes = [math.log10(max(value, 0) + 1) if logarithmic else max(value, 0.0) for _, value, _ in rows]
    longest = max(sizes, default=0.0) or 1.0
    parts = []
    for place, ((name, _, text), size) in enumerate(zip(rows, sizes, strict=True)):
        y, width = place * _BAR, size / longest * 320
        parts.append(
            f'<text x="200" y="{y + 15}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="208" y="{y + 3}" width="{width:.1f}" height="16" fill="{COLOURS[0]}"/>'
            f'<text x="{214 + width:.1f}" y="{y + 15}">{escape(text)}</text>'
        )
    return _svg("".join(parts), max(len(rows), 1) * _BAR + 4)


def intervals(rows: Sequence[Interval]) -> str:
    """A dot on its interval for each row, all on one scale, with a line at 0 and a dashed mark at the row's limit."""
    if not rows:
        return ""
    least, most = min(0.0, *(min(r.low, r.limit) for r in rows)), max(0.0, *(r.high for r in rows))
    span = (most - least) or 1.0

    def x(value: float) -> str:
        return f"{_LABELS + 8 + (_WIDTH - _LABELS - 80) * (value - least) / span:.1f}"

    height = len(rows) * _BAR
    parts = [f'<line x1="{x(0)}" x2="{x(0)}" y1="0" y2="{height}" stroke="#999"/>']
    for place, row in enumerate(rows):
        y, colour = place * _BAR + 11, COLOURS[0] if row.passed else COLOURS[-1]
        ends = f'y1="{y - 8}" y2="{y + 8}" stroke="#666" stroke-dasharray="3 2"'
        parts.append(
            f'<text x="{_LABELS}" y="{y + 4}" text-anchor="end">{escape(row.name)}</text>'
            f'<line class="limit" x1="{x(row.limit)}" x2="{x(row.limit)}" {ends}/>'
            f'<line x1="{x(row.low)}" x2="{x(row.high)}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2"/>'
            f'<circle cx="{x(row.value)}" cy="{y}" r="3.5" fill="{colour}"/>'
            f'<text x="{_WIDTH - 66}" y="{y + 4}">{row.value:+.4f}</text>'
        )
    return _svg("".join(parts), height + 4)


def lines(series: Sequence[tuple[str, Sequence[Point]]]) -> str:
    """A line and a band of intervals for each series (name, points in the order of their days), with a legend."""
    points = [point for _, own in series for point in own]
    if not points:
        return ""
    first, last = min(p.day for p in points), max(p.day for p in points)
    top = max(p.value if p.high is None else max(p.high, p.value) for p in points) or 1.0
    parts = [_axes(first, last, top)]
    for place, (name, own) in enumerate(series):
        colour = COLOURS[place % len(COLOURS)]
        parts.append(_band([p for p in own if p.low is not None], first, last, top, colour))
        line = " ".join(f"{_x(p.day, first, last):.1f},{_y(p.value, top):.1f}" for p in own)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        dots = (f'<circle cx="{_x(p.day, first, last):.1f}" cy="{_y(p.value, top):.1f}" r="2.5"/>' for p in own)
        parts.append(f'<g fill="{colour}">{"".join(dots)}</g>')
        parts.append(_legend(place, name, own, colour))
    return _svg("".join(parts), _HEIGHT + 18 * ((len(series) + 2) // 3))


def _svg(inside: str, height: int) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" role="img">{inside}</svg>'


def _x(day: date, first: date, last: date) -> float:
    span = (last - first).days
    return _LEFT + (_WIDTH - _LEFT - 12) * ((day - first).days / span if span else 0.5)


def _y(value: float, top: float) -> float:
    return (_HEIGHT - _BOTTOM) - (_HEIGHT - _BOTTOM - 10) * value / top


def _axes(first: date, last: date, top: float) -> str:
    parts = []
    for share in (0, 0.5, 1):
        y = _y(top * share, top)
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - 12}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{top * share:.3g}</text>')
    ends = (("start", first),) if first == last else (("start", first), ("end", last))
    for anchor, day in ends:
        parts.append(f'<text x="{_x(day, first, last):.1f}" y="{_HEIGHT - 6}" text-anchor="{anchor}">{day}</text>')
    return "".join(parts)


def _band(points: Sequence[Point], first: date, last: date, top: float, colour: str) -> str:
    if len(points) == 1:
        (one,) = points
        x = _x(one.day, first, last)
        ends = f'y1="{_y(one.low or 0, top):.1f}" y2="{_y(one.high or 0, top):.1f}"'
        return f'<line x1="{x:.1f}" x2="{x:.1f}" {ends} stroke="{colour}" stroke-width="1"/>'
    above = [f"{_x(p.day, first, last):.1f},{_y(p.high or 0, top):.1f}" for p in points]
    below = [f"{_x(p.day, first, last):.1f},{_y(p.low or 0, top):.1f}" for p in reversed(points)]
    return f'<polygon points="{" ".join(above + below)}" fill="{colour}" opacity="0.18"/>'


def _legend(place: int, name: str, own: Sequence[Point], colour: str) -> str:
    x, y = _LEFT + 200 * (place % 3), _HEIGHT + 14 + 18 * (place // 3)
    newest = f" {own[-1].value:.4g}" if own else ""
    mark = f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{colour}"/>'
    return f'{mark}<text x="{x + 14}" y="{y}">{escape(name + newest)}</text>'

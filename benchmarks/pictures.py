"""Line charts as SVG text: small enough for the repository, and the same bytes for the same numbers."""

from __future__ import annotations

from dataclasses import dataclass

WIDTH, HEIGHT = 720, 400
LEFT, TOP, RIGHT, BOTTOM = 70, 20, 190, 50
COLOURS = ("#1b6ca8", "#63a4cf", "#b5541c", "#e39a6a")
TICKS = 5


@dataclass(frozen=True)
class Curve:
    """A named line through points (x, y)."""

    name: str
    points: list[tuple[float, float]]


def line_chart(curves: list[Curve], x_title: str, y_title: str) -> str:
    """The chart of up to four curves, axes from the least to the largest value."""
    every = [point for curve in curves for point in curve.points]
    spans = [_span([point[axis] for point in every]) for axis in (0, 1)]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}"',
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        *_axes(spans, x_title, y_title),
    ]
    for number, curve in enumerate(curves):
        parts += _line(curve, COLOURS[number % len(COLOURS)], spans, TOP + 20 * number + 10)
    return "\n".join([*parts, "</svg>", ""])


def _span(values: list[float]) -> tuple[float, float]:
    least, most = min(values), max(values)
    room = (most - least) * 0.05 or abs(most) * 0.05 or 1.0
    return least - room, most + room


def _place(point: tuple[float, float], spans: list[tuple[float, float]]) -> tuple[float, float]:
    (left, right), (low, high) = spans
    x = LEFT + (point[0] - left) / (right - left) * (WIDTH - LEFT - RIGHT)
    y = HEIGHT - BOTTOM - (point[1] - low) / (high - low) * (HEIGHT - TOP - BOTTOM)
    return round(x, 1), round(y, 1)


def _axes(spans: list[tuple[float, float]], x_title: str, y_title: str) -> list[str]:
    parts = []
    (left, right), (low, high) = spans
    for step in range(TICKS):
        share = (step + 0.5) / TICKS
        x_value, y_value = left + share * (right - left), low + share * (high - low)
        x, y = _place((x_value, y_value), spans)
        parts.append(f'<line x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}" stroke="#dddddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{y_value:.3f}</text>')
        parts.append(f'<text x="{x}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{x_value:,.0f}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 10}" text-anchor="middle">{x_title}</text>')
    parts.append(
        f'<text x="16" y="{HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 16 {HEIGHT / 2})">{y_title}</text>'
    )
    return parts


def _line(curve: Curve, colour: str, spans: list[tuple[float, float]], legend: int) -> list[str]:
    places = [_place(point, spans) for point in curve.points]
    text = " ".join(f"{x},{y}" for x, y in places)
    dots = [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in places]
    beside = WIDTH - RIGHT + 10
    return [
        f'<polyline points="{text}" fill="none" stroke="{colour}" stroke-width="2"/>',
        *dots,
        f'<rect x="{beside}" y="{legend - 6}" width="10" height="4" fill="{colour}"/>',
        f'<text x="{beside + 15}" y="{legend}" font-size="10">{curve.name}</text>',
    ]

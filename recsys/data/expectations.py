"""What a run's input is expected to look like: each expectation once, with its bounds and what a breach means.

An expectation measures some values (none where there is too little to judge); each must lie within its bounds. A shop
changes bounds and severities by name in the settings `quality`; nothing else decides.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from recsys.config import ConfigError
from recsys.data.drift import drift_beyond_chance, price_level, share_drift, top_category, weekday_volume
from recsys.data.quality import Finding
from recsys.schemas import EVENTS, ITEMS, STOCK, USERS, Table
from recsys.settings.opening import OpeningSettings
from recsys.settings.quality import QualitySettings

SEVERITIES = ("stop", "warn", "info", "off")


@dataclass(frozen=True)
class Inputs:
    """What expectations look at.

    day      the newest day of events, the one before the as-of date
    events   the events in use, with `day`, the local date; newest: those of `day`; by_day: day, event_type, rows
    refused  refused event rows of the newest day
    tables   items, users and stock of the day; earlier: the same of an earlier day, where the lake has one
    lacked   columns of items of which neither the day nor one before, as far back as snapshot_days, has a value: the
             shop lacks them, which was told then
    """

    day: date
    events: pl.LazyFrame
    newest: pl.DataFrame
    by_day: pl.DataFrame
    refused: int
    tables: dict[str, pl.DataFrame]
    earlier: dict[str, pl.DataFrame]
    lacked: frozenset[str]
    settings: QualitySettings
    opening: OpeningSettings


Measured = list[tuple[str, float, str]]
"""Subject, value, the finding as a sentence."""


@dataclass(frozen=True)
class Expectation:
    """Values that `measure` gives must lie within [low, high]; `severity` is what a failure means."""

    table: Table
    check: str
    severity: str
    low: float
    high: float
    measure: Callable[[Inputs], Measured]

    @property
    def name(self) -> str:
        """As the settings call it, such as events.volume."""
        return f"{self.table.name}.{self.check}"


def expected(inputs: Inputs) -> list[Finding]:
    """All findings of EXPECTATIONS on `inputs`. Raises ConfigError for a setting that names no expectation."""
    findings = []
    for one in in_force(inputs.settings):
        for subject, value, message in one.measure(inputs):
            # Of two bounds the broken one, else the lower one where a value could fall below it.
            above = value > one.high or (one.low <= 0 and math.isfinite(one.high))
            limit = one.high if above or math.isinf(one.low) else one.low
            passed = one.low <= value <= one.high
            findings.append(Finding(one.table.name, one.check, message, value, limit, subject, one.severity, passed))
    return findings


def in_force(settings: QualitySettings) -> list[Expectation]:
    """EXPECTATIONS with the settings' severities and limits, without those that are off.

    Raises ConfigError for a name that is not declared, another severity, or bounds that are no numbers.
    """
    declared = {one.name: one for one in EXPECTATIONS}
    for text in settings.severities:
        name, _, severity = (part.strip() for part in text.partition("="))
        if severity not in SEVERITIES:
            raise ConfigError(f"quality.severities: {text!r}: write table.check=one of {', '.join(SEVERITIES)}")
        declared[name] = dataclasses.replace(_declared(declared, name), severity=severity)
    for text in settings.limits:
        name, _, bounds = (part.strip() for part in text.partition("="))
        low, _, high = bounds.partition(":")
        try:
            lowest, highest = float(low or -math.inf), float(high or math.inf)
        except ValueError as error:
            raise ConfigError(f"quality.limits: {text!r}: write table.check=lowest:highest") from error
        declared[name] = dataclasses.replace(_declared(declared, name), low=lowest, high=highest)
    return [one for one in declared.values() if one.severity != "off"]


def _declared(declared: dict[str, Expectation], name: str) -> Expectation:
    if name not in declared:
        raise ConfigError(f"quality: no check is called {name!r}; known: {', '.join(sorted(declared))}")
    return declared[name]


def _volume(inputs: Inputs) -> Measured:
    found = []
    for event_type in inputs.by_day["event_type"].unique().sort():
        rows = dict(inputs.by_day.filter(pl.col("event_type") == event_type).select("day", "rows").iter_rows())
        told = weekday_volume(rows, inputs.day, inputs.settings.weeks, inputs.opening)
        if told is None or told[1] < inputs.settings.min_rows:
            continue
        if inputs.opening.on_sale(inputs.day) and told[0] > 1:
            continue  # That many come is what the sale is for; that few come is still worth knowing.
        text = f"{rows.get(inputs.day, 0)} {event_type} events on {inputs.day:%A} {inputs.day}, usually {told[1]:.0f}"
        found.append((event_type, told[0], text))
    return found


def _price_level(inputs: Inputs) -> Measured:
    level, rows = price_level(inputs.newest, inputs.events.filter(pl.col("day") < inputs.day))
    if rows < inputs.settings.min_rows:
        return []
    return [("unit_price", level, f"prices of {inputs.day} are {level:.2f} times those before, item by item")]


def _list_price_level(inputs: Inputs) -> Measured:
    items = inputs.tables[ITEMS.name].select("item_id", unit_price="list_price")
    level, rows = price_level(items, inputs.events)
    if rows < inputs.settings.min_rows:
        return []
    return [("list_price", level, f"list prices are {level:.2f} times the prices paid, item by item")]


def _refused_share(inputs: Inputs) -> Measured:
    total = len(inputs.newest) + inputs.refused
    if total < inputs.settings.min_rows:
        return []
    return [(str(inputs.day), inputs.refused / total, f"{inputs.refused} of {total} rows of {inputs.day} were refused")]


def _repeated_rows(inputs: Inputs) -> Measured:
    if len(inputs.newest) < inputs.settings.min_rows:
        return []
    content = [name for name in EVENTS.column_names if name not in ("event_id", "ingested_at")]
    share = 1 - inputs.newest.select(pl.struct(content).n_unique()).item() / len(inputs.newest)
    return [("", share, f"{share:.1%} of the rows of {inputs.day} repeat another one under a new event_id")]


def _event_categories(inputs: Inputs) -> Measured:
    items = inputs.tables[ITEMS.name]
    start = inputs.day - timedelta(days=inputs.settings.recent_days - 1)
    first = start - timedelta(days=inputs.settings.before_days)
    window = inputs.events.filter(pl.col("day") >= first).select("item_id", "day").collect()
    named = window.join(items.select("item_id", group=top_category(items["category_path"])), on="item_id", how="left")
    before, after = named.filter(pl.col("day") < start), named.filter(pl.col("day") >= start)
    if min(len(before), len(after)) < 10 * inputs.settings.min_rows or before["day"].n_unique() < 7:
        return []
    drift = drift_beyond_chance(before["group"], after["group"])
    text = f"categories of the newest {inputs.settings.recent_days} days: PSI {drift:.3f} beyond what chance gives"
    return [("category_path", drift, text)]


def _unpriced(inputs: Inputs) -> Measured:
    # Few shops note a price with a view.
    bought = inputs.newest.filter(pl.col("event_type") == "purchase")
    if len(bought) < inputs.settings.min_rows:
        return []
    share = bought["unit_price"].null_count() / len(bought)
    if share == 1 and _never_priced(inputs):
        return []
    return [("unit_price", share, f"{share:.1%} of the purchases of {inputs.day} have no price")]


def _never_priced(inputs: Inputs) -> bool:
    """Whether the shop notes no prices, as was told on the first day: no purchase before the newest day has one."""
    before = inputs.events.filter(pl.col("event_type") == "purchase", pl.col("day") < inputs.day)
    priced = before.select(pl.col("unit_price").is_not_null().any()).collect().item()
    return bool(inputs.earlier) and not priced


def _nulls(table: Table, *columns: str) -> Callable[[Inputs], Measured]:
    def measure(inputs: Inputs) -> Measured:
        frame = inputs.tables[table.name]
        if len(frame) < inputs.settings.min_rows:
            return []
        shares = {name: frame[name].null_count() / len(frame) for name in columns}
        return [
            (name, share, f"{share:.1%} of {name} is null")
            for name, share in shares.items()
            if share < 1 or name not in inputs.lacked
        ]

    return measure


def _share(table: Table, subject: str, wrong: pl.Expr, words: str) -> Callable[[Inputs], Measured]:
    def measure(inputs: Inputs) -> Measured:
        values = inputs.tables[table.name].select(wrong).to_series().drop_nulls()
        if len(values) < inputs.settings.min_rows:
            return []
        share = float(values.mean())  # type: ignore[arg-type]
        return [(subject, share, f"{share:.1%} of {table.name} {words}")]

    return measure


def _rows_change(table: Table) -> Callable[[Inputs], Measured]:
    def measure(inputs: Inputs) -> Measured:
        before = inputs.earlier.get(table.name)
        if before is None or len(before) < inputs.settings.min_rows:
            return []
        rows = len(inputs.tables[table.name])
        return [("", rows / len(before), f"{rows} rows, {len(before)} on an earlier day")]

    return measure


def _drift(table: Table, column: str) -> Callable[[Inputs], Measured]:
    def measure(inputs: Inputs) -> Measured:
        now, before = inputs.tables[table.name], inputs.earlier.get(table.name)
        if before is None or min(len(now), len(before)) < inputs.settings.min_rows:
            return []
        # Both at once: the depth of the category must be the same for the two.
        both = pl.concat([before[column], now[column]])
        groups = top_category(both) if column == "category_path" else both
        drift = share_drift(groups.head(len(before)), groups.tail(len(now)))
        return [(column, drift, f"{column} against an earlier day: PSI {drift:.3f}")]

    return measure


def _categories_changed(inputs: Inputs) -> Measured:
    before = inputs.earlier.get(ITEMS.name)
    if before is None:
        return []
    both = inputs.tables[ITEMS.name].join(before.select("item_id", was="category_path"), on="item_id")
    if len(both) < inputs.settings.min_rows:
        return []
    changed = both.filter(pl.col("category_path").ne_missing(pl.col("was")))
    share = len(changed) / len(both)
    text = f"{share:.1%} of the items changed their category"
    if len(changed):
        old, new, _ = changed.group_by("was", "category_path").len().sort("len", "was", descending=[True, False]).row(0)
        text += f", most often from {old!r} to {new!r}"
    return [("category_path", share, text)]


def _stock_age(inputs: Inputs) -> Measured:
    counted = inputs.tables[STOCK.name]["snapshot_date"].sort().to_list()
    if not counted:
        return []
    return [("", float((inputs.day - counted[-1]).days), f"the newest stock count is of {counted[-1]}")]


def _price_wrong() -> pl.Expr:
    return pl.col("list_price") <= 0


EXPECTATIONS = (
    Expectation(EVENTS, "volume", "stop", 0.15, 10.0, _volume),
    Expectation(EVENTS, "volume_unusual", "warn", 0.4, 2.5, _volume),
    Expectation(EVENTS, "price_level", "stop", 0.2, 5.0, _price_level),
    Expectation(EVENTS, "price_level_unusual", "warn", 0.67, 1.5, _price_level),
    Expectation(EVENTS, "refused_of_newest_day", "stop", 0.0, 0.3, _refused_share),
    Expectation(EVENTS, "repeated_rows", "warn", 0.0, 0.02, _repeated_rows),
    Expectation(EVENTS, "nulls", "warn", 0.0, 0.5, _unpriced),
    Expectation(EVENTS, "category_drift", "warn", 0.0, 0.25, _event_categories),
    Expectation(ITEMS, "nulls", "warn", 0.0, 0.5, _nulls(ITEMS, "title", "category_path", "list_price")),
    Expectation(ITEMS, "price_level", "stop", 0.1, 10.0, _list_price_level),
    Expectation(ITEMS, "not_positive", "warn", 0.0, 0.05, _share(ITEMS, "list_price", _price_wrong(), "cost nothing")),
    Expectation(
        ITEMS,
        "cost_above_price",
        "warn",
        0.0,
        0.2,
        _share(ITEMS, "unit_cost", pl.col("unit_cost") > pl.col("list_price"), "cost the shop more than their price"),
    ),
    Expectation(ITEMS, "rows_change", "stop", 0.5, 3.0, _rows_change(ITEMS)),
    Expectation(ITEMS, "category_drift", "warn", 0.0, 0.25, _drift(ITEMS, "category_path")),
    Expectation(ITEMS, "categories_changed", "warn", 0.0, 0.02, _categories_changed),
    Expectation(USERS, "rows_change", "stop", 0.5, 3.0, _rows_change(USERS)),
    Expectation(USERS, "segment_drift", "warn", 0.0, 0.25, _drift(USERS, "segment")),
    Expectation(STOCK, "freshness_days", "warn", -math.inf, 3.0, _stock_age),
    Expectation(
        STOCK, "negative", "warn", 0.0, 0.05, _share(STOCK, "on_hand", pl.col("on_hand") < 0, "counts are below zero")
    ),
)

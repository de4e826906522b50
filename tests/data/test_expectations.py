"""A day that is not like the others is stopped or warned of, as declared; an ordinary one passes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import pytest

from recsys import schemas
from recsys.config import ConfigError, Environment, Settings
from recsys.data.check import check_extracts, check_names
from recsys.data.expectations import EXPECTATIONS, in_force
from recsys.run import Accepted, RunContext, RunError
from recsys.settings.data import DataSettings
from recsys.settings.opening import OpeningSettings
from recsys.settings.quality import QualitySettings
from recsys.storage import read_partition, write_partition

AS_OF = date(2024, 3, 10)
DAYS = 30
CATEGORIES = ["FOOD > MILK", "FOOD > BREAD", "HOME > SOAP", "PETS > CAT"]
Frames = dict[str, pl.DataFrame]


def empty(table: schemas.Table) -> pl.DataFrame:
    return pl.DataFrame(table.arrow_schema.empty_table())


def filled(table: schemas.Table, rows: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([empty(table), rows], how="diagonal_relaxed").select(table.column_names)


def day_of_events(day: date, rows: int = 100) -> pl.DataFrame:
    at = datetime(day.year, day.month, day.day, 12, tzinfo=timezone.utc)
    numbers = pl.DataFrame({"n": range(rows)})
    moment = (pl.lit(at) + pl.duration(seconds=pl.col("n"))).cast(pl.Datetime("us", "UTC"))
    return filled(
        schemas.EVENTS,
        numbers.select(
            pl.format("{}:{}", pl.lit(str(day)), "n").alias("event_id"),
            pl.format("u{}", pl.col("n") % 10).alias("user_id"),
            pl.format("i{}", pl.col("n") % 40).alias("item_id"),
            pl.lit("purchase").alias("event_type"),
            pl.lit(1.0).alias("quantity"),
            (2.0 + pl.col("n") % 40).alias("unit_price"),
            moment.alias("occurred_at"),
            moment.alias("ingested_at"),
        ),
    )


def tables(day: date) -> Frames:
    numbers = pl.DataFrame({"n": range(40)})
    shown = {"snapshot_date": pl.lit(day)}
    items = numbers.select(
        pl.format("i{}", "n").alias("item_id"),
        pl.format("Item {}", "n").alias("title"),
        pl.Series(CATEGORIES).gather(numbers["n"] % 4).alias("category_path"),
        (2.0 + pl.col("n")).alias("list_price"),
        (1.0 + pl.col("n")).alias("unit_cost"),
        **shown,
    )
    users = numbers.select(
        pl.format("u{}", "n").alias("user_id"), pl.lit("all").alias("segment"), pl.lit(True).alias("consent"), **shown
    )
    stock = items.select(
        "item_id", pl.lit(day - timedelta(days=1)).alias("snapshot_date"), pl.lit(5.0).alias("on_hand")
    )
    return {
        "items": filled(schemas.ITEMS, items),
        "users": filled(schemas.USERS, users),
        "stock": filled(schemas.STOCK, stock),
    }


def write_events(lake: RunContext, day: date, events: pl.DataFrame) -> None:
    rows = len(events)
    write_partition(lake.lake, schemas.EVENTS, events, date=day)
    write_partition(lake.lake, schemas.REJECTED_EVENTS, empty(schemas.REJECTED_EVENTS), date=day)
    mark = pl.DataFrame(
        {"day": [day], "source_rows": [rows], "kept_rows": [rows], "rejected_rows": [0], "fingerprint": ["x"]}
    )
    write_partition(lake.lake, schemas.EXTRACTED_DAYS, mark, date=day)


def write_tables(lake: RunContext, day: date, frames: Frames) -> None:
    declared = {"items": schemas.ITEMS, "users": schemas.USERS, "stock": schemas.STOCK}
    for name, frame in frames.items():
        write_partition(lake.lake, declared[name], frame, as_of_date=day)
    write_partition(lake.lake, schemas.REJECTED_SNAPSHOTS, empty(schemas.REJECTED_SNAPSHOTS), as_of_date=day)


@pytest.fixture
def run(tmp_path: Path) -> RunContext:
    """A checked-in lake of 30 ordinary days, the snapshots of the as-of date and of the day before."""
    settings = Settings(data=DataSettings(look_back_days=DAYS))
    context = RunContext(AS_OF, Environment("", "", str(tmp_path)), settings, "test")
    for offset in range(1, DAYS + 1):
        day = AS_OF - timedelta(days=offset)
        write_events(context, day, day_of_events(day))
    for day in (AS_OF - timedelta(days=1), AS_OF):
        write_tables(context, day, tables(day))
    return context


NEWEST = AS_OF - timedelta(days=1)


def failed(run: RunContext) -> set[tuple[str, str, str]]:
    rows = read_partition(run.lake, schemas.DATA_QUALITY, as_of_date=AS_OF).filter(~pl.col("passed"))
    return set(rows.select("severity", "table_name", "check_name").iter_rows())


def test_an_ordinary_day_passes_every_check(run: RunContext) -> None:
    check_extracts(run)
    rows = read_partition(run.lake, schemas.DATA_QUALITY, as_of_date=AS_OF)
    assert failed(run) == set()
    measured = {f"{table}.{check}" for table, check in rows.select("table_name", "check_name").iter_rows()}
    assert {one.name for one in EXPECTATIONS} <= measured
    bounds = dict(rows.select(pl.format("{}.{}", "table_name", "check_name"), "threshold").iter_rows())
    assert {name: bounds[name] for name in ("events.volume", "items.nulls", "stock.freshness_days")} == {
        "events.volume": 0.15,
        "items.nulls": 0.5,
        "stock.freshness_days": 3.0,
    }


def test_contacts_and_responses_of_what_the_shop_does_not_know_are_warned_of(run: RunContext) -> None:
    """Where campaigns have other ids than contacts do, audiences would be of nobody, without a word."""
    at = datetime(2024, 3, 1, tzinfo=timezone.utc)
    campaigns = pl.DataFrame({"campaign_id": ["c1"], "starts_at": [at], "ends_at": [at]})
    contacts = pl.DataFrame({"campaign_id": ["c1"], "user_id": ["u1"], "contacted_at": [at]})
    responses = pl.DataFrame({"campaign_id": ["c1", "C2"], "user_id": ["u1", "stranger"], "responded_at": [at, at]})
    told = ((schemas.CAMPAIGNS, campaigns), (schemas.CONTACTS, contacts), (schemas.RESPONSES, responses))
    for table, frame in told:
        write_partition(run.lake, table, filled(table, frame).sort(table.key), as_of_date=AS_OF)
    check_extracts(run)
    rows = read_partition(run.lake, schemas.DATA_QUALITY, as_of_date=AS_OF)
    gaps = rows.filter(
        (pl.col("check_name") == "missing_from_table") & pl.col("table_name").is_in(["contacts", "responses"])
    )
    assert gaps.select("table_name", "subject", "value", "passed").rows() == [
        ("contacts", "campaign_id", 0.0, True),
        ("contacts", "user_id", 0.0, True),
        ("responses", "campaign_id", 0.5, False),
        ("responses", "user_id", 0.5, False),
    ]
    assert "50.00% of responses have a campaign_id that campaigns lacks" in gaps["message"].to_list()


def test_a_tenth_of_the_events_stops_the_run(run: RunContext) -> None:
    write_events(run, NEWEST, day_of_events(NEWEST, 10))
    with pytest.raises(RunError, match="10 purchase events on Saturday 2024-03-09, usually 100"):
        check_extracts(run)
    assert ("stop", "events", "volume") in failed(run)


def test_a_day_without_any_event_stops_the_run(run: RunContext) -> None:
    write_events(run, NEWEST, empty(schemas.EVENTS))
    with pytest.raises(RunError, match="0 purchase events"):
        check_extracts(run)


def test_a_closed_day_without_any_event_stops_nothing(run: RunContext) -> None:
    write_events(run, NEWEST, empty(schemas.EVENTS))
    closed = replace(run.settings, opening=OpeningSettings((f"{NEWEST:%m-%d}",)))
    check_extracts(replace(run, settings=closed))
    assert failed(run) == set()


def test_the_rush_of_a_sale_stops_nothing_and_its_absence_does(run: RunContext) -> None:
    write_events(run, NEWEST, day_of_events(NEWEST, 2000))
    with pytest.raises(RunError, match="2000 purchase events"):
        check_extracts(run)
    told = replace(run, settings=replace(run.settings, opening=OpeningSettings(sale_days=(f"{NEWEST:%m-%d}",))))
    check_extracts(told)
    assert {finding for finding in failed(told) if "volume" in finding[2]} == set()
    write_events(run, NEWEST, day_of_events(NEWEST, 10))
    with pytest.raises(RunError, match="10 purchase events"):
        check_extracts(told)


def test_a_renamed_category_is_warned_of(run: RunContext) -> None:
    items = tables(AS_OF)["items"]
    renamed = pl.col("category_path").str.replace("FOOD > MILK", "FOOD > DAIRY", literal=True)
    write_tables(run, AS_OF, {"items": items.with_columns(renamed)})
    check_extracts(run)
    assert ("warn", "items", "categories_changed") in failed(run)
    rows = read_partition(run.lake, schemas.DATA_QUALITY, as_of_date=AS_OF)
    (message,) = rows.filter(pl.col("check_name") == "categories_changed")["message"]
    assert message == "25.0% of the items changed their category, most often from 'FOOD > MILK' to 'FOOD > DAIRY'"


def test_prices_times_a_hundred_stop_the_run(run: RunContext) -> None:
    events = day_of_events(NEWEST).with_columns(pl.col("unit_price") * 100)
    write_events(run, NEWEST, events)
    with pytest.raises(RunError, match=r"are 100\.00 times those before"):
        check_extracts(run)
    assert failed(run) == {("stop", "events", "price_level"), ("warn", "events", "price_level_unusual")}


def test_purchases_without_a_price_are_warned_of_and_views_may_have_none(run: RunContext) -> None:
    events, number = day_of_events(NEWEST), pl.int_range(pl.len())
    others = [
        events.with_columns(
            event_id=pl.format("{} {}", pl.lit(kind), number),
            event_type=pl.lit(kind),
            unit_price=pl.lit(None, pl.Float64),
        )
        for kind in ("view", "cart")
    ]
    write_events(run, NEWEST, pl.concat([events, *others]).sort("occurred_at", "event_id"))
    check_extracts(run)
    assert failed(run) == set()
    most = events.with_columns(unit_price=pl.when(number % 5 == 0).then("unit_price"))
    write_events(run, NEWEST, most)
    check_extracts(run)
    assert ("warn", "events", "nulls") in failed(run)
    rows = read_partition(run.lake, schemas.DATA_QUALITY, as_of_date=AS_OF).filter(pl.col("table_name") == "events")
    (message,) = rows.filter(pl.col("check_name") == "nulls")["message"]
    assert message == f"80.0% of the purchases of {NEWEST} have no price"


def test_what_the_shop_lacks_is_told_on_the_first_day_alone(run: RunContext) -> None:
    nothing = {name: pl.lit(None, pl.Float64) for name in ("unit_price", "list_price")}
    for n in range(1, DAYS + 1):
        day = AS_OF - timedelta(days=n)
        write_events(run, day, day_of_events(day).with_columns(unit_price=nothing["unit_price"]))
    unpriced = {"items": tables(AS_OF)["items"].with_columns(list_price=nothing["list_price"])}
    write_tables(run, AS_OF, unpriced)
    check_extracts(run)
    assert ("warn", "items", "nulls") in failed(run)
    write_tables(run, AS_OF - timedelta(days=1), unpriced)
    check_extracts(run)
    assert failed(run) == set()
    # What was there a few days ago is lost, and not lacked.
    write_tables(run, AS_OF - timedelta(days=5), tables(AS_OF - timedelta(days=5)))
    check_extracts(run)
    assert failed(run) == {("warn", "items", "nulls")}


def test_list_prices_times_a_hundred_stop_the_run(run: RunContext) -> None:
    write_tables(run, AS_OF, {"items": tables(AS_OF)["items"].with_columns(pl.col("list_price") * 100)})
    with pytest.raises(RunError, match=r"list prices are 100\.00 times the prices paid"):
        check_extracts(run)


def test_rows_loaded_twice_under_new_ids_are_warned_of(run: RunContext) -> None:
    events = day_of_events(NEWEST)
    again = events.with_columns(pl.format("again {}", "event_id").alias("event_id"))
    write_events(run, NEWEST, pl.concat([events, again]).sort("occurred_at", "event_id"))
    check_extracts(run)
    assert failed(run) == {("warn", "events", "repeated_rows")}


def test_half_of_the_catalogue_gone_and_old_stock(run: RunContext) -> None:
    frames = tables(AS_OF)
    old = frames["stock"].with_columns(pl.lit(AS_OF - timedelta(days=9)).alias("snapshot_date"))
    write_tables(run, AS_OF, {"items": frames["items"].head(19), "stock": old})
    with pytest.raises(RunError, match="19 rows, 40 on an earlier day"):
        check_extracts(run)
    assert ("warn", "stock", "freshness_days") in failed(run)


def test_a_stopped_day_is_not_what_the_next_one_is_compared_with(run: RunContext) -> None:
    """The catalogue that lost its half yesterday and was stopped is as wrong today, though nothing changed since."""
    yesterday = AS_OF - timedelta(days=1)
    write_tables(run, yesterday - timedelta(days=1), tables(yesterday))
    for day in (yesterday, AS_OF):
        write_tables(run, day, {"items": tables(day)["items"].head(19)})
        with pytest.raises(RunError, match="19 rows, 40 on an earlier day"):
            check_extracts(replace(run, as_of_date=day))
    let_pass = Accepted(("items.rows_change",), "anna", "the range was cut")
    check_extracts(replace(run, as_of_date=yesterday, accepted=let_pass))
    check_extracts(run)


def test_a_shop_decides_what_stops_it(run: RunContext) -> None:
    write_events(run, NEWEST, day_of_events(NEWEST, 10))
    quality = QualitySettings(severities=("events.volume=warn", "events.volume_unusual=off"))
    lenient = replace(run, settings=replace(run.settings, quality=quality))
    check_extracts(lenient)
    assert failed(lenient) == {("warn", "events", "volume")}
    wide = replace(run, settings=replace(run.settings, quality=QualitySettings(limits=("events.volume=0.05:",))))
    check_extracts(wide)
    assert failed(wide) == {("warn", "events", "volume_unusual")}


def test_a_person_lets_a_failed_check_pass_and_is_named(run: RunContext) -> None:
    write_events(run, NEWEST, day_of_events(NEWEST, 10))
    with pytest.raises(RunError, match=r"\(accept events.volume to let it pass\)"):
        check_extracts(run)
    assert {f"{table}.{check}" for severity, table, check in failed(run) if severity == "stop"} <= set(check_names())
    check_extracts(replace(run, accepted=Accepted(("events.volume",), "anna", "the shop was closed")))
    assert ("warn", "events", "volume") in failed(run)
    rows = read_partition(run.lake, schemas.DATA_QUALITY, as_of_date=AS_OF)
    (message,) = rows.filter(pl.col("check_name") == "volume")["message"]
    assert message.endswith("; accepted by anna: the shop was closed")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"severities": ("events.volumes=warn",)}, "no check is called 'events.volumes'"),
        ({"severities": ("events.volume=loud",)}, "write table.check=one of"),
        ({"limits": ("events.volume=low:high",)}, "lowest:highest"),
    ],
)
def test_a_setting_that_fits_no_check_is_an_error(changes: dict[str, tuple[str, ...]], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        in_force(QualitySettings(**changes))  # type: ignore[arg-type]

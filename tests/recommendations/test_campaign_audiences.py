"""The step on a lake: three ways for a running and a coming campaign, as of the day, the same bytes each time."""

from __future__ import annotations

import dataclasses
import logging
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from recsys import schemas
from recsys.recommendations.campaign_audiences import build_campaign_audiences
from recsys.run import Counts, RunContext
from recsys.settings.opening import OpeningSettings
from recsys.storage import file_checksum, partition_path, read_partition, write_partition
from tests.audience_shop import (
    AS_OF_DATE,
    EACH,
    SETTINGS,
    campaign_rows,
    contacts,
    day,
    events,
    filled,
    lake_context,
    responses,
    targets,
    write_lake,
)

MADE = (schemas.CAMPAIGN_AUDIENCES, schemas.AUDIENCE_RESULTS)
DAY = {"as_of_date": AS_OF_DATE}


def checksums(context: RunContext) -> list[str]:
    key = {"as_of_date": context.as_of_date}
    return [file_checksum(context.lake, partition_path(table.name, **key)) for table in MADE]


def audiences(context: RunContext) -> pl.DataFrame:
    return read_partition(context.lake, schemas.CAMPAIGN_AUDIENCES, as_of_date=context.as_of_date)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunContext, Counts]:
    context = lake_context(tmp_path_factory.mktemp("lake"))
    write_lake(context)
    return context, build_campaign_audiences(context)


def users_of(context: RunContext, campaign_id: str, way: str) -> list[str]:
    own = audiences(context).filter((pl.col("campaign_id") == campaign_id) & (pl.col("way") == way))
    return own.sort("rank")["user_id"].to_list()


def test_every_way_makes_the_audience_it_should(built: tuple[RunContext, Counts]) -> None:
    context, counts = built
    assert counts["audiences"] == 5
    assert counts["too_small"] == 0
    for campaign_id in ("running", "coming"):
        # Three in ten of the 239 users who may be asked; nine in ten fans answered before.
        best = users_of(context, campaign_id, "response")
        assert len(best) == 72
        assert all(user.startswith("fan") for user in best[:54])
        assert not {user for user in users_of(context, campaign_id, "affinity") if user.startswith(("cleaner",))}
    assert set(audiences(context)["campaign_id"]) == {"running", "coming"}


def test_rows_say_why_and_from_what(built: tuple[RunContext, Counts]) -> None:
    rows = audiences(built[0])
    best = rows.filter((pl.col("campaign_id") == "coming") & (pl.col("way") == "response") & (pl.col("rank") == 1))
    assert best["reason_code"].item() == "responded_before"
    assert best["reason_text"].item() == "Answered 4 of 4 earlier campaigns, last 54 days ago"
    assert best["campaign_name"].item() == "Tea coming"
    drinker = rows.filter((pl.col("way") == "affinity") & ~pl.col("user_id").str.starts_with("novice"))
    assert drinker["reason_text"][0].startswith("Bought promoted items on 26 trips, last ")
    assert rows["model_version"].unique().to_list() == [built[0].settings.fingerprint()]


def test_who_gave_no_consent_is_nowhere(built: tuple[RunContext, Counts]) -> None:
    assert "cleaner_0" not in set(audiences(built[0])["user_id"])


def test_the_same_day_twice_is_the_same_bytes(built: tuple[RunContext, Counts], tmp_path: Path) -> None:
    again = lake_context(tmp_path, built[0].settings)
    write_lake(again)
    build_campaign_audiences(again)
    assert checksums(again) == checksums(built[0])


def test_what_happens_on_the_day_or_later_changes_no_byte(built: tuple[RunContext, Counts], tmp_path: Path) -> None:
    later = lake_context(tmp_path, built[0].settings)
    write_lake(later, events=pl.concat([events(), events().with_columns(
        event_id=pl.format("later-{}", "event_id"), occurred_at=pl.col("occurred_at") + pl.duration(days=182),
        ingested_at=pl.col("ingested_at") + pl.duration(days=182), item_id=pl.lit("tea"),
    )]))  # fmt: skip
    build_campaign_audiences(later)
    assert checksums(later) == checksums(built[0])


def test_who_was_contacted_for_the_running_campaign_is_not_asked_again(tmp_path: Path) -> None:
    context = lake_context(tmp_path)
    asked = pl.DataFrame([("running", f"fan_{n}", day(-9)) for n in range(5)], schema=contacts().schema, orient="row")
    write_lake(context, contacts=pl.concat([contacts(), asked]).sort("campaign_id", "user_id"))
    build_campaign_audiences(context)
    assert not {f"fan_{n}" for n in range(5)} & set(users_of(context, "running", "response"))
    assert {f"fan_{n}" for n in range(5)} <= set(users_of(context, "coming", "response"))


def test_contacts_of_earlier_days_are_paid_from_the_same_budget(tmp_path: Path) -> None:
    context = lake_context(tmp_path)
    asked = pl.DataFrame([("running", f"fan_{n}", day(-9)) for n in range(10)], schema=contacts().schema, orient="row")
    paid = campaign_rows().with_columns(budget=pl.lit(40.0), contact_cost=pl.lit(1.0))
    write_lake(context, campaigns=paid, contacts=pl.concat([contacts(), asked]).sort("campaign_id", "user_id"))
    build_campaign_audiences(context)
    own = audiences(context).filter((pl.col("way") == "response") & ~pl.col("holdout"))
    assert dict(own.group_by("campaign_id").len().iter_rows()) == {"running": 30, "coming": 40}


def test_a_shop_without_campaigns_gets_empty_tables_and_a_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    context = lake_context(tmp_path)
    nothing = {table.name: pl.DataFrame(table.arrow_schema.empty_table()) for table in schemas.CAMPAIGN_TABLES}
    write_lake(context, **nothing)
    with caplog.at_level(logging.INFO):
        counts = build_campaign_audiences(context)
    assert (counts["rows"], counts["results"]) == (0, 0)
    assert "audiences are switched off" in caplog.text


def test_without_contacts_only_the_way_response_is_off(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    context = lake_context(tmp_path)
    write_lake(context, contacts=contacts().clear(), responses=responses().clear())
    with caplog.at_level(logging.INFO):
        build_campaign_audiences(context)
    assert set(audiences(context)["way"]) == {"affinity", "lookalike"}
    assert "the way response is off" in caplog.text


def test_an_audience_below_the_privacy_floor_is_not_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    audience_settings = dataclasses.replace(SETTINGS.audiences, privacy_floor=50)
    context = lake_context(tmp_path, dataclasses.replace(SETTINGS, audiences=audience_settings))
    write_lake(context)
    with caplog.at_level(logging.INFO):
        assert build_campaign_audiences(context)["too_small"] == 3
    assert audiences(context).group_by("campaign_id", "way").len()["len"].min() >= 50  # type: ignore[operator]
    assert "coming, lookalike: 27 users are fewer than may be shown" in caplog.text


def test_a_campaign_that_promotes_nothing_known_breaks_nothing(tmp_path: Path) -> None:
    context = lake_context(tmp_path)
    empty = targets().with_columns(target=pl.lit("not in the catalogue"))
    write_lake(context, campaign_targets=empty)
    build_campaign_audiences(context)
    assert set(audiences(context)["way"]) == {"response"}


def test_a_day_before_anybody_bought_makes_no_audience(tmp_path: Path) -> None:
    early = lake_context(tmp_path, as_of_date=date(2019, 1, 1))
    write_lake(early, campaigns=campaign_rows(starts_at=day(-600), ends_at=day(600)))
    assert build_campaign_audiences(early)["rows"] == 0


def test_a_matured_campaign_is_judged_by_the_audience_of_its_first_day(tmp_path: Path) -> None:
    """past_4: an audience of that day asked ten fans and ten buyers; two of each were kept apart and not contacted."""
    context = lake_context(tmp_path)
    chosen = [f"{kind}_{n}" for kind in ("fan", "buyer") for n in range(10)]
    apart = {"fan_0", "fan_1", "buyer_0", "buyer_1"}
    kept = contacts().filter(~((pl.col("campaign_id") == "past_4") & pl.col("user_id").is_in(list(apart))))
    answers = responses().filter(~pl.col("user_id").is_in(list(apart)))
    write_lake(context, contacts=kept, responses=answers)
    for when, probability in ((day(-61), 0.9), (day(-60), 0.5), (day(-50), 0.1)):
        rows = pl.DataFrame({"user_id": sorted(chosen)}).with_columns(
            as_of_date=pl.lit(when.date()), campaign_id=pl.lit("past_4"), way=pl.lit("response"),
            rank=pl.int_range(pl.len()) + 1, probability=pl.lit(probability), decile=pl.lit(1),
            holdout=pl.col("user_id").is_in(list(apart)), sized_by=pl.lit("share"), campaign_name=pl.lit("Tea"),
            reason_code=pl.lit("x"), reason_text=pl.lit("x"), model_version=pl.lit("v1"),
            **{f"reason_{fact}": None for fact in ("count", "total", "place", "days")},
        )  # fmt: skip
        write_partition(context.lake, schemas.CAMPAIGN_AUDIENCES, rows, as_of_date=when.date())
    build_campaign_audiences(context)
    found = read_partition(context.lake, schemas.AUDIENCE_RESULTS, **DAY).filter(pl.col("campaign_id") == "past_4")
    told = {(row["way"], row["user_group"]): row for row in found.iter_rows(named=True)}
    assert set(told) == {("any", "contacted"), ("response", "contacted"), ("response", "holdout")}
    everybody, asked, held = (told[key] for key in sorted(told))
    assert (everybody["users"], everybody["audience_date"]) == (2 * EACH - 4, None)
    assert (asked["users"], asked["responders"], asked["buyers"], held["users"]) == (16, 7, 16, 4)
    assert asked["audience_date"] == day(-60).date()
    assert asked["predicted"] == pytest.approx(0.5)
    assert asked["model_version"] == "v1"
    # Forty-five purchases of tea at 2.00 in those twenty days; groups alike, so contacting changed nothing.
    assert asked["revenue"] == pytest.approx(90.0)
    assert asked["above_holdout"] == 0.0
    assert asked["above_holdout_low"] < 0.0 < asked["above_holdout_high"]
    assert held["above_holdout"] is None
    assert asked["reason_code"] == "beside_holdout"
    assert asked["reason_text"].startswith("Of 16 contacted users 43.8% responded and 100.0% bought, +0.0 points")


def test_a_shop_without_prices_is_told_no_revenue_of_its_campaigns(tmp_path: Path) -> None:
    context = lake_context(tmp_path)
    write_lake(context, events=events().with_columns(unit_price=pl.lit(None, pl.Float64)))
    build_campaign_audiences(context)
    rows = read_partition(context.lake, schemas.AUDIENCE_RESULTS, **DAY)
    assert rows["buyers"].sum() > 0
    assert rows.select(pl.col("revenue", "revenue_per_user").count()).row(0) == (0, 0)


def test_a_promoted_item_s_place_in_a_user_s_list_moves_their_affinity(tmp_path: Path) -> None:
    """buyer_0 and buyer_7 bought the same on the same days; the ranker put tea first for one of them."""
    made = {}
    for name, weight in (("blind", 0.0), ("ranked", 1.0)):
        settings = dataclasses.replace(
            SETTINGS, audiences=dataclasses.replace(SETTINGS.audiences, ranker_weight=weight, max_share=1.0)
        )
        context = lake_context(tmp_path / name, settings)
        write_lake(context)
        row = {"list": "for_you", "user_id": "buyer_7", "rank": 1, "item_id": "tea", "score": 1.0}
        row |= dict.fromkeys(("generator", "reason_code", "reason_text", "model_version"), "x")
        shown = filled(schemas.USER_RECOMMENDATIONS, pl.DataFrame([row]).with_columns(as_of_date=pl.lit(AS_OF_DATE)))
        write_partition(context.lake, schemas.USER_RECOMMENDATIONS, shown, **DAY, shard=0)
        build_campaign_audiences(context)
        rows = audiences(context).filter((pl.col("campaign_id") == "running") & (pl.col("way") == "affinity"))
        made[name] = dict(rows.select("user_id", "probability").rows())
    assert made["blind"]["buyer_7"] == made["blind"]["buyer_0"]
    assert made["ranked"]["buyer_7"] > made["ranked"]["buyer_0"]
    assert sum(made["ranked"].values()) == pytest.approx(sum(made["blind"].values()), rel=1e-4)


def test_the_rush_of_a_great_sale_is_not_expected_of_the_campaign(tmp_path: Path) -> None:
    """Ten days ago every other cleaner bought tea for once: a quarter of those who drink none begin to, not half."""
    cleaners = pl.col("user_id").str.contains("cleaner.*[02468]$")
    once = events().filter(cleaners).unique("user_id", keep="first", maintain_order=True)
    rush = once.with_columns(
        event_id=pl.format("sale-{}", "user_id"),
        order_id=pl.format("sale-{}", "user_id"),
        item_id=pl.lit("tea"),
        occurred_at=pl.lit(day(-9.5)).cast(once.schema["occurred_at"]),
    )
    rules = dataclasses.replace(SETTINGS.audiences, max_share=1.0, gap_share=0.0, privacy_floor=1)
    told = []
    for days in ((), (f"{day(-10):%m-%d}",)):
        settings = dataclasses.replace(SETTINGS, opening=OpeningSettings(sale_days=days), audiences=rules)
        context = lake_context(tmp_path, settings)
        write_lake(context, events=pl.concat([events(), rush]).sort("occurred_at", "event_id"))
        build_campaign_audiences(context)
        own = audiences(context).filter((pl.col("campaign_id") == "coming") & (pl.col("way") == "lookalike"))
        told.append(own["probability"].mean())
    assert told == pytest.approx([0.5, 0.25], abs=0.03)

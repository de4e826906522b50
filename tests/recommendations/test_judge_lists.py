"""Lists that are nothing like those before are stopped or warned of, as declared; ordinary ones pass."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import polars as pl
import pytest

from recsys import schemas
from recsys.config import Environment, Settings
from recsys.models.verdicts import Check, Judged, verdict_rows, write_verdicts
from recsys.recommendations import judge_lists as module
from recsys.recommendations.judge_lists import judge_lists
from recsys.run import Accepted, RunContext, RunError
from recsys.settings.gate import GateSettings
from recsys.storage import Lake, read_partition, write_partition
from tests.recommendations.published_days import recommendations

DAY = date(2017, 12, 4)
USERS = 12


def lists(day: date, item: str = "i", fallbacks: int = 0, users: int = USERS) -> pl.DataFrame:
    """Three items for each user; the lists of the first `fallbacks` users are fallbacks."""
    rows = recommendations(day, item, users).with_columns(number=pl.col("user_id").str.slice(1).cast(pl.Int64))
    told = pl.when(pl.col("number") < fallbacks).then(pl.lit("trending"))
    return rows.with_columns(fallback=told).drop("number")


def write(lake: Lake, day: date, rows: pl.DataFrame) -> None:
    write_partition(lake, schemas.USER_RECOMMENDATIONS, rows, as_of_date=day, shard=0)
    counts = {"shard": [0], "users": [rows["user_id"].n_unique()], "scored_users": [0], "candidates": [0], "rows": [0]}
    write_partition(lake, schemas.SHARD_COUNTS, pl.DataFrame(counts), as_of_date=day, shard=0)


@pytest.fixture
def run(tmp_path: object) -> RunContext:
    """A day whose models were judged; the lists of the day before were published."""
    context = RunContext(DAY, Environment("", "", str(tmp_path)), Settings(), "test")
    judged = verdict_rows(context, [Check("verdict", "", "the models pass")], Judged(None, DAY, "v"), accepted=False)
    write_verdicts(context, judged)
    before = DAY - timedelta(days=1)
    write(context.lake, before, lists(before))
    mark = {"day": [before], "run_id": ["r"], "rows": [1], "checksum": ["c"], "model_version": ["v"]}
    write_partition(context.lake, schemas.PUBLISHED_LISTS, pl.DataFrame(mark), as_of_date=before)
    return context


def verdicts(run: RunContext) -> dict[tuple[str, str], tuple[str, bool, float | None]]:
    rows = read_partition(run.lake, schemas.GATE_VERDICTS, as_of_date=DAY)
    told = rows.select("check_name", "setting", "severity", "passed", "value").rows()
    return {(check, setting): (severity, passed, value) for check, setting, severity, passed, value in told}


def test_lists_like_those_before_pass_and_stand_beside_the_models(run: RunContext) -> None:
    write(run.lake, DAY, lists(DAY))
    assert judge_lists(run) == {"checks": 3, "failed": 0, "compared_with": "2017-12-03", "accepted": 0}
    assert verdicts(run) == {
        ("verdict", ""): ("stop", True, None),
        ("fallback share", "for_you"): ("stop", True, 0.0),
        ("overlap with before", "for_you"): ("warn", True, 1.0),
        ("coverage of lists", "for_you"): ("warn", True, 3.0),
    }


def test_fallbacks_in_place_of_personal_rows_stop_the_run(run: RunContext) -> None:
    write(run.lake, DAY, lists(DAY, fallbacks=6))
    with pytest.raises(RunError, match=r"for_you: 50\.0% of the first places are fallbacks, before 0\.0%"):
        judge_lists(run)
    assert verdicts(run)["fallback share", "for_you"] == ("stop", False, 0.5)


def test_new_users_are_no_alarm(run: RunContext) -> None:
    many = lists(DAY, users=40)
    stranger = pl.col("user_id").str.slice(1).cast(pl.Int64) >= USERS
    write(run.lake, DAY, many.with_columns(fallback=pl.when(stranger).then(pl.lit("trending"))))
    assert judge_lists(run)["failed"] == 0


def test_other_items_are_warned_of(run: RunContext) -> None:
    write(run.lake, DAY, lists(DAY, item="other"))
    assert judge_lists(run)["failed"] == 0
    assert verdicts(run)["overlap with before", "for_you"] == ("warn", False, 0.0)


def test_the_same_few_items_for_everybody_are_warned_of(run: RunContext) -> None:
    write(run.lake, DAY, lists(DAY).filter(pl.col("rank") == 1))
    judge_lists(run)
    assert verdicts(run)["coverage of lists", "for_you"] == ("warn", False, 1.0)


def test_a_list_that_is_gone_is_warned_of(run: RunContext) -> None:
    before = DAY - timedelta(days=1)
    write(run.lake, before, pl.concat([lists(before), lists(before).with_columns(list=pl.lit("discover"))]))
    write(run.lake, DAY, lists(DAY))
    assert judge_lists(run)["failed"] == 0
    assert verdicts(run)["coverage of lists", "discover"] == ("warn", False, 0.0)
    strict = Settings(gate=GateSettings(severities=("coverage of lists=stop",)))
    with pytest.raises(RunError, match="discover: the first places show 0 different items, before 3"):
        judge_lists(dataclasses.replace(run, settings=strict))


def test_a_shop_decides_and_a_person_lets_pass(run: RunContext) -> None:
    write(run.lake, DAY, lists(DAY, item="other"))
    strict = Settings(gate=GateSettings(severities=("overlap with before=stop", "coverage of lists=off")))
    run = dataclasses.replace(run, settings=strict)
    with pytest.raises(RunError, match="are still there"):
        judge_lists(run)
    judge_lists(dataclasses.replace(run, accepted=Accepted(("gate",), "anna", "a new season")))
    rows = read_partition(run.lake, schemas.GATE_VERDICTS, as_of_date=DAY)
    told = rows.filter(pl.col("check_name") == "overlap with before").select("passed", "accepted_by", "accepted_why")
    assert told.rows() == [(False, "anna", "a new season")]
    assert rows.filter(pl.col("check_name") == "coverage of lists").is_empty()


def test_the_first_day_and_a_day_after_a_gap_have_nothing_to_be_compared_with(run: RunContext) -> None:
    write(run.lake, DAY, lists(DAY))
    late = dataclasses.replace(run, settings=Settings(gate=GateSettings(compared_days=0)))
    assert judge_lists(late)["compared_with"] == "None"
    assert verdicts(run)["overlap with before", ""] == ("info", True, None)


def test_a_slow_run_is_warned_of(run: RunContext, monkeypatch: pytest.MonkeyPatch) -> None:
    write(run.lake, DAY, lists(DAY))
    for minutes, told in ((7.0, ("warn", True, 15.0)), (181.0, ("warn", False, 195.0))):
        monkeypatch.setattr(module, "claimed_minutes", lambda _, minutes=minutes: minutes)
        judge_lists(run)
        assert verdicts(run)["runtime", ""] == told


def test_drawn_users_stand_for_all(run: RunContext) -> None:
    before = DAY - timedelta(days=1)
    for day in (before, DAY):
        write(run.lake, day, lists(day, users=400))
    few = dataclasses.replace(run, settings=Settings(gate=GateSettings(compared_users=100)))
    tops = module.read_tops(run.lake, DAY, 4, few.settings.seed)
    assert 50 < tops.rows["user_id"].n_unique() < 150
    assert judge_lists(few)["failed"] == 0

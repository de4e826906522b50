"""Two runs never build the same day at once."""

from __future__ import annotations

import threading
from datetime import date

import psycopg2
import pytest

from recsys import claims, steps
from recsys.claims import claim_run, claimed, release_day, release_run
from recsys.config import Environment, Settings
from recsys.run import Counts, RunContext, RunError
from recsys.warehouse import create_warehouse

pytestmark = pytest.mark.postgres

DAY = date(2017, 12, 4)


@pytest.fixture
def environment(database: str) -> Environment:
    create_warehouse(database)
    return Environment("unused", database, "unused")


def run(environment: Environment, name: str, day: date = DAY) -> RunContext:
    return RunContext(day, environment, Settings(), name)


def test_a_second_run_of_the_day_is_refused_by_name(environment: Environment) -> None:
    claim_run(run(environment, "first"))
    claim_run(run(environment, "first"))
    claim_run(run(environment, "second", date(2017, 12, 5)))
    with pytest.raises(RunError, match=r"2017-12-04 is being built by run first since .*release --as-of 2017-12-04"):
        claim_run(run(environment, "second"))


def test_a_released_day_is_free(environment: Environment) -> None:
    claim_run(run(environment, "first"))
    assert release_run(run(environment, "second")) == {"released": 0}
    assert release_run(run(environment, "first")) == {"released": 1}
    claim_run(run(environment, "second"))
    assert release_day(environment, DAY)["run"] == "second"
    with pytest.raises(RunError, match="no run holds it"):
        release_day(environment, DAY)


def test_an_abandoned_claim_is_taken_over(environment: Environment) -> None:
    claim_run(run(environment, "killed"))
    _age(environment, minutes=14)
    with pytest.raises(RunError, match="run killed"):
        claim_run(run(environment, "second"))
    _age(environment, minutes=2)
    claim_run(run(environment, "second"))
    with pytest.raises(RunError, match="run second"):
        claim_run(run(environment, "killed"))


def test_a_block_gives_back_only_what_it_took(environment: Environment) -> None:
    with claimed(run(environment, "first")), pytest.raises(RunError), claimed(run(environment, "second")):
        pass
    claim_run(run(environment, "second"))
    with claimed(run(environment, "second")):
        pass
    with pytest.raises(RunError, match="run second"):
        claim_run(run(environment, "first"))


def test_a_long_block_stays_claimed(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "_RENEW_SECONDS", 0.05)
    with claimed(run(environment, "long")):
        _age(environment, minutes=60)
        threading.Event().wait(0.5)
        with pytest.raises(RunError, match="run long"):
            claim_run(run(environment, "second"))


def test_a_lost_connection_is_only_a_missed_beat(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    beats = []

    def claim_with_one_loss(context: RunContext) -> bool:
        beats.append(1)
        if len(beats) == 2:
            raise psycopg2.OperationalError("server closed the connection unexpectedly")
        return claim(context)

    claim = claims._claim
    monkeypatch.setattr(claims, "_RENEW_SECONDS", 0.05)
    monkeypatch.setattr(claims, "_claim", claim_with_one_loss)
    with claimed(run(environment, "long")):
        threading.Event().wait(0.5)
    assert len(beats) > 2


def test_a_run_that_stood_still_and_lost_its_day_does_no_further_step(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []

    def stand_still(_: RunContext) -> Counts:
        _age(environment, minutes=16)
        claim_run(run(environment, "second"))
        return {}

    def write(_: RunContext) -> Counts:
        done.append(1)
        return {}

    monkeypatch.setattr(steps, "STEPS", (stand_still, write))
    with pytest.raises(RunError, match="is being built by run second"):
        steps.run_all(run(environment, "first"))
    assert not done
    with pytest.raises(RunError, match="run second"):
        claim_run(run(environment, "first"))


def test_of_many_that_claim_at_once_one_gets_the_day(environment: Environment) -> None:
    outcomes: list[str] = []

    def attempt(name: str) -> None:
        try:
            claim_run(run(environment, name))
            outcomes.append("held")
        except RunError:
            outcomes.append("refused")

    threads = [threading.Thread(target=attempt, args=(f"run-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["held"] + ["refused"] * 7


def _age(environment: Environment, minutes: int) -> None:
    connection = psycopg2.connect(environment.warehouse_dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute("update recsys.run_claims set last_seen = last_seen - make_interval(mins => %s)", (minutes,))
    connection.close()

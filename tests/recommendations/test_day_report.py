import re
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from recsys import schemas
from recsys.config import Environment, Settings
from recsys.recommendations import day_report as module
from recsys.recommendations.day_report import day_report, report_path, try_write_report
from recsys.run import RunContext
from recsys.storage import write_partition

DAY = date(2024, 3, 10)


@pytest.fixture
def context(tmp_path: Path) -> RunContext:
    return RunContext(DAY, Environment("", "", str(tmp_path)), Settings(), "run <1>")


def _metric(day: date, model: str, setting: str, metric: str, value: float) -> dict[str, object]:
    interval = {"low": value - 0.1, "high": value + 0.1, "users": 5, "holdout_from": day, "holdout_to": day}
    told = {"model": model, "setting": setting, "metric": metric, "value": value, "model_version": "v"}
    return {"as_of_date": day, **told, **interval}


def _fill(context: RunContext) -> None:
    lake, day = context.lake, {"as_of_date": DAY}
    funnel = pl.DataFrame({"as_of_date": DAY, "place": [1, 2], "stage": ["events", "list_rows"], "value": [900, 30]})
    write_partition(lake, schemas.RUN_FUNNEL, funnel.with_columns(meaning=pl.lit("x")), **day)
    for back in (0, 7):
        rows = [_metric(DAY - timedelta(days=back), "ranker", "all", "ndcg@10", 0.4)]
        rows.append(_metric(DAY - timedelta(days=back), "als", "all", "recall", 0.25))
        write_partition(lake, schemas.OFFLINE_METRICS, pl.DataFrame(rows), as_of_date=DAY - timedelta(days=back))
    verdict = {"check_name": "verdict", "setting": "", "severity": "info", "passed": False, "model_version": "v"}
    verdict |= {"message": "the models of 2024-03-10 fail (ranker & co)", "models_of": DAY, "as_of_date": DAY}
    nothing = dict.fromkeys(["value", "low", "high", "threshold", "champion_date", "accepted_by", "accepted_why"])
    write_partition(lake, schemas.GATE_VERDICTS, pl.DataFrame([verdict | nothing]), **day)
    checks = [
        ("user_recommendations", "list_overlap", True, "much the same"),
        ("events", "volume", False, "few events"),
    ]
    found = pl.DataFrame(checks, schema=["table_name", "check_name", "passed", "message"], orient="row")
    found = found.with_columns(as_of_date=pl.lit(DAY), subject=pl.lit(""), severity=pl.lit("warn"))
    found = found.with_columns(value=pl.lit(0.5), threshold=pl.lit(0.3))
    write_partition(lake, schemas.DATA_QUALITY, found, **day)


def test_the_report_tells_of_the_day(context: RunContext) -> None:
    _fill(context)
    text = day_report(context)
    for said in ("Recommendations of 2024-03-10", "ranker &amp; co", "much the same", "few events", "run &lt;1&gt;"):
        assert said in text
    assert "Offline ndcg@10 of the ranker" in text and "2024-03-03" in text
    assert ">als</text>" in text and ">0.2500</text>" in text
    assert day_report(context) == text


def test_the_report_stands_alone(context: RunContext) -> None:
    _fill(context)
    text = day_report(context)
    assert not re.search(r"<script|<link|<img|src=|href=|url\(|@import|\son\w+=", text)


def test_an_empty_lake_has_a_report_too(context: RunContext) -> None:
    assert try_write_report(context) == {"report": report_path(DAY)}
    text = (Path(context.environment.lake_uri) / report_path(DAY)).read_text()
    assert "The gate has not judged this day." in text and "Nothing was counted." in text


def test_a_report_that_fails_breaks_nothing(context: RunContext, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: RunContext) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(module, "day_report", fail)
    assert try_write_report(context) == {}
    assert not (Path(context.environment.lake_uri) / report_path(DAY)).exists()

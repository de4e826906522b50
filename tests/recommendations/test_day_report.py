import re
import xml.etree.ElementTree as ET
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
    lost = {"check_name": "ranker above champion", "setting": "all", "severity": "stop", "message": "lost much"}
    lost |= {"value": -0.2, "low": -0.3, "high": -0.1, "threshold": -0.02}
    told = pl.DataFrame([verdict | nothing | lost, verdict | nothing], infer_schema_length=None)
    write_partition(lake, schemas.GATE_VERDICTS, told, **day)
    checks = [
        ("events", "volume", "", False, "few events"),
        ("items", "feature_drift", "i_price", True, "the price"),
        ("items", "feature_drift", "i_users", True, "the users"),
        ("user_recommendations", "item_churn", "for_you", True, "few new ones"),
        ("user_recommendations", "list_overlap", "for_you", True, "much the same"),
        ("user_recommendations", "score_drift", "for_you", True, "level"),
    ]
    found = pl.DataFrame(checks, schema=["table_name", "check_name", "subject", "passed", "message"], orient="row")
    found = found.with_columns(severity=pl.lit("warn"), threshold=pl.lit(0.3))
    for back, value in ((0, 0.5), (7, 0.4)):
        before = DAY - timedelta(days=back)
        rows = found.with_columns(as_of_date=pl.lit(before), value=value + pl.int_range(pl.len()) / 100)
        write_partition(lake, schemas.DATA_QUALITY, rows, as_of_date=before)


def test_the_report_tells_of_the_day(context: RunContext) -> None:
    _fill(context)
    text = day_report(context)
    for said in ("Recommendations of 2024-03-10", "ranker &amp; co", "much the same", "few events", "run &lt;1&gt;"):
        assert said in text
    assert "Offline ndcg@10 of the ranker" in text and "2024-03-03" in text
    assert ">als</text>" in text and ">0.2500</text>" in text
    assert day_report(context) == text


def _fill_realised(context: RunContext) -> None:
    week = DAY - timedelta(days=7)
    told = [
        (week, 7, "all", "", "ndcg@10", 0.31),
        (week, 7, "generator", "als", "precision@10", 0.12),
        *((DAY, 0, "all", "", name, 0.5) for name in ("intra_list_distance@10", "gini@10", "novelty@10")),
    ]
    columns = ["published_date", "horizon_days", "slice", "slice_value", "metric", "value"]
    rows = pl.DataFrame(told, schema=columns, orient="row").with_columns(
        as_of_date=pl.lit(DAY), list=pl.lit("for_you"), low=0.3, high=0.6, users=5, model_version=pl.lit("v")
    )
    write_partition(context.lake, schemas.REALISED_METRICS, rows, as_of_date=DAY)


def plot_below(text: str, title: str) -> ET.Element:
    """The plot below the heading that begins with `title`."""
    found = re.search(rf"<h[23]>{title}[^<]*</h[23]>\s*(<svg.*?</svg>)", text)
    assert found is not None, title
    return ET.fromstring(found[1])


def words(plot: ET.Element) -> set[str]:
    return {text.text or "" for text in plot.iter("text")}


@pytest.mark.parametrize(
    ("title", "legend"),
    [
        ("From events to rows", "events"),
        ("Offline ndcg@10 of the ranker", "all 0.4"),
        ("Offline recall", "als"),
        (r"Realised ndcg@10 within 7 day\(s\)", "for_you 0.31"),
        (r"Realised precision@10 of for_you within 7 day\(s\)", "als"),
        ("intra_list_distance@10", "for_you 0.5"),
        ("gini@10", "for_you 0.5"),
        ("List overlap", "for_you 0.54"),
        ("Item churn", "for_you 0.53"),
        ("Drift of scores", "for_you 0.55"),
        ("Drift of features", "items 0.52"),
        ("The gate", "ranker above champion (all)"),
    ],
)
def test_everything_that_is_told_is_drawn(context: RunContext, title: str, legend: str) -> None:
    _fill(context)
    _fill_realised(context)
    assert legend in words(plot_below(day_report(context), title))


def test_drift_is_drawn_over_days(context: RunContext) -> None:
    _fill(context)
    plot = plot_below(day_report(context), "List overlap")
    assert {"2024-03-03", "2024-03-10"} <= words(plot)
    assert len(list(plot.iter("circle"))) == 2


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

"""What a task leaves behind in the UI: a link to its result page, and an event of each published table's asset."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from airflow.configuration import conf
from airflow.providers.standard.decorators.python import _PythonDecoratedOperator
from airflow.sdk import Asset, BaseOperatorLink

_WAREHOUSE = Path(__file__).resolve().parent.parent / "sql" / "warehouse"
TABLES = sorted(path.parent.name for path in _WAREHOUSE.glob("*/check.sql"))
"""Published tables: those that are checked. Read from the folder, since the declarations load Arrow."""

ASSETS = [Asset(name=table, uri=f"recsys://warehouse/{table}", group="recommendations") for table in TABLES]
"""One asset a published table; an event carries as_of_date, rows and checksum, so that other DAGs can wait for it."""

_PAGES = {
    "check_extracts": ("tables", {"name": "data_quality"}),
    "check_no_leak": ("tables", {"name": "offline_metrics"}),
    "judge_models": ("tables", {"name": "gate_verdicts"}),
    "judge_lists": ("tables", {"name": "gate_verdicts"}),
    "train_ranker": ("tables", {"name": "offline_metrics"}),
    "recommend_users": ("users", {}),
    "build_bundles": ("bundles", {}),
    "build_details": ("tables", {"name": "run_funnel"}),
    "apply_retention": ("report", {}),
}


class ResultLink(BaseOperatorLink):
    """The button "Result" of a task."""

    name = "Result"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Address of the page that shows what the task of this run made."""
        task = str(operator.task_id).rpartition(".")[2]
        table = task.removeprefix("build_")
        page, values = _PAGES.get(task, ("tables", {"name": table}) if table in TABLES else ("", {}))
        prefix = urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")
        return f"{prefix}/recommendations/{page}?{urlencode({**values, 'run_id': ti_key.run_id})}"


class StepOperator(_PythonDecoratedOperator):
    """A step of recsys as a task; a class of its own, since a mapped task takes its links from the class alone."""

    custom_operator_name = "step"
    operator_extra_links = (ResultLink(),)


def tell_assets(context: Mapping[str, Any], day: date, counts: Mapping[str, Any]) -> None:
    """Write the day, rows and checksum of each table that the task publishes into the event of its asset."""
    for asset in context["task"].outlets:
        told = {name: counts.get(f"{name}_{asset.name}") for name in ("rows", "checksum")}
        context["outlet_events"][asset].extra = {
            "as_of_date": day.isoformat(),
            **{name: value for name, value in told.items() if value is not None},
        }


def totals(counts: Mapping[str, Any]) -> dict[str, Any]:
    """`counts` without those of single tables, which the assets tell."""
    return {name: value for name, value in counts.items() if not name.startswith(("rows_", "checksum_"))}

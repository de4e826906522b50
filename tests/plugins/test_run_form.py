"""What the trigger form changes in a run."""

from __future__ import annotations

from typing import Any

import pytest

from recsys.config import Settings

pytestmark = pytest.mark.airflow


@pytest.mark.parametrize(("length", "expected"), [(7, 7), ("7", 7), (None, 50), ("", 50)])
def test_the_length_of_lists_changes_for_the_run(length: Any, expected: int) -> None:
    from plugins.run_form import with_params

    settings = Settings()
    changed = with_params(settings, {"list_length": length})
    assert changed.rules.list_length == expected
    assert (changed.fingerprint() == settings.fingerprint()) == (expected == settings.rules.list_length)


@pytest.mark.parametrize(
    ("typed", "expected"), [(True, True), ("true", True), ("True", True), (False, False), (None, False)]
)
def test_the_shop_is_read_again_on_demand_alone(typed: Any, expected: bool) -> None:
    from plugins.run_form import wants_full_extract

    assert wants_full_extract({"full_extract": typed}) is expected
    assert wants_full_extract({}) is False


def test_hours_that_are_no_number_name_their_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    from plugins.run_form import deadline_hours

    for told, hours in (("", 4.0), ("2.5", 2.5)):
        monkeypatch.setenv("RECSYS_DEADLINE_HOURS", told)
        assert deadline_hours() == hours
    monkeypatch.setenv("RECSYS_DEADLINE_HOURS", "four")
    with pytest.raises(ValueError, match="RECSYS_DEADLINE_HOURS is 'four'"):
        deadline_hours()


def test_the_event_of_an_asset_carries_day_rows_and_checksum() -> None:
    from collections import defaultdict
    from datetime import date
    from types import SimpleNamespace

    from plugins.run_results import ASSETS, tell_assets, totals

    counts = {"rows": 7, "current": 1, "rows_bundles": 3, "checksum_bundles": "abc"}
    events: Any = defaultdict(SimpleNamespace)
    tell_assets({"task": SimpleNamespace(outlets=ASSETS), "outlet_events": events}, date(2017, 12, 4), counts)
    told = {asset.name: event.extra for asset, event in events.items()}
    assert told["bundles"] == {"as_of_date": "2017-12-04", "rows": 3, "checksum": "abc"}
    assert told["item_pairs"] == {"as_of_date": "2017-12-04"}
    assert totals(counts) == {"rows": 7, "current": 1}

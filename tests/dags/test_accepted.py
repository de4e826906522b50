"""Which failed checks a run lets pass, from what the trigger form gives."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

pytestmark = pytest.mark.airflow


def _context(user: str | None = "anna", **params: Any) -> dict[str, Any]:
    return {"params": params, "dag_run": SimpleNamespace(triggering_user_name=user)}


def test_nothing_is_accepted_unless_asked_for() -> None:
    from plugins.run_context import accepted_checks

    assert accepted_checks(_context(accept=[], accept_why=None)).checks == ()
    assert accepted_checks(_context()).who == ""


def test_who_and_why_come_with_what_is_accepted() -> None:
    from plugins.run_context import accepted_checks

    told = accepted_checks(_context(accept=["gate", "events.volume"], accept_why=" a holiday "))
    assert (told.checks, told.who, told.why) == (("gate", "events.volume"), "anna", "a holiday")
    assert accepted_checks(_context(None, accept=["gate"], accept_why="x")).who == "unknown"


def test_accepting_without_a_reason_is_refused() -> None:
    from plugins.run_context import accepted_checks

    with pytest.raises(ValueError, match="say in the param accept_why why gate may fail"):
        accepted_checks(_context(accept=["gate"], accept_why="  "))

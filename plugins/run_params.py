"""What the trigger form asks for."""

from __future__ import annotations

from airflow.sdk import Param

PARAMS = {
    "as_of_date": Param(
        None,
        type=["null", "string"],
        format="date",
        title="As-of date",
        description="Day to build: everything before its 00:00 is known. Empty: the day after the logical date.",
    ),
    "accept": Param(
        [],
        type="array",
        items={"type": "string"},
        title="Failed checks to let pass",
        description="One a line: gate, or a check of the data such as events.volume. Recorded with your name.",
    ),
    "accept_why": Param(
        None,
        type=["null", "string"],
        title="Why they may pass",
        description="Asked for where checks are let pass; it stands beside your name in the result tables.",
    ),
}
"""Params of a run: its day, and which failed checks a person lets pass, and why."""

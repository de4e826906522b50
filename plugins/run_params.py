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
    "list_length": Param(
        None,
        type=["null", "integer"],
        minimum=1,
        maximum=500,
        title="Items a list",
        description="Longest list of a user in this run. Empty: the setting rules.list_length.",
    ),
    "full_extract": Param(
        False,
        type="boolean",
        title="Read the shop again",
        description="Read every event day of the look-back window again, also those that the lake holds: after the "
        "shop's past was corrected. It takes as long as the first run.",
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

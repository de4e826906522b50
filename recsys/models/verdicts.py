"""What a comparison found, as rows of gate_verdicts, and what a failure means: declared here, changed by settings."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import date

import polars as pl

from recsys import schemas
from recsys.config import ConfigError
from recsys.data.check import check_names
from recsys.data.expectations import SEVERITIES, in_force
from recsys.models.candidates import NAMES as GENERATORS
from recsys.run import RunContext
from recsys.settings.gate import GateSettings
from recsys.storage import write_partition

NAME = "gate"
"""What a person accepts to let pass what failed."""
FALLBACKS, OVERLAP, LISTS_COVERAGE, RUNTIME = "fallback share", "overlap with before", "coverage of lists", "runtime"
LIST_CHECKS = (FALLBACKS, OVERLAP, LISTS_COVERAGE, RUNTIME)
"""Checks of the lists themselves; all others are of the models."""
CHECKS = (
    "ranker above decayed_frequency",
    "ranker above popularity",
    "ranker above champion",
    *(f"{name} above champion's" for name in GENERATORS),
    "coverage",
    "calibration",
    *LIST_CHECKS,
)
"""Names that the setting gate.severities may use."""


@dataclass(frozen=True)
class Check:
    """One row of gate_verdicts but for what all rows share."""

    check_name: str
    setting: str
    message: str
    passed: bool = True
    severity: str = "stop"
    value: float | None = None
    low: float | None = None
    high: float | None = None
    threshold: float | None = None


@dataclass(frozen=True)
class Judged:
    """What all rows of a day share: the champion, whose models serve, their version."""

    champion: date | None
    serving: date
    version: str


def refuse_unknown_checks(context: RunContext) -> None:
    """Raise ConfigError, which tells the names there are, where the settings or what a person lets pass name a check
    that there is not: before the hours of work after which it would be missed."""
    _severities(context.settings.gate)
    in_force(context.settings.quality)
    known = (NAME, *check_names())
    for name in context.accepted.checks:
        if name not in known:
            raise ConfigError(f"accept: no check is called {name!r}; there are {', '.join(known)}")


def declared(context: RunContext, checks: list[Check]) -> list[Check]:
    """`checks` with the severities of gate.severities, without those that are off.

    Raises ConfigError for a name that is no check, or a severity that is none.
    """
    wanted = _severities(context.settings.gate)
    # What says that there was too little to compare stays a remark.
    told = [
        dataclasses.replace(check, severity=wanted.get(check.check_name, check.severity))
        if check.severity != "info"
        else check
        for check in checks
    ]
    return [check for check in told if wanted.get(check.check_name) != "off"]


def _severities(gate: GateSettings) -> dict[str, str]:
    wanted = {}
    for text in gate.severities:
        name, _, severity = (part.strip() for part in text.partition("="))
        if name not in CHECKS or severity not in SEVERITIES:
            known = "; ".join(CHECKS)
            raise ConfigError(f"gate.severities: {text!r}: write CHECK=one of {', '.join(SEVERITIES)}; checks: {known}")
        wanted[name] = severity
    return wanted


def stopping(checks: list[Check]) -> list[Check]:
    """Those that failed and mean a stop."""
    return [check for check in checks if check.severity == "stop" and not check.passed]


def verdict_rows(context: RunContext, checks: list[Check], judged: Judged, accepted: bool) -> pl.DataFrame:
    """`checks` as rows of gate_verdicts; where they were let pass, with who did it and why."""
    told = context.accepted if accepted else None
    shared = {
        "as_of_date": context.as_of_date,
        "champion_date": judged.champion,
        "models_of": judged.serving,
        "accepted_by": told.who if told else None,
        "accepted_why": told.why if told else None,
        "model_version": judged.version,
    }
    kinds = pl.DataFrame(schemas.GATE_VERDICTS.empty_table()).schema
    return pl.DataFrame([{**shared, **dataclasses.asdict(check)} for check in checks], schema=kinds)


def write_verdicts(context: RunContext, rows: pl.DataFrame) -> None:
    """Write the day's gate_verdicts."""
    ordered = rows.sort(schemas.GATE_VERDICTS.key)
    write_partition(context.lake, schemas.GATE_VERDICTS, ordered, as_of_date=context.as_of_date)

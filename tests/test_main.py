"""The command line, as a stranger meets it."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path

import pytest

from recsys import steps
from recsys.__main__ import build_parser, main
from recsys.claims import claim_run
from recsys.config import ConfigError, Environment, Settings
from recsys.run import RunContext
from recsys.settings.gate import GateSettings
from recsys.warehouse import create_warehouse

ROOT = Path(__file__).resolve().parent.parent
DAY = date(2017, 12, 4)


@pytest.fixture
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RECSYS_SHOP_DSN", "RECSYS_WAREHOUSE_DSN", "RECSYS_LAKE", "RECSYS_CONFIG"):
        monkeypatch.delenv(name, raising=False)


def test_help_names_every_command_and_variable(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    text = capsys.readouterr().out
    assert ended.value.code == 0
    for word in [*(step.__name__ for step in steps.STEPS), "rollback", "release", "RECSYS_SHOP_DSN", "as-of date"]:
        assert word in text


def test_every_step_has_a_command_of_its_own_with_help() -> None:
    for step in steps.STEPS:
        options = build_parser().parse_args([step.__name__, "--as-of", "2017-12-04"])
        assert options.as_of == DAY
        assert step.__doc__


@pytest.mark.parametrize("arguments", [[], ["run"], ["run", "--as-of", "soon"], ["no_such_step"]])
def test_a_wrong_call_ends_with_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: python -m recsys" in capsys.readouterr().err


@pytest.mark.parametrize(("command", "option"), [("run", "--as-of"), ("rollback", "--to"), ("backtest", "--from")])
def test_a_day_that_there_is_not_is_told_as_one(command: str, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, option, "2017-02-30"])
    error = capsys.readouterr().err
    assert f"argument {option}: '2017-02-30' is no day, write one as 2017-12-04" in error


def test_settings_print_what_is_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "shop.toml"
    file.write_text('time_zone = "Europe/Berlin"\n[data]\nlook_back_days = 40\n')
    assert tomllib.loads(file.read_text())
    monkeypatch.setenv("RECSYS_CONFIG", str(file))
    assert main(["settings"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["time_zone"] == "Europe/Berlin"
    assert printed["data"]["look_back_days"] == 40


@pytest.mark.usefixtures("no_environment")
@pytest.mark.parametrize(
    "command", [["run", "--as-of", "2017-12-04"], ["rollback"], ["release", "--as-of", "2017-12-04"]]
)
def test_a_missing_variable_is_one_line(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: set the environment variable(s) RECSYS_SHOP_DSN")
    assert error.count("\n") == 1


def test_a_warehouse_that_refuses_is_one_line_without_the_password(tmp_path: Path) -> None:
    refused = "postgresql://writer:swordfish@127.0.0.1:1/warehouse"
    environment = {"RECSYS_SHOP_DSN": refused, "RECSYS_WAREHOUSE_DSN": refused, "RECSYS_LAKE": str(tmp_path)}
    command = [sys.executable, "-m", "recsys", "run", "--as-of", "2017-12-04"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "error: cannot connect to the warehouse database" in done.stderr
    assert "Traceback" not in done.stderr
    assert "swordfish" not in done.stderr


ACCEPTED = ["--accept", "gate", "--accept", "event.volume", "--why", "x"]


@pytest.mark.parametrize(
    ("command", "accepted", "settings", "said"),
    [
        ("run", ACCEPTED, "", "no check is called 'event.volume'"),
        ("build_features", ACCEPTED, "", "no check is called 'event.volume'"),
        ("run", [], '[gate]\nseverities = ["run time=stop"]\n', "gate.severities: 'run time=stop'"),
        (
            "run",
            [],
            '[quality]\nlimits = ["events.volumes=0:"]\n',
            "no check is called 'events.volumes'; known: events.",
        ),
    ],
)
def test_a_misspelt_check_is_told_before_anything_is_read(
    command: str,
    accepted: list[str],
    settings: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No database is there to be read."""
    refused = "postgresql://writer@127.0.0.1:1/warehouse"
    for name, value in {"SHOP_DSN": refused, "WAREHOUSE_DSN": refused, "LAKE": str(tmp_path)}.items():
        monkeypatch.setenv(f"RECSYS_{name}", value)
    file = tmp_path / "shop.toml"
    file.write_text(settings)
    monkeypatch.setenv("RECSYS_CONFIG", str(file))
    assert main([command, "--as-of", "2017-12-04", *accepted]) == 1
    assert said in capsys.readouterr().err


def test_the_first_task_of_a_run_tells_a_misspelt_check(tmp_path: Path) -> None:
    settings = Settings(gate=GateSettings(severities=("run time=stop",)))
    refused = "postgresql://writer@127.0.0.1:1/warehouse"
    context = RunContext(DAY, Environment(refused, refused, str(tmp_path)), settings, "test")
    with pytest.raises(ConfigError, match="run time=stop"):
        steps.run_one(steps.claim_run, context)


@pytest.mark.postgres
def test_a_day_held_by_another_run_is_refused_until_released(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    create_warehouse(database)
    for name, value in {"SHOP_DSN": database, "WAREHOUSE_DSN": database, "LAKE": str(tmp_path)}.items():
        monkeypatch.setenv(f"RECSYS_{name}", value)
    claim_run(RunContext(DAY, Environment(database, database, str(tmp_path)), Settings(), "killed_run"))
    assert main(["build_features", "--as-of", "2017-12-04"]) == 1
    assert "killed_run" in capsys.readouterr().err
    assert main(["release", "--as-of", "2017-12-04"]) == 0
    assert "killed_run" in capsys.readouterr().out
    assert main(["release", "--as-of", "2017-12-04"]) == 1
    assert "no run holds it" in capsys.readouterr().err


def test_the_command_line_starts_without_loading_models() -> None:
    program = "import sys, recsys.__main__; print(sorted({'polars', 'pandas', 'lightgbm'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

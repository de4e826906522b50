from datetime import date, timedelta
from pathlib import Path

import pytest

from recsys.config import _NEVER_ZERO, ConfigError, Environment, Settings, load_environment, load_settings
from recsys.settings.opening import OpeningSettings


def write(folder: Path, text: str) -> str:
    path = folder / "recsys.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_file_overrides_single_values(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, 'time_zone = "Europe/Berlin"\n[data]\nlook_back_days = 30\n'))
    assert settings.time_zone == "Europe/Berlin"
    assert settings.data.look_back_days == 30
    assert settings.data.late_days == Settings().data.late_days


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("look_back = 3", "unknown setting look_back"),
        ("[data]\nlook_back = 3", r"unknown setting data\.look_back"),
        ('[data]\nlook_back_days = "many"', "expected int"),
        ("[data]\nlook_back_days = true", "expected int"),
        ('time_zone = "Mars/Olympus"', "no time zone"),
        ("data = 3", "group of settings"),
        ("[bundles]\nmin_size = 6", r"\[bundles\] min_size 6"),
        ('[opening]\nclosed_days = ["02-30"]', r"\[opening\] closed_days: '02-30' is no day such as 12-25"),
        ('[opening]\nclosed_days = ["2018-W01-1"]', "closed_days: '2018-W01-1'"),
        ('[opening]\nsale_days = ["11.11"]', "sale_days: '11.11' is no day"),
        ("= 3", "settings file"),
        ("[publish]\nretention_days = -1", r"publish\.retention_days: -1 is negative"),
        ("[interactions]\nhalf_life_days = nan", r"half_life_days: nan is no number"),
        ("[interactions]\nhalf_life_days = 0", r"interactions\.half_life_days: 0 leaves nothing"),
        ("[measuring]\nhorizons = [1, 0]", r"measuring\.horizons: 0 leaves nothing"),
        ('[measuring]\nhorizons = ["7"]', r"measuring\.horizons: expected int, got '7'"),
        ("[opening]\nclosed_days = [2018-04-01]", r"opening\.closed_days: expected str, got datetime"),
        ('[pairs]\nexcluded_categories = "COUPON"', r"excluded_categories: expected list, got 'COUPON'"),
    ],
)
def test_a_bad_file_says_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_settings(write(tmp_path, text))


def test_a_day_is_closed_every_year_or_once(tmp_path: Path) -> None:
    text = '[opening]\nclosed_days = ["12-25", "2018-04-01", "02-29"]'
    opening = load_settings(write(tmp_path, text)).opening
    assert opening.closed(date(2017, 12, 25)) and opening.closed(date(2031, 12, 25))
    assert opening.closed(date(2018, 4, 1)) and not opening.closed(date(2019, 4, 1))
    assert not Settings().opening.closed(date(2017, 12, 25))


def test_days_of_other_kinds_are_passed_over_in_looking_back() -> None:
    opening = OpeningSettings(closed_days=("05-01",), sale_days=("05-03", "05-06"))
    assert opening.apart(date(2024, 5, 6), 4) == [date(2024, 5, 3), date(2024, 5, 1)]
    assert opening.apart(date(2024, 5, 6), 3) == [date(2024, 5, 3)]
    assert Settings().opening.apart(date(2024, 5, 6), 28) == []
    every = OpeningSettings(closed_days=tuple(f"{date(2000, 1, 1) + timedelta(days=n):%m-%d}" for n in range(366)))
    assert every.apart(date(2024, 5, 6), 1) == []


def test_a_file_in_another_encoding_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "recsys.toml"
    path.write_bytes('time_zone = "Zürich"'.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"settings file .*recsys.toml"):
        load_settings(str(path))


def test_what_may_not_be_0_is_a_setting(tmp_path: Path) -> None:
    for name in _NEVER_ZERO:
        group, setting = name.split(".")
        assert getattr(getattr(Settings(), group), setting), name
    off = load_settings(write(tmp_path, "[new_items]\nlist_length = 0\n[interactions]\nreturn_weight = -2"))
    assert off.new_items.list_length == 0 and off.interactions.return_weight == -2.0


def test_a_missing_file_is_an_error() -> None:
    with pytest.raises(ConfigError, match="no-such-file"):
        load_settings("no-such-file.toml")


def test_the_fingerprint_changes_with_any_setting() -> None:
    assert Settings().fingerprint() == Settings().fingerprint()
    assert Settings().fingerprint() != Settings(seed=1).fingerprint()


def test_the_environment_names_what_is_missing() -> None:
    with pytest.raises(ConfigError, match="RECSYS_WAREHOUSE_DSN, RECSYS_LAKE"):
        load_environment({"RECSYS_SHOP_DSN": "postgresql://x"})


def test_no_password_shows_in_a_printed_environment() -> None:
    lake = "s3://key:secret@bucket/lake"
    assert "secret" not in repr(Environment("postgresql://u:secret@h/s", "postgresql://u:secret@h/w", lake))

"""The settings search: which trials it makes, and one of them on the small shop."""

import dataclasses

import pytest

from recsys.config import ConfigError
from recsys.features.history import encode
from recsys.models.search import evaluate, main, trials
from tests import known_answer_shop as shop


def test_each_value_is_tried_alone_against_the_defaults() -> None:
    told = list(trials(shop.SETTINGS, ["als_factors=16,32", "als_alpha=0.5"]))
    assert [name for name, _ in told] == ["defaults", "als_factors=16", "als_factors=32", "als_alpha=0.5"]
    assert told[2][1].models.als_factors == 32
    assert told[3][1].models == dataclasses.replace(shop.SETTINGS.models, als_alpha=0.5)


def test_a_list_is_one_value() -> None:
    told = list(trials(shop.SETTINGS, ["network_units=[64, 32],[16]"]))
    assert [settings.models.network_units for _, settings in told[1:]] == [(64, 32), (16,)]
    assert [name for name, _ in told[1:]] == ["network_units=[64, 32]", "network_units=[16]"]


@pytest.mark.parametrize(
    "choice",
    [
        "no_such=1",
        "als_factors=many",
        "als_factors",
        "als_factors=",
        "network_units=64",
        "half_life_days=8,0",
        "als_alpha=nan",
    ],
)
def test_a_wrong_choice_is_named_before_the_first_trial(choice: str) -> None:
    with pytest.raises(ConfigError, match=choice.split("=")[0]):
        trials(shop.SETTINGS, [choice])


def test_an_error_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], lake: str) -> None:
    for name, value in {"SHOP_DSN": "unused", "WAREHOUSE_DSN": "unused", "LAKE": lake, "CONFIG": ""}.items():
        monkeypatch.setenv(f"RECSYS_{name}", value)
    assert main(["--as-of", "2017-11-06"]) == 1
    missing = f"{lake} has no features/as_of_date=2017-11-06/user_codes.parquet"
    assert capsys.readouterr().err == f"error: the lake {missing}: run build_features first\n"


def test_a_trial_measures_both_lists() -> None:
    history = encode(shop.events(), shop.items(), shop.instant(shop.AS_OF_DATE), "UTC")
    told = evaluate(history, shop.AS_OF_DATE, shop.SETTINGS)
    assert told["for_you"] > 0.5
    assert 0 <= told["discover"] <= 1
    assert told["recall"] > 0.9

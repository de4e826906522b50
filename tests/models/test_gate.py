"""Worse models are kept out and the champion's serve; a person may let them pass, and is named."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from recsys import schemas
from recsys.config import ConfigError, Environment, Settings
from recsys.features.build import build_features
from recsys.models import registry, scoring
from recsys.models.gate import compare, find_champion, judge_models
from recsys.models.leaks import check_no_leak, late_rows, telling_power
from recsys.models.training import fit_generators, train_ranker
from recsys.models.versions import model_version, own_version
from recsys.run import Accepted, RunContext, RunError
from recsys.settings.gate import GateSettings
from recsys.storage import read_partition, write_partition
from tests import known_answer_shop as shop

YESTERDAY, TODAY = shop.AS_OF_DATE - timedelta(days=1), shop.AS_OF_DATE


def changed(settings: Settings, **models: Any) -> Settings:
    return dataclasses.replace(settings, models=dataclasses.replace(settings.models, **models))


def train(context: RunContext) -> RunContext:
    train_ranker(context)
    fit_generators(context)
    return context


def publish(context: RunContext) -> None:
    day = context.as_of_date
    mark = {"day": [day], "run_id": ["r"], "rows": [1], "checksum": ["c"], "model_version": ["v"]}
    write_partition(context.lake, schemas.PUBLISHED_LISTS, pl.DataFrame(mark), as_of_date=day)


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> RunContext:
    """Yesterday: trained, judged, published; today has its features."""
    lake = str(tmp_path_factory.mktemp("lake"))
    context = RunContext(YESTERDAY, Environment("", "", lake), shop.SETTINGS, "test")
    for day in (YESTERDAY, TODAY):
        shop.write_to_lake(on(context, day))
        build_features(on(context, day))
    train(context)
    judge_models(context)
    publish(context)
    return context


def on(context: RunContext, day: date, settings: Settings = shop.SETTINGS, **changes: Any) -> RunContext:
    return dataclasses.replace(context, as_of_date=day, settings=settings, **changes)


@pytest.fixture
def today(champion: RunContext) -> RunContext:
    return train(on(champion, TODAY))


@pytest.fixture
def nonsense(champion: RunContext) -> RunContext:
    """Today with a ranker that learnt from shuffled labels."""
    return train(on(champion, TODAY, changed(shop.SETTINGS, shuffled_labels=1.0)))


def verdict(context: RunContext) -> dict[str, Any]:
    rows = read_partition(context.lake, schemas.GATE_VERDICTS, as_of_date=context.as_of_date)
    return rows.filter(pl.col("check_name") == "verdict").row(0, named=True)


def test_models_as_good_as_the_champion_serve(champion: RunContext, today: RunContext) -> None:
    assert find_champion(today) == YESTERDAY
    assert judge_models(today)["failed"] == 0
    told = verdict(today)
    assert (told["passed"], told["models_of"], told["champion_date"]) == (True, TODAY, YESTERDAY)
    assert model_version(today) == own_version(today)


def test_shuffled_labels_are_stopped_and_the_champion_serves(champion: RunContext, nonsense: RunContext) -> None:
    assert judge_models(nonsense)["models_of"] == str(YESTERDAY)
    rows = read_partition(nonsense.lake, schemas.GATE_VERDICTS, as_of_date=TODAY)
    failed = rows.filter(~pl.col("passed")).select("check_name", "setting").rows()
    assert {("ranker above champion", "all"), ("ranker above decayed_frequency", "all")} <= set(failed)
    assert verdict(nonsense)["models_of"] == YESTERDAY
    assert model_version(nonsense) == model_version(champion) == own_version(champion)
    assert model_version(nonsense) != own_version(nonsense)
    assert find_champion(on(nonsense, TODAY + timedelta(days=1))) == YESTERDAY


def test_the_champions_scores_come_with_the_facts_of_today(champion: RunContext, nonsense: RunContext) -> None:
    judge_models(nonsense)
    users = list(shop.SHOPPERS)
    served = scoring.score_users(scoring.load_scorer(nonsense), users)
    theirs = scoring.score_users(scoring.load_scorer(champion), users)
    assert served["score"].equals(theirs["score"])
    both = served.join(theirs.select("user_id", "item_id", was="last_purchase_days"), on=["user_id", "item_id"])
    passed = both.filter(pl.col("was").is_not_null()).select(pl.col("last_purchase_days") - pl.col("was")).to_series()
    # A day later, unless the item was bought on that day.
    assert set(passed.round(3).unique()) >= {1.0}
    assert passed.max() == pytest.approx(1.0)


def test_an_als_of_one_factor_is_stopped_and_the_champion_serves(champion: RunContext) -> None:
    poor = changed(shop.SETTINGS, als_factors=1)
    context = train(on(champion, TODAY, dataclasses.replace(poor, gate=GateSettings(min_users=3))))
    assert judge_models(context)["models_of"] == str(YESTERDAY)
    assert failures(context) == {("als above champion's", "discover"), ("verdict", "")}
    assert model_version(context) == own_version(champion)


def test_new_settings_are_measured_where_the_champion_was_when_the_holdout_is_new(champion: RunContext) -> None:
    monday = TODAY + timedelta(days=3)
    shop.write_to_lake(on(champion, monday))
    build_features(on(champion, monday))
    gate = GateSettings(min_users=3, max_generator_loss_other_holdout=9.0)
    same = train(on(champion, monday, dataclasses.replace(shop.SETTINGS, gate=gate)))
    assert registry.read_json(same.lake, monday, "training")["newest"] == "2020-04-20"
    assert judge_models(same)["models_of"] == str(monday)
    poor = dataclasses.replace(changed(shop.SETTINGS, als_factors=1), gate=gate)
    assert judge_models(train(on(champion, monday, poor)))["models_of"] == str(YESTERDAY)
    assert ("als above champion's", "discover") in failures(same)


def failures(context: RunContext) -> set[tuple[str, str]]:
    rows = read_partition(context.lake, schemas.GATE_VERDICTS, as_of_date=context.as_of_date)
    return set(rows.filter(~pl.col("passed")).select("check_name", "setting").iter_rows())


def give(context: RunContext, cut: date, measured: bool = True, users: int = 12, **models: float) -> RunContext:
    """Let the models of the context's day have reached the given ndcg@10 for each of the users, in each setting."""
    rows = [
        {"model": model, "setting": setting, "user_id": f"u{user}", "ndcg": value + user / 1_000}
        for model, value in models.items()
        for setting in ("all", "repeat", "discover")
        for user in range(users)
    ]
    values = pl.DataFrame(rows, schema_overrides={"ndcg": pl.Float32})
    registry.write_frame(context.lake, cut, f"{context.as_of_date}-values", values)
    record = {"newest": str(cut), "key": str(context.as_of_date), "measured": measured}
    registry.write_json(context.lake, context.as_of_date, "training", record)
    metrics = pl.DataFrame(schemas.OFFLINE_METRICS.empty_table())
    write_partition(context.lake, schemas.OFFLINE_METRICS, metrics, as_of_date=context.as_of_date)
    return context


EARLIER, LATER = date(2020, 3, 30), date(2020, 4, 6)
GOOD = {"ranker": 0.4, "decayed_frequency": 0.3, "popularity": 0.1, "als": 0.2}
HARDER = {name: value * 0.8 for name, value in GOOD.items()}


@pytest.mark.parametrize(
    ("cut", "reached", "failed"),
    [
        (EARLIER, GOOD, set()),
        (EARLIER, GOOD | {"als": 0.175}, {"als above champion's"}),
        (EARLIER, GOOD | {"als": 0.185}, set()),
        (EARLIER, GOOD | {"ranker": 0.38}, {"ranker above champion"}),
        (LATER, HARDER, set()),
        (LATER, HARDER | {"ranker": 0.28}, set()),
        (LATER, HARDER | {"ranker": 0.25}, {"ranker above champion"}),
        (LATER, GOOD | {"als": 0.175}, set()),
        (LATER, GOOD | {"als": 0.1}, {"als above champion's"}),
    ],
)
def test_a_generator_may_lose_less_on_the_same_holdout_than_on_another(
    tmp_path: Path, cut: date, reached: dict[str, float], failed: set[str]
) -> None:
    before = RunContext(YESTERDAY, Environment("", "", str(tmp_path)), shop.SETTINGS, "test")
    give(before, EARLIER, **GOOD)
    today = give(on(before, TODAY), cut, **reached)
    found = {check.check_name for check in compare(today, YESTERDAY) if not check.passed}
    assert found - {"ranker above decayed_frequency"} == failed


def test_where_nothing_repeats_the_order_of_all_is_held_against_popularity(tmp_path: Path) -> None:
    """Decayed frequency reaches nothing there, and the order for discovery is another one."""
    context = RunContext(TODAY, Environment("", "", str(tmp_path)), shop.SETTINGS, "test")
    checks = compare(give(context, EARLIER, ranker=0.004, decayed_frequency=0.0, popularity=0.02), None)
    failed = {(check.check_name, check.setting) for check in checks if not check.passed}
    assert failed == {("ranker above popularity", "all"), ("ranker above popularity", "discover")}


WEAK = GOOD | {"ranker": 0.2}


def test_an_order_that_does_not_serve_is_not_judged_in_place_of_the_ranker(tmp_path: Path) -> None:
    """In a shop of three months the holdout knew the order without a ranker, and failed it every morning."""
    context = RunContext(TODAY, Environment("", "", str(tmp_path)), shop.SETTINGS, "test")
    assert {check.passed for check in compare(give(context, EARLIER, **WEAK), None)} == {True, False}
    checks = compare(give(context, EARLIER, measured=False, **WEAK), None)
    assert {(check.severity, check.passed, check.value) for check in checks} == {("info", True, None)}
    assert "not judged" in checks[0].message
    assert "0.2055 against 0.3055" in checks[0].message


def test_a_champion_does_not_give_way_to_what_was_not_measured(tmp_path: Path) -> None:
    before = RunContext(YESTERDAY, Environment("", "", str(tmp_path)), shop.SETTINGS, "test")
    give(before, EARLIER, **GOOD)
    checks = compare(give(on(before, TODAY), EARLIER, measured=False, **WEAK), YESTERDAY)
    assert {check.check_name for check in checks if not check.passed} == {"ranker above champion"}


@pytest.mark.parametrize(("measured", "users"), [(False, 12), (True, 2)])
def test_models_that_passed_untried_are_no_champion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, measured: bool, users: int
) -> None:
    """Else those of a shop's first days would serve for ever where later ones, measured, lose to a baseline."""
    monkeypatch.setattr("recsys.models.gate.own_version", lambda context: "v")
    before = RunContext(YESTERDAY, Environment("", "", str(tmp_path)), shop.SETTINGS, "test")
    judge_models(give(before, EARLIER, measured, users, **GOOD))
    publish(before)
    today = on(before, TODAY)
    assert find_champion(today) is None
    judge_models(give(today, EARLIER, **WEAK))
    assert verdict(today)["models_of"] == TODAY
    judge_models(give(before, EARLIER, **GOOD))
    assert find_champion(today) == YESTERDAY


def test_training_tells_whether_the_ranker_that_serves_was_measured(tmp_path: Path) -> None:
    context = RunContext(TODAY, Environment("", "", str(tmp_path)), shop.SETTINGS, "test")
    shop.write_to_lake(context)
    build_features(context)
    found = {}
    # The cuts reach 106, 92 and 78 days back: all usable, the newest alone, none.
    for days in (56, 100, 110):
        settings = changed(shop.SETTINGS, min_history_days=days)
        train_ranker(on(context, TODAY, settings))
        learnt = bool(registry.load_ranker(context.lake, TODAY).parts)
        found[days] = (learnt, registry.read_json(context.lake, TODAY, "training")["measured"])
    assert found == {56: (True, True), 100: (True, False), 110: (False, True)}


def test_a_shop_decides_what_stops_its_models(champion: RunContext, nonsense: RunContext) -> None:
    names = ("ranker above champion", "ranker above decayed_frequency", "ranker above popularity")
    lenient = GateSettings(severities=(*(f"{name}=warn" for name in names), "calibration=off"))
    relaxed = dataclasses.replace(nonsense, settings=dataclasses.replace(nonsense.settings, gate=lenient))
    assert judge_models(relaxed)["models_of"] == str(TODAY)
    assert ("ranker above champion", "all") in failures(relaxed)
    rows = read_partition(relaxed.lake, schemas.GATE_VERDICTS, as_of_date=TODAY)
    assert rows.filter(pl.col("check_name") == "calibration").is_empty()


@pytest.mark.parametrize("text", ["ranker=warn", "calibration=loud", "calibration"])
def test_a_severity_that_fits_no_check_is_an_error(champion: RunContext, text: str) -> None:
    settings = dataclasses.replace(shop.SETTINGS, gate=GateSettings(severities=(text,)))
    with pytest.raises(ConfigError, match="write CHECK=one of"):
        judge_models(dataclasses.replace(champion, settings=settings))


def test_a_person_lets_failed_models_pass_and_is_named(nonsense: RunContext) -> None:
    accepted = Accepted(("gate",), "anna", "we measure it on purpose")
    assert judge_models(dataclasses.replace(nonsense, accepted=accepted))["models_of"] == str(TODAY)
    told = verdict(nonsense)
    assert (told["passed"], told["models_of"]) == (False, TODAY)
    assert (told["accepted_by"], told["accepted_why"]) == ("anna", "we measure it on purpose")


def test_without_a_champion_failed_models_serve_marked_or_stop_the_run(tmp_path: Path) -> None:
    settings = changed(shop.SETTINGS, shuffled_labels=1.0)
    context = RunContext(TODAY, Environment("", "", str(tmp_path)), settings, "test")
    shop.write_to_lake(context)
    build_features(context)
    train(context)
    assert judge_models(context)["models_of"] == str(TODAY)
    told = verdict(context)
    assert (told["passed"], told["champion_date"]) == (False, None)
    strict = dataclasses.replace(settings, gate=GateSettings(stop_without_champion=True))
    with pytest.raises(RunError, match="no champion is there"):
        judge_models(dataclasses.replace(context, settings=strict))


def test_models_that_failed_and_served_for_want_of_a_champion_are_none(tmp_path: Path) -> None:
    """Else the models of the first day would serve for ever in a shop whose ranker does not beat a baseline yet."""
    settings = changed(shop.SETTINGS, shuffled_labels=1.0)
    before = RunContext(YESTERDAY, Environment("", "", str(tmp_path)), settings, "test")
    for day in (YESTERDAY, TODAY):
        shop.write_to_lake(on(before, day))
        build_features(on(before, day))
    judge_models(train(before))
    publish(before)
    today = on(before, TODAY, settings)
    assert find_champion(today) is None
    assert judge_models(train(today))["models_of"] == str(TODAY)
    judge_models(dataclasses.replace(before, accepted=Accepted(("gate",), "anna", "we measure it on purpose")))
    assert find_champion(today) == YESTERDAY


def test_the_canary_passes_honest_training(today: RunContext) -> None:
    assert check_no_leak(today)["cuts"] == 3


def test_the_canary_finds_what_lies_after_a_cut(today: RunContext) -> None:
    told = registry.read_json(today.lake, TODAY, "training")
    newest = told["newest"]
    assert late_rows(told, TODAY, shop.SETTINGS) == []
    late = {**told["cuts"][newest], "newest_event": f"{newest}T00:00:00+00:00"}
    (found,) = late_rows({**told, "cuts": {newest: late}}, TODAY, shop.SETTINGS)
    assert "holds an event of" in found
    far = {**told["cuts"][newest], "last_label_day": 15.0}
    assert "days off" in late_rows({**told, "cuts": {newest: far}}, TODAY, shop.SETTINGS)[0]
    assert "end after" in late_rows(told, date.fromisoformat(newest), shop.SETTINGS)[0]


def test_the_canary_finds_a_feature_that_knows_its_label() -> None:
    rows = pl.DataFrame({"n": range(4_000)}).with_columns(label=(pl.col("n") % 10 == 0).cast(pl.Int8))
    rows = rows.with_columns(honest=pl.col("n") % 7, told=pl.when(pl.col("label") > 0).then(1.0))
    powers = dict(telling_power(rows, ["honest", "told"]))
    assert powers["told"] == 1.0
    assert powers["honest"] < 0.6
    assert telling_power(rows.head(100), ["told"]) == []

"""The demand models on literal series, and on drawn ones whose distribution is known."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from recsys.features.demand_series import DemandLines, DemandSeries, build_lines, lay_out
from recsys.models.demand_averages import adida, croston_family, window_mean
from recsys.models.demand_boosted import fit_boosted, training_days
from recsys.models.demand_election import demand_classes, elect, scaled_errors
from recsys.models.demand_fit import forecast_demand
from recsys.models.demand_shape import days_from, over_days, weekday_factors
from recsys.models.demand_spread import Spread, assumed_spread, fit_spread, spread_from_json
from recsys.settings.demand import DemandSettings
from recsys.settings.opening import OpeningSettings

FIRST = date(2020, 1, 6)
ALWAYS_OPEN = OpeningSettings()
NO_OUTS = pl.DataFrame(schema={"item_id": pl.String, "first_day": pl.Date, "last_day": pl.Date})


def series_of(*units: list[float], unseen: dict[int, list[int]] | None = None) -> DemandSeries:
    values = np.array(units, dtype=np.float32)
    seen = np.ones(values.shape, dtype=bool)
    for item, days in (unseen or {}).items():
        seen[item, days] = False
    return DemandSeries(np.arange(len(values)), np.where(seen, values, 0).astype(np.float32), seen, values * 2)


def lines_of(
    units: np.ndarray,
    categories: list[str] | None = None,
    opening: OpeningSettings = ALWAYS_OPEN,
    launched: dict[str, date] | None = None,
) -> DemandLines:
    """Lines of a matrix (items x days); item ids are i000, i001 …"""
    item, day = np.nonzero(units)
    ids = [f"i{number:03d}" for number in range(len(units))]
    sales = pl.DataFrame(
        {
            "item_id": [ids[i] for i in item],
            "day": [FIRST + timedelta(days=int(d)) for d in day],
            "units": units[item, day].astype(float),
            "revenue": units[item, day] * 2.0,
        }
    )
    paths = categories or ["ALL > ONE"] * len(ids)
    launched_on = pl.Series([(launched or {}).get(item_id) for item_id in ids], dtype=pl.Date)
    items = pl.DataFrame({"item_id": ids, "category_path": paths, "launched_on": launched_on})
    return build_lines(sales, items, NO_OUTS, FIRST, FIRST + timedelta(days=units.shape[1]), opening)


def drawn(items: int = 150, days: int = 252, seed: int = 5) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.poisson(generator.uniform(0.05, 3, items)[:, None], (items, days))


def test_windows_divide_by_the_days_that_were_seen() -> None:
    series = series_of([2, 2, 2, 2], [2, 2, 0, 0], unseen={1: [2, 3]})
    assert window_mean(series, 4, 4).tolist() == [2, 2]
    assert window_mean(series, 4, 2).tolist() == [2, 0]


def test_tsb_and_sba_follow_their_formulas() -> None:
    settings = DemandSettings(size_smoothing=0.5, interval_smoothing=0.25)
    found = croston_family(series_of([0, 4, 0, 8]), 4, settings)
    # First demand of 4 after 2 days; the second of 8 after 2 more: size 6, interval 2, chance 0.5 -> 0.375 -> 0.53125.
    assert found["sba"].tolist() == [pytest.approx(0.75 * 6 / 2)]
    assert found["tsb"].tolist() == [pytest.approx(0.53125 * 6)]


def test_tsb_dies_out_when_demand_does_and_unseen_days_change_nothing() -> None:
    settings = DemandSettings()
    sold = [1.0] * 10
    dead, alive, unseen = (
        series_of(sold + [0] * 50),
        series_of(sold),
        series_of(sold + [0] * 50, unseen={0: list(range(10, 60))}),
    )
    levels = [croston_family(s, s.units.shape[1], settings)["tsb"][0] for s in (dead, alive, unseen)]
    assert levels[0] < 0.3 * levels[1]
    assert levels[2] == pytest.approx(levels[1])


def test_adida_smooths_weeks() -> None:
    week = [7.0, 0, 0, 0, 0, 0, 0]
    assert adida(series_of(week * 3), 21, DemandSettings())[0] == pytest.approx(1)
    rising = adida(series_of(week * 2 + [14.0] + [0.0] * 6), 21, DemandSettings(bucket_smoothing=0.5))[0]
    # Weights 0.25, 0.5, 1 of rates 1, 1, 2.
    assert rising == pytest.approx((0.25 + 0.5 + 2) / 1.75)


def test_classes_tell_often_from_seldom_and_like_from_unlike() -> None:
    seldom = np.tile([1.0, 0, 0, 0], 20)
    unlike = np.tile([1.0, 9.0], 40)
    lumpy = np.tile([1.0, 0, 0, 0, 0, 9.0, 0, 0], 10)
    series = series_of([1.0] * 80, unlike, seldom, lumpy)
    assert demand_classes(series, 80).tolist() == ["smooth", "erratic", "intermittent", "lumpy"]
    assert demand_classes(series, 40).tolist() == ["young"] * 4


def test_scaled_errors_are_one_for_a_forecast_as_bad_as_yesterday() -> None:
    series = series_of([0, 2, 0, 2, 0, 2, 0, 2], [1] * 8)
    errors = scaled_errors(series, 4, np.zeros((2, 4)))
    assert errors[0] == pytest.approx(np.sqrt(2) / 2)
    assert np.isnan(errors[1])


def test_a_class_elects_its_own_model_only_where_it_is_clearly_better() -> None:
    classes = np.array(["smooth"] * 50 + ["lumpy"] * 150)
    noise = np.random.default_rng(1).normal(0, 0.3, 200)
    better_for_smooth = np.where(classes == "smooth", 0.5, 1.2)
    found = elect(
        classes, {"a": np.ones(200), "b": better_for_smooth + 0 * noise, "c": 1 + noise - noise.mean() + 1e-4}
    )
    assert (found["smooth"], found["lumpy"], found["erratic"]) == ("b", "a", "a")
    assert elect(np.zeros(0, str), {"window_56": np.zeros(0)})["young"] == "window_56"


def test_weekday_factors_are_the_category_s_where_it_sells_enough() -> None:
    saturdays = np.zeros((2, 140))
    saturdays[0, 5::7] = 50
    saturdays[1, 60] = 1
    demand = lines_of(saturdays, ["A > SAT", "A > RARE"])
    factors = weekday_factors(demand, 140, 100.0)[demand.categories[1]]
    assert factors[0].argmax() == 5 and factors.mean(axis=1) == pytest.approx([1, 1])
    assert factors[0, 5] > factors[1, 5] > 1
    days = over_days(np.array([2.0, 1.0]), factors, np.arange(2), days_from(FIRST, 140, 168, ALWAYS_OPEN))
    assert days.sum(axis=1) == pytest.approx([56, 28])


def test_a_closed_day_lowers_no_weekday_and_its_demand_comes_on_other_days() -> None:
    units = np.full((1, 140), 20.0)
    units[0, 0] = 0
    shut = OpeningSettings((str(FIRST), str(FIRST + timedelta(days=142))))
    factors = weekday_factors(lines_of(units, opening=shut), 140, 100.0)
    assert factors[0] == pytest.approx([1] * 7)
    taken_for_a_bad_day = weekday_factors(lines_of(units), 140, 100.0)
    assert taken_for_a_bad_day[0].min() < 0.96
    days = over_days(np.array([2.0]), factors, np.zeros(1, int), days_from(FIRST, 140, 168, shut))
    assert days[0, 2] == 0 and days.sum() == pytest.approx(56)
    assert np.delete(days[0], 2) == pytest.approx([56 / 27] * 27)
    never = days_from(FIRST, 142, 143, shut)
    assert over_days(np.array([2.0]), factors, np.zeros(1, int), never).tolist() == [[0.0]]


def test_whether_a_day_is_one_of_a_sale_is_asked_once_and_not_for_every_item_sold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[date] = []

    def on_sale(_: OpeningSettings, day: date) -> bool:
        asked.append(day)
        return day == FIRST

    monkeypatch.setattr(OpeningSettings, "on_sale", on_sale)
    lines = lines_of(np.ones((5, 3))).lines
    assert sorted(asked) == [FIRST + timedelta(days=number) for number in range(3)]
    assert lines["day"].unique().sort().to_list() == [1, 2]


def test_a_day_of_a_sale_raises_no_forecast() -> None:
    units, settings = drawn(), DemandSettings(threads=1, min_training_rows=100, trees=20)
    sold_out = units.copy()
    sold_out[:, -10] = 40
    last = FIRST + timedelta(days=units.shape[1] - 10)
    usual, taken, told = (
        forecast_demand(lines_of(sold, opening=opening), settings, 7)
        for sold, opening in (
            (units, ALWAYS_OPEN),
            (sold_out, ALWAYS_OPEN),
            (sold_out, OpeningSettings((), (str(last),))),
        )
    )
    assert taken.level.sum() > 1.2 * usual.level.sum()
    assert told.level.sum() == pytest.approx(usual.level.sum(), rel=0.02)
    assert told.factors == pytest.approx(usual.factors, abs=0.05)


def test_days_of_sales_in_the_trials_leave_a_spread_that_was_measured() -> None:
    """A sale before Christmas and one after it fell into both trials: no trial was seen whole, and the normal
    distribution stood in for 300 of them."""
    days = 252
    sales = tuple(str(FIRST + timedelta(days=days - ago)) for ago in (10, 11, 40))
    demand = lines_of(drawn(days=days), opening=OpeningSettings((), sales))
    found = forecast_demand(demand, DemandSettings(threads=1, min_training_rows=100, trees=20), 7)
    assert found.spread.as_json() != assumed_spread(True).as_json()
    all_month = tuple(str(FIRST + timedelta(days=days - ago)) for ago in range(1, 57))
    unseen = lines_of(drawn(days=days), opening=OpeningSettings((), all_month))
    nothing_seen = forecast_demand(unseen, DemandSettings(threads=1), 7)
    assert nothing_seen.spread.as_json() == assumed_spread(True).as_json()


def test_an_item_that_sold_in_a_sale_alone_is_expected_to_sell_like_a_new_one() -> None:
    """i000 was launched three days before the sale, as i002, which sold one on the day after; i001 was always there.

    What is known of the category counts as much as fourteen days with one unit at the most.
    """
    units, settings = drawn(), DemandSettings(threads=1, min_training_rows=100, trees=20)
    days = units.shape[1]
    units[:3] = 0
    units[:2, -10], units[2, -9] = 40, 1
    sale = FIRST + timedelta(days=days - 10)
    launched = {item_id: FIRST + timedelta(days=days - 13) for item_id in ("i000", "i002")}
    found = forecast_demand(lines_of(units, opening=OpeningSettings((), (str(sale),)), launched=launched), settings, 7)
    assert found.model[:3].tolist() == ["average"] * 3
    assert found.level[:3] == pytest.approx([1 / (13 + 14), 1 / (days + 14), 2 / (13 + 14)])


def test_spread_covers_what_it_says_on_days_and_sums_that_it_never_saw() -> None:
    generator = np.random.default_rng(3)
    rate = generator.uniform(0.1, 4, 4000)
    forecast = np.repeat(rate[:, None], 28, axis=1)
    past, later = generator.poisson(forecast), generator.poisson(forecast)
    spread = fit_spread(forecast, past.astype(float), np.ones(forecast.shape, bool), np.ones(4000), True)
    total = later.sum(axis=1)
    for probability in (0.1, 0.5, 0.9, 0.98):
        bound = spread.of_sum(forecast.sum(axis=1), np.ones(4000), np.full(4000, 28.0), probability)
        assert (total <= bound).mean() == pytest.approx(probability, abs=0.03)
    week = spread.of_sum(forecast[:, :10].sum(axis=1), np.ones(4000), np.full(4000, 10.0), 0.9)
    assert (later[:, :10].sum(axis=1) <= week).mean() == pytest.approx(0.9, abs=0.03)
    day = spread.of_day(forecast.ravel(), np.ones(forecast.size), 0.9)
    assert (later.ravel() <= day).mean() >= 0.88
    assert (day == day.round()).all()


def test_spread_covers_the_demand_of_items_that_run_out_of_stock() -> None:
    """Stock ends where demand was high: trials that were seen whole are those of low demand, of which alone the
    quantiles had been made."""
    generator = np.random.default_rng(4)
    forecast = np.repeat(generator.uniform(0.5, 3, 4000)[:, None], 28, axis=1)
    past, later = generator.poisson(forecast), generator.poisson(forecast)
    before = np.cumsum(past, axis=1) - past
    seen = before < 25 * forecast
    assert seen.all(axis=1).mean() < 0.5
    spread = fit_spread(forecast, (past * seen).astype(float), seen, np.ones(4000), True)
    for probability in (0.5, 0.9, 0.98):
        for days in (7, 28):
            asked = (forecast[:, :days].sum(axis=1), np.ones(4000), np.full(4000, float(days)))
            covered = (later[:, :days].sum(axis=1) <= spread.of_sum(*asked, probability)).mean()
            assert covered == pytest.approx(probability, abs=0.05 if probability < 0.9 else 0.03)


def test_spread_of_items_whose_like_was_never_tried_is_that_of_their_neighbours() -> None:
    """Where what sells much also varies much, few items are large and even: their cell has no trial."""
    random = np.random.default_rng(0)
    level = np.exp(random.normal(-1, 1.3, 2000))
    dispersion = 1 + 0.3 * level
    forecast = np.repeat(level[:, None], 28, axis=1)
    spread = fit_spread(forecast, random.poisson(forecast).astype(float), np.ones((2000, 28), bool), dispersion, True)
    asked = np.geomspace(0.01, 50, 200)
    for even in (1.0, 2.0, 20.0):
        high = spread.of_day(asked, np.full(200, even), 0.9)
        assert (high <= 10 * asked + 5).all() and (high[asked > 5] >= 0.5 * asked[asked > 5]).all()
        total = spread.of_sum(28 * asked, np.full(200, even), np.full(200, 28.0), 0.9)
        assert (total[asked > 5] > 28 * asked[asked > 5]).all() and (total <= 100 * asked + 50).all()


def test_spread_where_nothing_was_forecast_stays_small() -> None:
    forecast = np.zeros((400, 28))
    sold = np.zeros((400, 28))
    sold[::4, 3] = 2.0
    spread = fit_spread(forecast, sold, np.ones((400, 28), bool), np.ones(400), True)
    assert spread.of_day(np.array([0.0005]), np.ones(1), 0.995)[0] <= 10


def test_spread_survives_its_journey_as_json() -> None:
    values = np.random.default_rng(2).poisson(1.0, (200, 28)).astype(float)
    spread = fit_spread(np.ones((200, 28)), values, np.ones((200, 28), bool), np.ones(200), False)
    again = spread_from_json(spread.as_json())
    asked = (np.array([5.0]), np.array([1.0]), np.array([9.0]), 0.9)
    assert isinstance(again, Spread) and again.of_sum(*asked).tolist() == spread.of_sum(*asked).tolist()


def test_without_past_forecasts_the_normal_distribution_stands_in() -> None:
    spread = fit_spread(np.ones((3, 28)), np.ones((3, 28)), np.ones((3, 28), bool), np.ones(3), True)
    assert spread.as_json() == assumed_spread(True).as_json()
    assert spread.of_sum(np.array([100.0]), np.ones(1), np.array([28.0]), 0.9)[0] == pytest.approx(112.8, abs=0.1)


def test_training_days_end_before_the_newest_day() -> None:
    settings = DemandSettings()
    days = training_days(252, settings)
    assert max(days) == 252 - settings.horizon_days
    assert min(days) >= settings.min_history_days
    assert training_days(100, settings) == []


def test_the_boosted_model_learns_from_the_past_alone() -> None:
    settings = DemandSettings(threads=1, min_training_rows=100, trees=20)
    units = drawn()
    changed = units.copy()
    changed[:, 224:] = 40
    models = []
    for values in (units, changed):
        demand = lines_of(values)
        rows = np.arange(len(demand.item_ids))
        model = fit_boosted(demand, lay_out(demand, rows), 224, settings, 1)
        assert model is not None
        models.append(model.booster.model_to_string())
    assert models[0] == models[1]


def test_the_whole_forecast_is_repeatable_and_near_the_truth() -> None:
    settings = DemandSettings(threads=1, min_training_rows=100, trees=20)
    units = drawn()
    demand = lines_of(units)
    first, second = (forecast_demand(demand, settings, 7) for _ in range(2))
    assert first.level.tolist() == second.level.tolist()
    assert first.level.sum() == pytest.approx(units.mean(axis=1).sum(), rel=0.05)
    assert set(first.model) <= {name for name in first.elected.values()} | {"average", "none"}


def test_what_sells_seldom_but_by_the_dozen_strays_further_than_what_sells_singly() -> None:
    units = drawn()
    units[:2] = 0
    units[0, [100, 150, 200]], units[1, [100, 150, 200]] = 24, 1
    found = forecast_demand(lines_of(units), DemandSettings(threads=1, trees=5), 7)
    assert found.kind[:2].tolist() == ["sparse", "sparse"]
    # 72 units of 24 each, five single ones beside them.
    assert found.dispersion[:2] == pytest.approx([(24 * 72 + 5) / 77, 1], rel=0.02)
    length = np.full(2, 28.0)
    high = found.spread.of_sum(found.level[:2] * 28, found.dispersion[:2], length, 0.98)
    assert high[0] > 24 and high[1] < 4


def test_an_item_without_demand_for_half_a_year_is_forecast_at_zero() -> None:
    units = drawn()
    units[0, 40:] = 0
    demand = lines_of(units)
    assert forecast_demand(demand, DemandSettings(threads=1, trees=5), 7).level[0] == 0

import numpy as np
import polars as pl
import pytest

from recsys.recommendations.explored import self_normalised, slot_rows, slot_sums

SCHEMA = {"user_id": pl.String, "rank": pl.Int32, "item_id": pl.String, "propensity": pl.Float64}
NAMES = ["list", "slice", "slice_value", "metric", "value", "low", "high", "users"]


def rows(*told: tuple[str, int, str, float | None]) -> pl.DataFrame:
    return pl.DataFrame(told, schema=SCHEMA, orient="row")


SHOWN = rows(
    ("u", 1, "a", None),
    ("u", 2, "b", 0.5),
    ("v", 1, "c", None),
    ("v", 2, "d", 0.25),
    ("w", 2, "e", 0.5),
    ("w", 21, "f", 0.5),
)
REACHED = pl.DataFrame({"user_id": ["u", "u", "v"], "item_id": ["a", "b", "x"], "revenue": [1.0, 2.0, 9.0]})


def told(parts: list[pl.DataFrame], min_size: float = 1.0) -> dict[tuple[str, str], tuple[float, ...]]:
    frame = pl.DataFrame(slot_rows(parts, 20, min_size), schema=NAMES, orient="row")
    return {(row[2], row[3]): (row[4], row[5], row[6]) for row in frame.iter_rows()}


def test_slots_of_known_lists() -> None:
    found = told([slot_sums("for_you", SHOWN, REACHED, 20)])
    assert found["ranked", "precision@20"][0] == 0.5
    assert found["explored", "precision@20"][0] == pytest.approx(1 / 3)
    assert found["explored", "hits@20"][0] == 1
    assert found["explored", "revenue@20"][0] == 2
    # Weights 2, 4, 2 with the hit at the first: 2 / 8, and 64 / 24 rows' worth.
    assert found["explored", "uniform_precision@20"][0] == pytest.approx(0.25)
    assert found["explored", "effective_sample_size@20"][0] == pytest.approx(64 / 24)
    assert ("ranked", "uniform_precision@20") not in found


def test_too_small_a_sample_is_refused_and_its_size_told() -> None:
    found = told([slot_sums("for_you", SHOWN, REACHED, 20)], min_size=3)
    assert ("explored", "uniform_precision@20") not in found
    assert ("explored", "effective_sample_size@20") in found


def test_shards_add_up_to_the_whole() -> None:
    parts = [slot_sums("for_you", SHOWN.filter(pl.col("user_id") == user), REACHED, 20) for user in "wuv"]
    assert told(parts) == told([slot_sums("for_you", SHOWN, REACHED, 20)])


def test_lists_without_exploration_have_no_slots() -> None:
    plain = SHOWN.with_columns(propensity=pl.lit(None, pl.Float64))
    assert slot_sums("for_you", plain, REACHED, 20).is_empty()
    assert slot_sums("for_you", SHOWN.with_columns(propensity=pl.lit(0.0)), REACHED, 20).is_empty()
    assert slot_rows([], 20, 1) == []


def test_the_estimate_undoes_what_the_policy_preferred() -> None:
    """Half of a pool of ten is liked; the policy shows liked items nine times as often as the others."""
    generator = np.random.default_rng(1)
    chances = np.repeat([0.18, 0.02], 5)
    item = generator.choice(10, 20_000, p=chances)
    weight, hit = 1 / chances[item], item < 5
    assert hit.mean() > 0.85
    value, low, high = self_normalised(weight.sum(), (weight**2).sum(), weight[hit].sum(), (weight[hit] ** 2).sum())
    assert low < 0.5 < high
    assert value == pytest.approx(0.5, abs=0.03)

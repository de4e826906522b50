from datetime import date
from pathlib import Path

import polars as pl
import pytest

from recsys.config import Environment, Settings
from recsys.recommendations.experiments import arm_rows, assign, assigned_on, bucket_of, sample_ratio, write_assignments
from recsys.run import RunContext
from recsys.settings.experiments import ExperimentSettings

USERS = pl.Series("user_id", [f"u{number}" for number in range(2_000)])
HALVES = ExperimentSettings(("banner=control:50,varied:50",))


def arms(settings: ExperimentSettings) -> dict[str, str]:
    return dict(assign(USERS, settings).select("user_id", "arm").iter_rows())


def test_a_bucket_never_changes() -> None:
    assert bucket_of("banner", "u0") == 5925
    assert bucket_of("other", "u0") != 5925


def test_arms_hold_their_shares() -> None:
    told = pl.Series(list(arms(HALVES).values())).value_counts().sort("")
    assert told["count"].sum() == 2_000
    assert abs(told["count"][0] - 1_000) < 100
    some = assign(USERS, ExperimentSettings(("banner=control:5,varied:10",)))
    assert 200 < len(some) < 400
    assert some.filter(pl.col("arm") == "control")["share"].unique().to_list() == pytest.approx([0.05])


def test_the_last_arm_may_grow_without_moving_anybody() -> None:
    before, after = (arms(ExperimentSettings((f"banner=control:20,varied:{share}",))) for share in (20, 40))
    assert before.items() <= after.items()
    assert len(after) > len(before)


def test_experiments_do_not_lean_on_each_other() -> None:
    both = assign(USERS, ExperimentSettings(("a=x:50,y:50", "b=x:50,y:50")))
    wide = both.pivot("experiment", index="user_id", values="arm")
    assert 0.4 < (wide["a"] == wide["b"]).mean() < 0.6  # type: ignore[operator]


@pytest.mark.parametrize("text", ["banner", "banner=control", "=a:50", "a=x:60,y:60", "a=x:0", "a=x:5,x:5", "a/b=x:5"])
def test_what_is_no_experiment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"banner=control|names once"):
        ExperimentSettings((text,))


ASSIGNED = pl.DataFrame(
    {"experiment": "e", "user_id": ["a", "b", "c", "d"], "arm": ["x", "x", "y", "y"], "share": [0.5] * 4}
)


def test_each_arm_is_measured() -> None:
    users = pl.DataFrame({"list": "for_you", "user_id": ["a", "b", "c", "z"], "ndcg": [1.0, 0.0, 0.5, 9.0]})
    rows = {row[2:4]: (row[4], row[5], row[7]) for row in arm_rows(users, ASSIGNED, {"ndcg@10": "ndcg"})}
    assert rows["e/x", "ndcg@10"] == (0.5, pytest.approx(0.5 - 1.96 * 0.5**0.5 / 2**0.5), 2)
    # One user tells nothing of how far users differ.
    assert rows["e/y", "ndcg@10"] == (0.5, None, 1)
    assert rows["e", "sample_ratio_p"][2] == 3


def test_uneven_arms_are_told() -> None:
    fair, uneven = (pl.DataFrame({"arm": ["x"] * x + ["y"] * y}) for x, y in ((52, 48), (600, 400)))
    assert sample_ratio(fair, ASSIGNED) == pytest.approx(0.689, abs=0.001)
    assert sample_ratio(uneven, ASSIGNED) < 1e-9
    assert sample_ratio(fair.clear(), ASSIGNED) == 1


def test_without_an_experiment_there_is_no_row(tmp_path: Path) -> None:
    context = RunContext(date(2024, 3, 10), Environment("", "", str(tmp_path)), Settings(), "test")
    assert assigned_on(context, date(2024, 3, 10)).is_empty()
    assert write_assignments(context, USERS) == 0
    assert assigned_on(context, date(2024, 3, 10)).is_empty()

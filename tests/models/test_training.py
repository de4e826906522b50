"""The two-stage protocol on the small shop: what it writes, what it may not know, that it repeats itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from recsys import schemas
from recsys.config import Environment
from recsys.features.build import build_features, load_history
from recsys.models import registry, scoring
from recsys.models.ranker import sample_rows
from recsys.models.training import build_cut, draw_users, fit_generators, label_types, train_ranker
from recsys.run import RunContext
from recsys.storage import LakeError, read_partition
from tests import known_answer_shop as shop


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> RunContext:
    return run(
        RunContext(shop.AS_OF_DATE, Environment("", "", str(tmp_path_factory.mktemp("lake"))), shop.SETTINGS, "t")
    )


def run(context: RunContext) -> RunContext:
    shop.write_to_lake(context)
    build_features(context)
    train_ranker(context)
    fit_generators(context)
    return context


def scores(context: RunContext, users: list[str]) -> pl.DataFrame:
    return scoring.score_users(scoring.load_scorer(context), users)


def test_staples_come_first_and_never_bought_items_are_for_discovery(trained: RunContext) -> None:
    rows = scores(trained, ["coffee_lover_1"]).sort("score", descending=True)
    assert set(rows["item_id"].head(2)) == {"coffee", "filters"}
    bought = rows["purchases"] > 0
    assert rows.filter(bought)["discover_score"].null_count() == bought.sum()
    assert rows.filter(~bought)["repeat_score"].null_count() == (~bought).sum()
    assert rows["score"].is_finite().all()
    assert rows["generator"].null_count() == 0


def test_scores_do_not_depend_on_who_else_is_scored(trained: RunContext) -> None:
    alone, together = scores(trained, ["family_3"]), scores(trained, ["family_3", "cat_owner_2", "browser"])
    together = together.filter(pl.col("user_id") == "family_3")
    assert alone["item_id"].to_list() == together["item_id"].to_list()
    assert alone["score"].to_list() == pytest.approx(together["score"].to_list(), abs=1e-5)


def test_users_without_history_yield_no_row(trained: RunContext) -> None:
    assert scores(trained, ["newcomer", "nobody"]).is_empty()
    assert scores(trained, []).schema == pl.Schema(scoring.OUTPUT)


def test_metrics_tell_recall_order_and_margins_apart(trained: RunContext) -> None:
    metrics = read_partition(trained.lake, schemas.OFFLINE_METRICS, as_of_date=trained.as_of_date)
    told = {(m, s, k): v for m, s, k, v in metrics.select("model", "setting", "metric", "value").rows()}
    assert {setting for _, setting, _ in told} == {"all", "repeat", "discover"}
    whole = told["candidates", "all", "recall"]
    assert 0 < told["buy_again", "all", "recall"] <= whole <= 1
    assert 0 <= told["buy_again", "all", "marginal recall"] <= told["buy_again", "all", "recall"]
    assert told["buy_again", "discover", "recall"] == 0
    assert told["ranker", "all", "ndcg@10"] > told["popularity", "all", "ndcg@10"]
    above = told["ranker", "all", "ndcg@10 above popularity"]
    assert above == pytest.approx(told["ranker", "all", "ndcg@10"] - told["popularity", "all", "ndcg@10"])
    assert (metrics["holdout_to"] == trained.as_of_date).all()


def test_the_same_run_twice_gives_the_same_models(
    trained: RunContext, tmp_path_factory: pytest.TempPathFactory
) -> None:
    again = run(replace(trained, environment=Environment("", "", str(tmp_path_factory.mktemp("again")))))
    assert scoring.model_version(again) == scoring.model_version(trained)
    users = list(shop.SHOPPERS)
    assert scores(again, users).equals(scores(trained, users))


def test_a_cut_knows_nothing_of_what_follows_it(trained: RunContext) -> None:
    history = load_history(trained)
    at = trained.as_of - timedelta(days=14)
    whole = build_cut(history, at, ("purchase",), shop.SETTINGS, True)
    later = pl.col("at") >= at + timedelta(days=14 - 1)
    changed = history.events.with_columns(price=pl.when(later).then(999.0).otherwise("price").cast(pl.Float32))
    altered = build_cut(replace(history, events=changed), at, ("purchase",), shop.SETTINGS, True)
    assert whole.frame.drop("label").equals(altered.frame.drop("label"))


def test_labels_are_purchases_of_the_horizon_alone(trained: RunContext) -> None:
    history = load_history(trained)
    at = trained.as_of - timedelta(days=14)
    cut = build_cut(history, at, ("purchase",), shop.SETTINGS, True)
    later = history.aged("purchase").filter((pl.col("at") >= at) & (pl.col("at") < history.as_of))
    assert cut.labels.join(later, on=["user", "item"], how="anti").is_empty()
    positives = cut.frame.filter(pl.col("label") == 1).select("user", "item")
    assert positives.join(cut.labels, on=["user", "item"], how="anti").is_empty()


def test_a_shop_without_purchases_learns_from_wider_labels(trained: RunContext) -> None:
    history = load_history(trained)
    views = replace(history, events=history.events.with_columns(type=pl.lit(0, pl.Int32)))
    settings = replace(shop.SETTINGS, models=replace(shop.SETTINGS.models, min_labels=5))
    assert label_types(history, settings) == ("purchase",)
    assert "view" in label_types(views, settings)


def test_users_are_drawn_by_seed_and_negatives_bounded() -> None:
    users = pl.Series(range(100), dtype=pl.Int32)
    assert draw_users(users, 10, 1).tolist() == draw_users(users, 10, 1).tolist()
    assert len(set(draw_users(users, 10, 1).tolist())) == 10
    rows = pl.DataFrame({"user": [0] * 20 + [1] * 20, "item": [*range(20)] * 2, "label": [1, 1] + [0] * 38})
    kept = sample_rows(rows, 5, 1)
    assert kept["user"].unique().to_list() == [0]
    assert (kept["label"].sum(), len(kept)) == (2, 7)


def test_a_day_without_models_says_which_step_is_missing(trained: RunContext) -> None:
    with pytest.raises(LakeError, match="run train_ranker"):
        registry.load_ranker(trained.lake, trained.as_of_date + timedelta(days=1))

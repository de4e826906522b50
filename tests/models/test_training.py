"""The two-stage protocol on the small shop: what it writes, what it may not know, that it repeats itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal, assert_series_equal

from recsys import schemas
from recsys.config import Environment
from recsys.features import build
from recsys.features.assemble import as_if_new, feature_names
from recsys.features.build import build_features, load_history
from recsys.features.history import History, encode
from recsys.features.item_content import build_item_content
from recsys.models import registry, scoring
from recsys.models.cuts import Cut, cut_days, cut_frame, cut_key, draw_users, label_types, make_cut
from recsys.models.ranker import sample_rows, with_new_rows
from recsys.models.training import fit_generators, train_ranker
from recsys.models.versions import model_version
from recsys.run import RunContext, start_of_day
from recsys.settings.models import ModelSettings
from recsys.storage import Lake, LakeError, read_partition, write_partition
from tests import known_answer_shop as shop

AT = start_of_day(cut_days(shop.AS_OF_DATE, shop.SETTINGS.models)[0], shop.SETTINGS.time_zone)


NEW = "goat_milk"
SETTINGS = replace(
    shop.SETTINGS,
    content=replace(shop.SETTINGS.content, encoder="none"),
    models=replace(shop.SETTINGS.models, hidden_items=0.2),
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> RunContext:
    return run(RunContext(shop.AS_OF_DATE, Environment("", "", str(tmp_path_factory.mktemp("lake"))), SETTINGS, "t"))


def run(context: RunContext) -> RunContext:
    """The small shop, with an item launched the day before that nobody has seen yet."""
    shop.write_to_lake(context)
    items = read_partition(context.lake, schemas.ITEMS, as_of_date=context.as_of_date)
    launched = pl.lit(context.as_of - timedelta(days=1)).cast(items.schema["launched_at"])
    new = items.filter(pl.col("item_id") == "milk").with_columns(item_id=pl.lit(NEW), launched_at=launched)
    write_partition(context.lake, schemas.ITEMS, pl.concat([items, new]), as_of_date=context.as_of_date)
    build_item_content(context)
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


def test_an_item_without_history_is_a_candidate_judged_by_user_and_category(trained: RunContext) -> None:
    rows = scores(trained, ["family_3"])
    new = rows.filter(pl.col("item_id") == NEW).to_dicts()[0]
    assert new["generator"] == "cold_items" and new["anchor_item_id"] == "milk" and new["cold_items_rank"] == 1
    ranker = registry.load_ranker(trained.lake, trained.as_of_date)
    frame = pl.concat(scoring.candidate_frames(scoring.load_scorer(trained), ["family_3"]))
    code = scoring.load_scorer(trained).item_ids.to_list().index(NEW)
    known = frame.filter(pl.col("item") == code).select(ranker.features).row(0, named=True)
    assert (
        known["leaf_trips"] > 0 and known["u_trips"] > 0 and known["ease_score"] is None and known["i_buyers"] is None
    )
    assert {name for name, value in known.items() if value is not None} <= {*visible(frame, ranker.features)}


def visible(frame: pl.DataFrame, features: list[str]) -> list[str]:
    """Features that the rows keep which the ranker learns from as if their items were new."""
    seen = as_if_new(frame)
    return [name for name in features if seen[name].null_count() < len(seen)]


def test_rows_come_again_as_if_their_items_were_new(trained: RunContext) -> None:
    frame = pl.concat(scoring.candidate_frames(scoring.load_scorer(trained), ["family_3", "cat_owner_2"]))
    frame = frame.filter(pl.col("i_buyers").is_not_null())
    never = frame["ui_trips"].is_null()
    twice = with_new_rows(frame, 1.0, 1)
    assert len(twice) == len(frame) + never.sum()
    assert twice["user"].is_sorted()
    hidden = twice.filter(pl.struct("user", "item").is_duplicated() & pl.col("i_buyers").is_null())
    assert hidden.select("user", "item").sort("user", "item").equals(frame.filter(never).select("user", "item"))
    assert hidden["u_trips"].null_count() == 0 and not {"i_buyers", "x_popular", "als_score"} & {
        *visible(frame, frame.columns)
    }
    assert with_new_rows(frame, 0.0, 1).equals(frame)
    assert 0 < len(with_new_rows(frame, 0.5, 1)) - len(frame) < never.sum()


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
    assert (metrics["holdout_from"] == AT.date()).all()
    assert (metrics["holdout_to"] <= trained.as_of_date).all()


def test_the_same_run_twice_gives_the_same_models(
    trained: RunContext, tmp_path_factory: pytest.TempPathFactory
) -> None:
    again = run(replace(trained, environment=Environment("", "", str(tmp_path_factory.mktemp("again")))))
    assert model_version(again) == model_version(trained)
    users = list(shop.SHOPPERS)
    assert scores(again, users).equals(scores(trained, users))


def built(history: History, changed: pl.Expr | None = None) -> tuple[Cut, pl.DataFrame]:
    if changed is not None:
        history = replace(history, events=history.events.with_columns(changed))
    cut = make_cut(history, AT.date(), ("purchase",), shop.SETTINGS)
    return cut, cut_frame(cut, shop.SETTINGS, True)


def test_models_start_from_the_events_that_the_features_were_made_from(
    trained: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[History] = []

    def encoded(*given: Any) -> History:
        made.append(encode(*given))
        return made[-1]

    monkeypatch.setattr(build, "encode", encoded)
    build_features(trained)
    read = load_history(trained)
    assert len(made) == 1
    for name in ("events", "tree"):
        assert_frame_equal(getattr(read, name), getattr(made[0], name))
    for name in ("users", "items"):
        assert_series_equal(getattr(read, name), getattr(made[0], name))
    assert read.as_of == made[0].as_of


def test_a_cut_knows_nothing_of_what_follows_it(trained: RunContext) -> None:
    later = pl.col("at") >= AT
    price = pl.when(later).then(999.0).otherwise("price").cast(pl.Float32).alias("price")
    _, whole = built(load_history(trained))
    _, altered = built(load_history(trained), price)
    assert whole.equals(altered)


def test_labels_are_purchases_of_the_horizon_alone(trained: RunContext) -> None:
    history = load_history(trained)
    cut, frame = built(history)
    later = history.aged("purchase").filter((pl.col("at") >= AT) & (pl.col("at") < history.as_of))
    told = named(cut, cut.labels)
    assert told.join(named(history, later), on=["user_id", "item_id"], how="anti").is_empty()
    assert cut.labels["first_day"].is_between(0, shop.SETTINGS.models.horizon_days).all()
    positives = frame.filter(pl.col("label") == 1).select("user", "item")
    assert positives.join(cut.labels, on=["user", "item"], how="anti").is_empty()
    assert not {"label", "first_day"} & set(feature_names(frame))


def named(source: Cut | History, pairs: pl.DataFrame) -> pl.DataFrame:
    history = source.history if isinstance(source, Cut) else source
    return pairs.select(user_id=history.users.gather(pairs["user"]), item_id=history.items.gather(pairs["item"]))


def test_a_cut_is_keyed_by_what_it_hangs_on_and_not_by_the_day_that_asks(trained: RunContext) -> None:
    history = load_history(trained)
    cut, _ = built(history)
    key = cut_key(cut, shop.SETTINGS, True)
    longer = replace(history, events=history.events.filter(pl.col("at") < history.as_of - timedelta(days=0.5)))
    assert cut_key(make_cut(longer, AT.date(), ("purchase",), shop.SETTINGS), shop.SETTINGS, True) == key
    dearer = pl.col("price") + (pl.col("at") == pl.col("at").min()).cast(pl.Float32)
    assert cut_key(built(history, dearer)[0], shop.SETTINGS, True) != key
    assert cut_key(cut, replace(shop.SETTINGS, seed=1), True) != key
    assert cut_key(cut, shop.SETTINGS, False) != key


def test_days_of_one_week_share_a_ranker(trained: RunContext) -> None:
    monday = date(2024, 7, 1)
    models = ModelSettings(horizon_days=28, training_cuts=2)
    days = {cut_days(monday + timedelta(days=n), models)[0] for n in range(7)}
    assert days == {monday - timedelta(days=28)}
    assert cut_days(monday, models) == [monday - timedelta(days=28 * n) for n in (1, 2, 3)]
    assert cut_days(monday - timedelta(days=1), models)[0] == monday - timedelta(days=35)
    daily = replace(models, training_interval_days=1)
    assert cut_days(monday - timedelta(days=1), daily)[0] == monday - timedelta(days=29)


def test_a_ranker_of_the_same_cuts_is_taken_from_the_lake_to_the_byte(trained: RunContext) -> None:
    first = registry.read_json(trained.lake, trained.as_of_date, "ranker")
    metrics = read_partition(trained.lake, schemas.OFFLINE_METRICS, as_of_date=trained.as_of_date)
    assert train_ranker(trained)["reused"] == 1
    assert registry.read_json(trained.lake, trained.as_of_date, "ranker") == first
    again = read_partition(trained.lake, schemas.OFFLINE_METRICS, as_of_date=trained.as_of_date)
    assert again.equals(metrics)


def test_cuts_that_no_day_needs_any_more_leave_the_lake(tmp_path: Path) -> None:
    lake, frame = Lake(str(tmp_path)), pl.DataFrame({"user": [1]})
    for day in (date(2024, 1, 1), date(2024, 1, 8)):
        registry.write_frame(lake, day, "key", frame)
    assert len(registry.drop_old_cuts(lake, date(2024, 1, 8))) == 1
    assert registry.read_frame(lake, date(2024, 1, 1), "key") is None
    kept = registry.read_frame(lake, date(2024, 1, 8), "key")
    assert kept is not None and kept.equals(frame)


def test_a_shop_without_purchases_learns_from_wider_labels(trained: RunContext) -> None:
    history = load_history(trained)
    views = replace(history, events=history.events.with_columns(type=pl.lit(0, pl.Int32)))
    settings = replace(shop.SETTINGS, models=replace(shop.SETTINGS.models, min_labels=5))
    assert label_types(history, AT.date(), settings) == ("purchase",)
    assert "view" in label_types(views, AT.date(), settings)


def test_users_are_drawn_by_seed_and_negatives_bounded() -> None:
    users = pl.Series(range(100), dtype=pl.Int32)
    assert draw_users(users, 10, 1).tolist() == draw_users(users, 10, 1).tolist()
    assert len(set(draw_users(users, 10, 1).tolist())) == 10
    rows = pl.DataFrame({"user": [0] * 20 + [1] * 20, "item": [*range(20)] * 2, "label": [1, 1] + [0] * 38})
    kept = sample_rows(rows, 5, 1)
    assert kept["user"].unique().to_list() == [0]
    assert (kept["label"].sum(), len(kept)) == (2, 7)


def test_who_takes_everything_teaches_no_more_than_ten_others() -> None:
    shoppers = pl.DataFrame({"user": [*range(40)] * 2, "item": [0] * 40 + [1] * 40, "label": [1] * 80})
    crawler = pl.DataFrame({"user": [40] * 300, "item": [*range(300)], "label": [1] * 250 + [0] * 50})
    kept = sample_rows(pl.concat([shoppers, crawler]), 5, 1)
    assert kept.filter(pl.col("user") < 40).height == 80
    assert kept.filter(pl.col("user") == 40)["label"].value_counts().sort("label").rows() == [(0, 5), (1, 20)]
    # Where everybody takes much, nobody stands out.
    assert sample_rows(crawler, 5, 1)["label"].sum() == 250


def test_a_day_without_models_says_which_step_is_missing(trained: RunContext) -> None:
    with pytest.raises(LakeError, match="run train_ranker"):
        registry.load_ranker(trained.lake, trained.as_of_date + timedelta(days=1))

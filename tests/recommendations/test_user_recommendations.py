"""plan_user_shards and recommend_users through the lake, with scores that are written down instead of learnt."""

import logging
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp

from recsys import schemas
from recsys.config import Environment, Settings
from recsys.models import scoring
from recsys.models.candidates import GeneratorSet
from recsys.models.cold_items import ColdItems
from recsys.models.ranker import Ranker
from recsys.models.repeat_purchase import PAIR_FACTS, USER_FACTS, RepeatPurchase
from recsys.recommendations import user_recommendations
from recsys.recommendations.lists import SCORED
from recsys.recommendations.new_arrivals import NewDay
from recsys.recommendations.repeat_chances import RepeatDay
from recsys.recommendations.user_recommendations import plan_user_shards, recommend_users
from recsys.run import RunContext
from recsys.settings.lists import RulesSettings
from recsys.settings.new_items import NewItemSettings
from recsys.settings.repeat import RepeatSettings
from recsys.storage import (
    LakeError,
    file_checksum,
    list_keys,
    partition_path,
    read_partition,
    write_partition,
)
from tests import known_answer_shop as shop

NO_RHYTHM = RepeatDay(
    RepeatPurchase(*[np.zeros(0, np.float32)] * 3, None, RepeatSettings()),
    pl.Series(dtype=pl.String),
    pl.Series(dtype=pl.String),
    pl.LazyFrame(schema={"user": pl.Int32, "item": pl.Int32, **dict.fromkeys(PAIR_FACTS, pl.Float32)}),
    pl.LazyFrame(schema={"user": pl.Int32, **dict.fromkeys(USER_FACTS, pl.Float32)}),
)
"""Nothing is known of anybody's repeat purchases."""


_WEIGHED = pl.LazyFrame(schema={"user": pl.Int32, "item": pl.Int32, "weight": pl.Float32})
NOTHING_NEW = NewDay(
    ColdItems([], sp.csr_matrix(np.zeros((0, 0))), np.zeros((0, 1), np.float32), NewItemSettings()),
    pl.Series(dtype=pl.String),
    pl.Series(dtype=pl.String),
    np.zeros((0, 1), np.float32),
    _WEIGHED,
    _WEIGHED,
)


@pytest.fixture
def context(lake: str) -> RunContext:
    made = RunContext(shop.AS_OF_DATE, Environment("", "", lake), Settings(rules=RulesSettings(list_length=5)), "test")
    shop.write_to_lake(made)
    return made


@pytest.fixture(autouse=True)
def written_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores by the length of the item's name for whoever has events; half of the items count as bought."""

    def score_with_features(scorer: object, user_ids: list[str], depth: int) -> scoring.Scored:
        warm = [user_id for user_id in user_ids if user_id in shop.SHOPPERS]
        pairs = pl.DataFrame({"user_id": warm}, schema={"user_id": pl.String}).join(
            pl.DataFrame({"item_id": list(shop.ITEMS)}), how="cross"
        )
        length = pl.col("item_id").str.len_chars().cast(pl.Float32)
        staple = pl.col("item_id").is_in(["milk", "bread"])
        row = pairs.with_columns(
            score=length,
            discover_score=pl.when(~staple).then(length),
            repeat_score=pl.when(staple).then(length),
            generator=pl.lit("als"),
            purchases=staple.cast(pl.Float32),
        )
        lacks = {name: type_ for name, type_ in SCORED.items() if name not in row.columns}
        rows = row.with_columns(pl.lit(None, type_).alias(name) for name, type_ in lacks.items())
        return scoring.Scored(rows, pl.DataFrame(schema={"user_id": pl.String, "item_id": pl.String}))

    nothing = SimpleNamespace(generators=GeneratorSet((), ()), ranker=Ranker([], {}, 1))
    monkeypatch.setattr(scoring, "load_scorer", lambda context: nothing)
    monkeypatch.setattr(user_recommendations, "load_repeat_day", lambda context: NO_RHYTHM)
    monkeypatch.setattr(user_recommendations, "load_new_day", lambda context: NOTHING_NEW)
    monkeypatch.setattr(user_recommendations, "model_version", lambda context: "version")
    monkeypatch.setattr(scoring, "score_with_features", score_with_features)


def published(context: RunContext) -> pl.DataFrame:
    shards = list_keys(context.lake, schemas.USER_RECOMMENDATIONS, as_of_date=context.as_of_date)
    return pl.concat(
        read_partition(context.lake, schemas.USER_RECOMMENDATIONS, as_of_date=context.as_of_date, shard=shard)
        for shard in shards
    )


def run(context: RunContext) -> pl.DataFrame:
    for shard in range(int(plan_user_shards(context)["shards"])):
        recommend_users(context, shard)
    return published(context)


def with_rules(context: RunContext, **changes: object) -> RunContext:
    return replace(context, settings=replace(context.settings, rules=replace(context.settings.rules, **changes)))


def test_every_user_is_in_one_shard_and_has_ranks_without_gaps(context: RunContext) -> None:
    rows = run(with_rules(context, users_per_shard=10))
    assert list_keys(context.lake, schemas.USER_RECOMMENDATIONS, as_of_date=shop.AS_OF_DATE) == ["0", "1", "2", "3"]
    assert set(rows["user_id"]) == set(shop.SEGMENTS)
    places = rows.group_by("list", "user_id").agg(pl.col("rank"), length=pl.len())
    assert all(ranks == list(range(1, length + 1)) for ranks, length in places.select("rank", "length").rows())
    assert rows.select(schemas.USER_RECOMMENDATIONS.key).is_unique().all()
    assert rows.select("list", "user_id", "item_id").is_unique().all()


def test_no_list_shows_what_is_retired_or_sold_out(context: RunContext) -> None:
    assert {shop.RETIRED, shop.SOLD_OUT}.isdisjoint(run(context)["item_id"])
    free = with_rules(context, drop_retired=False, drop_out_of_stock=False)
    assert {shop.RETIRED, shop.SOLD_OUT} <= set(run(free)["item_id"])


def test_discover_holds_nothing_bought_whatever_the_scores_say(context: RunContext) -> None:
    rows = run(context).filter(pl.col("list") == "discover", pl.col("user_id") != shop.REFUSER)
    bought = shop.events().filter(pl.col("event_type") == "purchase")
    assert rows.join(bought, on=["user_id", "item_id"], how="semi").is_empty()


def test_who_withdrew_consent_gets_the_segments_list_alone(context: RunContext) -> None:
    rows = run(context).filter(pl.col("user_id") == shop.REFUSER)
    assert rows["list"].unique().to_list() == ["for_you"]
    assert rows["fallback"].to_list() == ["segment"] * 5
    assert rows["item_id"].to_list()[:2] == ["bread", "milk"]
    assert rows["reason_code"].unique().to_list() == ["segment"]


def test_a_newcomer_gets_the_segments_list_and_a_stranger_everybodys(context: RunContext) -> None:
    rows = run(context).filter(pl.col("list") == "for_you")
    newcomer, stranger = (rows.filter(pl.col("user_id") == user) for user in (shop.NEWCOMER, shop.STRANGER))
    assert newcomer["item_id"].to_list()[:2] == ["bread", "milk"]
    assert newcomer["fallback"].unique().to_list() == ["segment"]
    assert stranger["fallback"].unique().to_list() == ["trending"]
    trending = read_partition(context.lake, schemas.TRENDING_ITEMS, as_of_date=context.as_of_date).sort("rank")
    for theirs, segment in ((newcomer, "family"), (stranger, "")):
        expected = trending.filter(pl.col("segment") == segment)["item_id"].to_list()
        assert theirs.sort("rank")["item_id"].to_list()[:4] == expected[:4]
    assert newcomer["score"].is_sorted(descending=True)


def test_batches_do_not_change_the_rows(context: RunContext, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run(context).sort(schemas.USER_RECOMMENDATIONS.key)
    monkeypatch.setattr(user_recommendations, "BATCH_USERS", 4)
    assert run(context).sort(schemas.USER_RECOMMENDATIONS.key).equals(whole)


def test_the_same_day_twice_is_the_same_bytes(context: RunContext) -> None:
    path = partition_path("user_recommendations", as_of_date=shop.AS_OF_DATE, shard=0)
    run(context)
    first = file_checksum(context.lake, path)
    run(context)
    assert file_checksum(context.lake, path) == first


def test_a_new_plan_removes_the_lists_of_shards_that_are_gone(context: RunContext) -> None:
    run(with_rules(context, users_per_shard=10))
    plan_user_shards(context)
    assert list_keys(context.lake, schemas.USER_RECOMMENDATIONS, as_of_date=shop.AS_OF_DATE) == []
    assert list_keys(context.lake, schemas.USER_SHARDS, as_of_date=shop.AS_OF_DATE) == ["0"]


def test_without_optional_tables_lists_come_all_the_same(context: RunContext, caplog: pytest.LogCaptureFixture) -> None:
    for table in (schemas.ITEMS, schemas.USERS, schemas.STOCK):
        write_partition(context.lake, table, table.arrow_schema.empty_table(), as_of_date=shop.AS_OF_DATE)
    with caplog.at_level(logging.INFO):
        rows = run(context)
    assert set(shop.SHOPPERS) <= set(rows["user_id"])
    switched_off = [record.args[0] for record in caplog.records if "is off" in record.message]
    assert switched_off == ["retired", "category_limit", "out_of_stock", "consent"]


def test_a_day_without_users_is_one_empty_shard(context: RunContext) -> None:
    for offset in list_keys(context.lake, schemas.EVENTS):
        write_partition(context.lake, schemas.EVENTS, schemas.EVENTS.arrow_schema.empty_table(), date=offset)
    write_partition(context.lake, schemas.USERS, schemas.USERS.arrow_schema.empty_table(), as_of_date=shop.AS_OF_DATE)
    assert run(context).is_empty()


def test_a_shard_that_was_not_planned_is_refused(context: RunContext, tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="user_shards"):
        recommend_users(context, 7)

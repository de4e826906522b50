"""One whole day on the known-answer shop, from the shop's Postgres to the warehouse's, and what its lists must say."""

from collections.abc import Iterator
from dataclasses import replace

import polars as pl
import psycopg2
import pytest

from demo import postgres
from recsys import schemas, steps, warehouse
from recsys.config import Environment
from recsys.run import RunContext
from recsys.storage import list_keys, read_partition
from tests import known_answer_shop as shop

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def context(postgres_server: postgres.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunContext]:
    """The context of a day that has run whole."""
    names = ("known_answers_shop", "known_answers_warehouse")
    shop_dsn, warehouse_dsn = (postgres.create_database(postgres_server, name) for name in names)
    postgres.prepare_shop(shop_dsn)
    shop.create_tables(shop_dsn)
    shop.fill_shop(shop_dsn)
    warehouse.create_warehouse(warehouse_dsn)
    lake = tmp_path_factory.mktemp("lake")
    made = RunContext(shop.AS_OF_DATE, Environment(shop_dsn, warehouse_dsn, str(lake)), shop.SETTINGS, "test")
    steps.run_all(made)
    yield made
    for name in names:
        postgres.drop_database(postgres_server, name)


@pytest.fixture(scope="module")
def lists(context: RunContext) -> pl.DataFrame:
    """The lists of the day, from the lake."""
    day = {"as_of_date": context.as_of_date}
    shards = list_keys(context.lake, schemas.USER_RECOMMENDATIONS, **day)
    return pl.concat(read_partition(context.lake, schemas.USER_RECOMMENDATIONS, **day, shard=s) for s in shards)


def items_of(lists: pl.DataFrame, name: str, user_id: str) -> list[str]:
    """Items of one list of one user, best first."""
    return lists.filter(pl.col("list") == name, pl.col("user_id") == user_id).sort("rank")["item_id"].to_list()


def test_what_the_warehouse_shows_is_what_the_lake_holds(context: RunContext, lists: pl.DataFrame) -> None:
    columns = ["list", "user_id", "rank", "item_id", "reason_text"]
    with psycopg2.connect(context.environment.warehouse_dsn) as connection, connection.cursor() as cursor:
        cursor.execute("select list, user_id, rank, item_id, reason_text from bi.current_user_recommendations")
        shown = cursor.fetchall()
    connection.close()
    assert sorted(shown) == sorted(lists.select(columns).rows())


def test_every_user_has_a_list(lists: pl.DataFrame) -> None:
    assert set(lists.filter(pl.col("list") == "for_you")["user_id"]) == set(shop.SEGMENTS)


@pytest.mark.parametrize("user_id", shop.SHOPPERS)
def test_what_is_due_in_the_horizon_leads(lists: pl.DataFrame, user_id: str) -> None:
    """What is bought every week, and what comes round every three or four weeks just when its turn is near."""
    due = shop.due(user_id)
    assert set(items_of(lists, "buy_again", user_id)[: len(due)]) == due
    assert set(items_of(lists, "for_you", user_id)[: len(due)]) == due


def test_buy_again_holds_only_what_was_bought_and_discover_nothing_of_it(lists: pl.DataFrame) -> None:
    bought = shop.events().filter(pl.col("event_type") == "purchase").select("user_id", "item_id").unique()
    again, discover = (lists.filter(pl.col("list") == name) for name in ("buy_again", "discover"))
    assert again.join(bought, on=["user_id", "item_id"], how="anti").is_empty()
    assert discover.join(bought, on=["user_id", "item_id"], how="semi").is_empty()


@pytest.mark.parametrize("user_id", shop.WITHOUT_TREAT)
def test_the_treat_of_ones_own_kind_leads_discover(lists: pl.DataFrame, user_id: str) -> None:
    assert items_of(lists, "discover", user_id)[0] == shop.HABITS[shop.SHOPPERS[user_id]][2]


def test_no_list_shows_what_is_retired_or_sold_out(lists: pl.DataFrame) -> None:
    assert {shop.RETIRED, shop.SOLD_OUT}.isdisjoint(lists["item_id"])


def test_users_without_usable_history_get_labelled_fallbacks(lists: pl.DataFrame) -> None:
    kinds = {user: set(lists.filter(pl.col("user_id") == user)["fallback"]) for user in shop.SEGMENTS}
    assert kinds[shop.STRANGER] == {"trending"}
    for user in (shop.REFUSER, shop.NEWCOMER):
        assert None not in kinds[user]
        assert items_of(lists, "for_you", user)[:2] == ["bread", "milk"]
    assert set(lists.filter(pl.col("user_id") == shop.REFUSER)["list"]) == {"for_you"}


def test_who_only_looks_gets_no_buy_again(lists: pl.DataFrame) -> None:
    assert items_of(lists, "buy_again", shop.BROWSER) == []
    assert items_of(lists, "for_you", shop.BROWSER)


def test_the_reason_of_a_staple_counts_its_purchases(lists: pl.DataFrame) -> None:
    row = lists.filter(pl.col("list") == "buy_again", pl.col("user_id") == "family_0", pl.col("item_id") == "milk")
    weeks = len(range(0, shop.DAYS, 7))
    assert row["reason_code"].item() == "bought_before"
    assert row["reason_text"].item().startswith(f"You bought this {weeks} times, last yesterday")


def test_a_second_run_of_the_day_publishes_the_same_rows(context: RunContext, lists: pl.DataFrame) -> None:
    def checksums() -> list[tuple[str, str]]:
        with psycopg2.connect(context.environment.warehouse_dsn) as connection, connection.cursor() as cursor:
            cursor.execute("select table_name, checksum from recsys.published_runs order by table_name")
            rows = cursor.fetchall()
        connection.close()
        return rows

    before = checksums()
    assert "user_recommendations" in dict(before)
    steps.run_all(replace(context, run_id="again"))
    assert checksums() == before

"""The analysts' function that tells of one item for one user."""

from __future__ import annotations

import psycopg2
import pytest

from tests.recommendations.published_days import SECOND, context_of, run_day, write_day


@pytest.mark.postgres
def test_an_item_is_explained_list_by_list(warehouse: str, lake: str) -> None:
    write_day(lake, SECOND)
    run_day(context_of(warehouse, lake))
    connection = psycopg2.connect(warehouse)
    with connection, connection.cursor() as cursor:
        cursor.execute("set role bi_reader")
        cursor.execute("select * from bi.explain_recommendation('u1', 'i2')")
        assert cursor.fetchall() == [("for_you", 2, "You buy it often. (from buy_again, score 0.500)")]
        cursor.execute("reset role")
        cursor.execute("update recsys.user_recommendations set top_features = 'rhythm +0.20' where item_id = 'i2'")
        cursor.execute("set role bi_reader")
        cursor.execute("select story from bi.explain_recommendation('u1', 'i2')")
        told = "You buy it often. (from buy_again, score 0.500, moved most by rhythm +0.20)"
        assert cursor.fetchall() == [(told,)]
        cursor.execute("select rank, story from bi.explain_recommendation('u1', 'unheard of')")
        told = "not among its 3 places; python -m recsys explain tells why"
        assert cursor.fetchall() == [(None, told)]
        cursor.execute("select * from bi.explain_recommendation('nobody', 'i2')")
        assert cursor.fetchall() == []
    connection.close()

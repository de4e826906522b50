"""The report at the end of the demonstration, on the shop with known answers."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import psycopg2
import pytest

from demo import postgres, report
from recsys import steps
from recsys.config import Environment
from recsys.database import connect
from recsys.run import RunContext
from recsys.warehouse import create_warehouse
from tests import known_answer_shop as shop

pytestmark = pytest.mark.postgres

DAY = shop.AS_OF_DATE - timedelta(days=28)


def test_report_shows_rows_a_household_and_the_quality(
    postgres_server: postgres.Server,
    shop_database: str,
    warehouse_database: str,
    bi_dsn: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shop.fill_shop(shop_database)
    create_warehouse(postgres_server.dsn(str(psycopg2.extensions.parse_dsn(warehouse_database)["dbname"])))
    environment = Environment(shop_database, warehouse_database, str(tmp_path / "lake"))
    steps.run_all(RunContext(DAY, environment, shop.SETTINGS, "one day"))
    with connect(bi_dsn, "warehouse") as warehouse, connect(shop_database, "shop") as sales:
        report.print_rows(warehouse)
        report.print_household(warehouse, sales, DAY)
        report.print_quality(warehouse, DAY)
    text = capsys.readouterr().out
    assert re.search(rf"user_recommendations +{'[0-9,]+'}", text)
    household = re.search(r"Household (\w+): it bought (\d+) different items", text)
    assert household is not None
    assert int(household[2]) >= report.MIN_BOUGHT
    assert re.search(r"^ +1 +-?\d\.\d{3}  \d\d \w{3} x\d", text, re.MULTILINE), "nothing that it was shown was bought"
    assert re.search(r"^  all .*ndcg@10", text, re.MULTILINE)
    assert "None" not in text

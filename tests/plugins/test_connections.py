"""Airflow connections as addresses that libpq reads."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg2.extensions import parse_dsn

pytestmark = pytest.mark.airflow


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        (None, {}),
        ("{}", {}),
        (
            '{"sslmode": "verify-full", "sslrootcert": "/certs/the shop\'s.pem"}',
            {"sslrootcert": "/certs/the shop's.pem"},
        ),
        ('{"sslmode": "require", "connect_timeout": 5}', {"sslmode": "require", "connect_timeout": "5"}),
    ],
)
def test_extras_are_options_and_passwords_may_hold_anything(extra: str | None, expected: dict[str, str]) -> None:
    from airflow.sdk import Connection

    from plugins.connections import postgres_address

    given: dict[str, Any] = {"host": "db", "login": "us er", "password": "p@s:/?#%w", "schema": "shop", "port": 5433}
    told = parse_dsn(postgres_address(Connection(conn_id="recsys_shop", conn_type="postgres", extra=extra, **given)))
    wanted = {"host": "db", "user": "us er", "password": "p@s:/?#%w", "dbname": "shop", "port": "5433", **expected}
    assert wanted.items() <= told.items()

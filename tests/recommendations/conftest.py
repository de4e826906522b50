"""The warehouse as `create_warehouse` leaves it."""

from __future__ import annotations

import pytest

from recsys.warehouse import create_warehouse


@pytest.fixture
def warehouse(database: str) -> str:
    """URL (superuser) of a fresh database with the warehouse's tables, views and roles."""
    create_warehouse(database)
    return database

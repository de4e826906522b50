"""Addresses of databases that are Airflow connections."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode


def postgres_address(connection: Any) -> str:
    """The address of an Airflow connection for libpq, with its extras (sslmode, connect_timeout …) as options.

    Airflow's own hides extras that are not all text, such as {"connect_timeout": 10}, where libpq does not find them,
    and writes + for a blank, which libpq takes as it is.
    """
    address = str(connection.get_uri()).partition("?")[0]
    extra = connection.extra_dejson
    return f"{address}?{urlencode(extra, quote_via=quote)}" if extra else address

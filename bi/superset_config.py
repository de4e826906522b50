"""Settings of Superset, read from the environment: found through SUPERSET_CONFIG_PATH.

| variable | meaning |
|---|---|
| SUPERSET_SECRET | long random text that signs sessions and encrypts what Superset keeps |
| SUPERSET_HOME | folder of what Superset keeps: users, and charts that people make |
| SUPERSET_DATABASE_URI | another database for that (default: a file in SUPERSET_HOME) |
| RECSYS_BI_DSN | the warehouse, with a role that is a member of bi_reader |
"""

from __future__ import annotations

import os
from typing import Any

from sqlalchemy.engine import URL, make_url

SECRET_KEY = os.environ["SUPERSET_SECRET"]
DATA_DIR = os.environ["SUPERSET_HOME"]
SQLALCHEMY_DATABASE_URI = os.environ.get("SUPERSET_DATABASE_URI") or f"sqlite:///{DATA_DIR}/superset.db?timeout=30"
ROW_LIMIT = 10_000
SQLLAB_TIMEOUT = 60
SUPERSET_WEBSERVER_TIMEOUT = 120
SESSION_OPTIONS = "-c statement_timeout=60s -c default_transaction_read_only=on"
# A limiter that forgets with the process is enough for one process.
RATELIMIT_STORAGE_URI = "memory://"
CONTENT_SECURITY_POLICY_WARNING = False
# Nothing is loaded from or told to other hosts.
SCARF_ANALYTICS = False


def DB_CONNECTION_MUTATOR(address: URL, arguments: dict[str, Any], *_: object) -> tuple[URL, dict[str, Any]]:
    """The warehouse's address and password come from the environment: Superset keeps neither.

    Its sessions are limited here: what `sql/bi/roles.sql` sets for bi_reader does not pass to the members of that role.
    """
    if address.host == "warehouse":
        # Both postgresql:// and postgres:// are libpq's; SQLAlchemy knows one of them.
        place = os.environ["RECSYS_BI_DSN"].split("://", 1)[-1]
        address = make_url(f"postgresql+psycopg2://{place}")
        told = arguments.get("connect_args", {})
        options = f"{told.get('options', '')} {SESSION_OPTIONS}".strip()
        arguments = {**arguments, "connect_args": {**told, "options": options}}
    return address, arguments

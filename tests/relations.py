"""Which tables and views a query names, as the server understood it."""

from __future__ import annotations

from typing import Any

from psycopg2 import sql

_NAMED = """
select distinct n.nspname || '.' || c.relname
from pg_rewrite as w
inner join pg_depend as d on d.objid = w.oid and d.classid = 'pg_rewrite'::regclass
inner join pg_class as c on c.oid = d.refobjid and d.refclassid = 'pg_class'::regclass
inner join pg_namespace as n on n.oid = c.relnamespace
where w.ev_class = 'pg_temp.asked'::regclass and c.oid <> w.ev_class
"""


def relations_of(cursor: Any, query: str | bytes | sql.Composable) -> set[str]:
    """Names with schema of what `query` itself reads, not of what stands behind its views; by a superuser's cursor."""
    text = query.as_string(cursor) if isinstance(query, sql.Composable) else query
    text = text.decode() if isinstance(text, bytes) else text
    cursor.execute("savepoint before")
    cursor.execute(sql.SQL("create temporary view asked as {}").format(sql.SQL(text)))
    cursor.execute(_NAMED)
    found = {name for (name,) in cursor.fetchall()}
    cursor.execute("rollback to before")
    return found

"""How large a database is."""

from typing import Any

import psycopg


def database_size(connection: psycopg.Connection[Any]) -> int:
    """Bytes on disk of the connected database (pg_database_size; needs CONNECT, which we have)."""
    row = connection.execute("SELECT pg_catalog.pg_database_size(pg_catalog.current_database())").fetchone()
    assert row is not None
    return int(row[0])

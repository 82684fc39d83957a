"""What an index build that was cut off leaves behind."""

from typing import Any, Literal

import psycopg
from psycopg import sql

IndexState = Literal["absent", "invalid", "valid"]


def index_state(connection: psycopg.Connection[Any], name: str) -> IndexState:
    """Whether index `name` (`schema.name`, unquoted) is there, and usable by queries."""
    schema, _, bare = name.rpartition(".")
    row = connection.execute(
        "SELECT i.indisvalid AND i.indisready AND i.indislive FROM pg_catalog.pg_index i"
        " JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relname = %s AND n.nspname = %s",
        (bare, schema or "public"),
    ).fetchone()
    return "absent" if row is None else ("valid" if row[0] else "invalid")


def builder(connection: psycopg.Connection[Any], name: str) -> int | None:
    """The pid of a session that may be building index `name` still, though the run that asked for it is gone.

    CREATE INDEX CONCURRENTLY holds SHARE UPDATE EXCLUSIVE on the table to its end (manual, section 13.3.1), a server
    notices only at the next message that its client is gone, and pg_locks is visible to everybody.
    """
    schema, _, bare = name.rpartition(".")
    row = connection.execute(
        "SELECT l.pid FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_index i ON i.indrelid = l.relation"
        " JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " JOIN pg_catalog.pg_database d ON d.oid = l.database AND d.datname = pg_catalog.current_database()"
        " WHERE l.mode = 'ShareUpdateExclusiveLock' AND l.granted AND l.pid <> pg_catalog.pg_backend_pid()"
        " AND c.relname = %s AND n.nspname = %s",
        (bare, schema or "public"),
    ).fetchone()
    return row[0] if row else None


def drop_index(connection: psycopg.Connection[Any], name: str) -> None:
    """Drop the invalid index `name` without stopping writes. The connection must be in autocommit.

    No lock_timeout: a DROP INDEX CONCURRENTLY that times out leaves the index maintained and unused (measured).
    """
    schema, _, bare = name.rpartition(".")
    connection.execute("SELECT pg_catalog.set_config('lock_timeout', '0', false)")
    connection.execute(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(sql.Identifier(schema or "public", bare)))

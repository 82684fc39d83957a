"""A live database → Known: how its objects are defined, as the server prints them, and how they are set."""

from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from migsafe.model.definitions import Known
from migsafe.postgres.queries import query

_QUERIES = ("definitions_relations", "definitions_columns", "definitions_attached", "definitions_others")


def read(connection: psycopg.Connection[Any], *, lock_timeout: float = 10.0) -> Known:
    """What catalog.read() leaves out, of one moment, in a transaction of its own or the one that is open.

    Every name in a definition has its schema. Any role sees all of it but the place of sequences it may not read.
    Raises psycopg.errors.LockNotAvailable when a relation is under ACCESS EXCLUSIVE for `lock_timeout` seconds.
    """
    fresh = connection.info.transaction_status == TransactionStatus.IDLE
    with connection.transaction():
        if fresh:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        settings = {"lock_timeout": f"{max(1, round(lock_timeout * 1000))}ms", "search_path": ""}
        before = {name: _setting(connection, name) for name in settings}
        for name, value in settings.items():
            _set(connection, name, value)
        facts: dict[str, dict[str, str]] = {}
        for name in _QUERIES:
            for thing, aspect, value in connection.execute(query(name)).fetchall():
                facts.setdefault(thing, {})[aspect] = value
        for name, text in before.items():
            _set(connection, name, text)
        return Known(facts, complete=True)


def _setting(connection: psycopg.Connection[Any], name: str) -> str:
    row = connection.execute("SELECT pg_catalog.current_setting(%s)", (name,)).fetchone()
    return str(row[0]) if row else ""


def _set(connection: psycopg.Connection[Any], name: str, value: str) -> None:
    connection.execute("SELECT pg_catalog.set_config(%s, %s, true)", (name, value))

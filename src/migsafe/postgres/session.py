"""The settings of somebody else's session: what they were, and putting them back."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

LOCK_TIMEOUT_NOW = "SELECT pg_catalog.current_setting('lock_timeout')"
# `source` tells a SET in env.py from a default of the server, the role or the database.
LOCK_TIMEOUT_SET_BY_ENV_PY = "SELECT source = 'session' FROM pg_catalog.pg_settings WHERE name = 'lock_timeout'"
# A pooler keeps its session for the application, with what was set in it.
_NEVER_IDLE = "SELECT pg_catalog.set_config('idle_session_timeout', '0', false) WHERE pg_catalog.pg_backend_pid() = %s"
# What a SET had made of it, else NULL: set_config() with that is RESET.
_SEARCH_PATH_SET = (
    "SELECT CASE source WHEN 'session' THEN pg_catalog.current_setting('search_path') END"
    " FROM pg_catalog.pg_settings WHERE name = 'search_path'"
)


def hold(name: str, value: str) -> str:
    """SQL that sets timeout `name` for the session until `put_back(name)`; both outside a transaction.

    A setting of ours remembers, in the session itself, what a SET of the user's had made of it.
    """
    assert name.isidentifier()
    assert value.isalnum()
    return (
        f"SELECT pg_catalog.set_config('migsafe.{name}', CASE source WHEN 'session'"
        f" THEN pg_catalog.current_setting('{name}') ELSE '' END, false),"
        f" pg_catalog.set_config('{name}', '{value}', false)"
        f" FROM pg_catalog.pg_settings WHERE name = '{name}'"
    )


def put_back(name: str) -> str:
    """SQL that undoes `hold(name, …)`."""
    assert name.isidentifier()
    return f"SELECT pg_catalog.set_config('{name}', nullif(pg_catalog.current_setting('migsafe.{name}'), ''), false)"


def restore_lock_timeout(value: str | None) -> str:
    """SQL that puts `value` of `LOCK_TIMEOUT_NOW` back, or with None what the session began with.

    As with RESET, `source` is then no longer the session: the next to look does not take it for env.py's.
    """
    assert value is None or value.isalnum()
    literal = "NULL" if value is None else f"'{value}'"
    return f"SELECT pg_catalog.set_config('lock_timeout', {literal}, false)"


def in_transaction(connection: object) -> bool:
    """Whether a transaction is open in the session of a driver's connection (psycopg, psycopg2, asyncpg)."""
    if hasattr(connection, "is_in_transaction"):
        return bool(connection.is_in_transaction())
    # libpq's PQTRANS_IDLE is 0 in both.
    return bool(getattr(getattr(connection, "info", None), "transaction_status", 0))


def backend_pid(connection: object) -> int | None:
    """The pid of the session of a driver's connection (psycopg, psycopg2, asyncpg); None where it does not tell."""
    info = getattr(connection, "info", None)
    pid = getattr(info, "backend_pid", None)
    if pid is None and hasattr(connection, "get_server_pid"):
        pid = connection.get_server_pid()
    return pid if isinstance(pid, int) else None


def never_idle(connection: psycopg.Connection[Any]) -> None:
    """Have the server keep the session of `connection`, ours and in autocommit, however long it is idle.

    A revision may take longer than the server lets a session be idle, and the one beside it is. Not a pooler's session.
    """
    connection.execute(_NEVER_IDLE, (connection.info.backend_pid,))


@contextmanager
def looking_in(connection: psycopg.Connection[Any], path: Sequence[str]) -> Iterator[None]:
    """While entered, names are looked up in the schemas `path`, as on the connection of an env.py that sets its own."""
    schemas = sql.SQL(", ").join(map(sql.Identifier, path)).as_string(None)
    before = connection.execute(_SEARCH_PATH_SET).fetchone()
    connection.execute("SELECT pg_catalog.set_config('search_path', %s, false)", (schemas,))
    try:
        yield
    finally:
        if before is not None and not connection.closed:
            connection.execute("SELECT pg_catalog.set_config('search_path', %s, false)", (before[0],))

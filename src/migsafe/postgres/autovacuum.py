"""Autovacuum in the way of a lock: the server cancels it, but only for whoever waits behind it long enough."""

from collections.abc import Iterable
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import dict_row, scalar_row

from migsafe.postgres.queries import query

# Seconds beyond deadlock_timeout for the worker to end what it does.
_TO_GO = 1.0


class Autovacuum(msgspec.Struct, frozen=True):
    """An autovacuum worker. `stays`: it prevents wraparound, so nobody's lock ends it; None: not visible."""

    pid: int
    stays: bool | None


def autovacuum_workers(connection: psycopg.Connection[Any], pids: Iterable[int]) -> tuple[Autovacuum, ...]:
    """Those of `pids` that are autovacuum workers of this database."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query("autovacuum_workers"), {"pids": list(pids)}).fetchall()
    return tuple(msgspec.convert(row, Autovacuum) for row in rows)


def displace_autovacuum(connection: psycopg.Connection[Any], table: str) -> None:
    """Have the server cancel an autovacuum of `table` (`schema.name`, unquoted), as far as it does that.

    It does so for a lock request that has waited for deadlock_timeout (manual, section 24.1.6). The request is for
    SHARE UPDATE EXCLUSIVE: neither readers nor writers queue behind that. The connection must be in autocommit.
    """
    with connection.cursor(row_factory=scalar_row) as cursor:
        seconds: float = cursor.execute(query("deadlock_timeout")).fetchone() or 0.0
    lock = sql.SQL("LOCK TABLE ONLY {} IN SHARE UPDATE EXCLUSIVE MODE").format(sql.Identifier(*table.split(".", 1)))
    try:
        with connection.transaction(force_rollback=True):
            timeout = f"{round((seconds + _TO_GO) * 1000)}ms"
            connection.execute("SELECT pg_catalog.set_config('lock_timeout', %s, true)", (timeout,))
            connection.execute(lock)
    except (
        psycopg.errors.LockNotAvailable,
        psycopg.errors.DeadlockDetected,
        psycopg.errors.InsufficientPrivilege,
        psycopg.errors.WrongObjectType,
        psycopg.errors.UndefinedTable,
    ):
        # Then it is waited for like everybody else.
        return

"""The one kind of session that we may end: it holds what we need, and has done nothing for long."""

from typing import Any

import msgspec
import psycopg
from psycopg.rows import dict_row, scalar_row

from migsafe.postgres.queries import query


class Idle(msgspec.Struct, frozen=True):
    """A session that is idle in a transaction for `seconds`. The times are as the server prints them."""

    pid: int
    backend_start: str
    state_change: str
    application: str | None
    user: str
    seconds: float


def idle_in_transaction(connection: psycopg.Connection[Any], pids: tuple[int, ...], seconds: float) -> tuple[Idle, ...]:
    """Those of the sessions `pids` that are idle in a transaction for longer than `seconds`.

    Never one of a superuser, a walsender or autovacuum; nor one whose state this role does not see.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query("idle_in_transaction"), {"pids": list(pids), "seconds": seconds}).fetchall()
    return tuple(msgspec.convert(row, Idle) for row in rows)


def end_session(connection: psycopg.Connection[Any], idle: Idle) -> bool:
    """End that session, if it is the same one still and has done nothing since; whether it was.

    Raises psycopg.errors.InsufficientPrivilege for a role that may not (manual, section 9.28.2).
    """
    with connection.cursor(row_factory=scalar_row) as cursor:
        return bool(cursor.execute(query("end_idle_session"), msgspec.to_builtins(idle)).fetchone())

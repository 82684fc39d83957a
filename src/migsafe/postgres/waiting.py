"""Who would make us wait, who waits for us, and SQL that takes locks before they are needed."""

from collections.abc import Iterable
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import dict_row, scalar_row

from migsafe.model.locks import Lock
from migsafe.postgres.locks import conflicting
from migsafe.postgres.queries import query

# What LOCK TABLE takes (manual, LOCK); a view would lock what is below it too.
_LOCKABLE = ("table", "partitioned table")


class Holder(msgspec.Struct, frozen=True):
    """A transaction with a lock in our way. `age` in seconds, None where it is not visible to this role.

    `pid` is 0 for a prepared transaction; `transaction` is pg_locks.virtualtransaction, another one each time.
    """

    pid: int
    transaction: str
    age: float | None


class Waiter(msgspec.Struct, frozen=True):
    """A session that has waited `seconds` for something of ours; `relation` is None for a row."""

    pid: int
    seconds: float
    relation: str | None


def holder_ages(
    connection: psycopg.Connection[Any], locks: tuple[Lock, ...], pid: int | None = None
) -> tuple[Holder, ...]:
    """Transactions, but for that of session `pid`, that hold what conflicts with `locks`."""
    wanted = {**conflicting(locks), "pid": pid}
    with connection.cursor(row_factory=dict_row) as cursor:
        # Mostly there is nobody, and that is told five times as fast (measured: 0.5 ms for 2.4).
        if not cursor.execute(query("lock_mode_is_held"), wanted).fetchall():
            return ()
        rows = cursor.execute(query("lock_holder_ages"), wanted).fetchall()
    return tuple(msgspec.convert(row, Holder) for row in rows)


def waiters(connection: psycopg.Connection[Any], pid: int) -> tuple[Waiter, ...]:
    """Readers and writers that wait for session `pid`, for a lock that it has or is ahead of them in the queue for.

    Needs no privilege: pg_locks and pg_blocking_pids are open to everybody (measured on 14 to 18).
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query("lock_waiters"), {"pid": pid}).fetchall()
    return tuple(msgspec.convert(row, Waiter) for row in rows)


def is_waiting(connection: psycopg.Connection[Any], pid: int) -> bool:
    """Whether session `pid` itself waits for a lock."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        return bool(cursor.execute(query("lock_is_awaited"), {"pid": pid}).fetchone())


def cancel(connection: psycopg.Connection[Any], pid: int) -> None:
    """Cancel the statement of a session of our own role, which needs no privilege."""
    connection.execute("SELECT pg_catalog.pg_cancel_backend(%s)", (pid,))


def terminate(connection: psycopg.Connection[Any], pid: int) -> None:
    """End a session of our own role: one that holds locks while it runs nothing cannot be cancelled."""
    connection.execute("SELECT pg_catalog.pg_terminate_backend(%s)", (pid,))


def can_lock_early(connection: psycopg.Connection[Any]) -> bool:
    """Whether this database has the language that `lock_early` is written in."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        return bool(cursor.execute(query("has_plpgsql")).fetchone())


def lock_early(locks: Iterable[Lock], waiting: str | None = None, then: str | None = None) -> str | None:
    """SQL, for inside a transaction, that takes those of `locks` that LOCK TABLE can take, in this order, or None.

    `waiting` is the lock_timeout meanwhile (`50ms`), `then` the one of the rest of the transaction. One round trip, so
    that the first lock is not held while we ask for the second from afar. What is not there yet, or may not be locked
    by name by this role (a referenced table of which it has only REFERENCES), is left to the statement itself: hence
    the blocks, each of which is a subtransaction whose locks stay (manual, section 41.6.8).
    """
    blocks = [
        "BEGIN LOCK TABLE ONLY {} IN {} MODE; EXCEPTION WHEN insufficient_privilege OR undefined_table"
        " OR invalid_schema_name OR wrong_object_type THEN NULL; END;".format(
            sql.Identifier(*lock.relation.split(".", 1)).as_string(None), lock.mode.text
        )
        for lock in locks
        if lock.kind in _LOCKABLE
    ]
    before, after = (
        f"PERFORM pg_catalog.set_config('lock_timeout', '{value}', true);" if value else "" for value in (waiting, then)
    )
    body = f"BEGIN {before} {' '.join(blocks)} {after} END"
    return f"DO {sql.Literal(body).as_string(None)}" if blocks else None

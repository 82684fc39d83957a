"""One moment of the database, for pg_dump and for what is recorded beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from migsafe.errors import BackupFailed
from migsafe.postgres.described import Object, describe

# The session is idle for as long as pg_dump takes.
_PATIENT = ("idle_in_transaction_session_timeout", "idle_session_timeout", "transaction_timeout", "statement_timeout")


class Moment:
    """The snapshot `name` of an open transaction, and the objects of the database as of it."""

    def __init__(self, connection: psycopg.Connection[Any], name: str) -> None:
        self.name = name
        self._connection = connection
        self._objects: tuple[Object, ...] | None = None

    def describe(self) -> tuple[Object, ...]:
        """The objects, read at the first call: when pg_dump holds its locks, so that nobody alters them meanwhile.

        What prints a definition reads the catalog as it is now, whatever the snapshot (manual, section 9.27.5).
        """
        if self._objects is None:
            self._objects = describe(self._connection)
        return self._objects


@contextmanager
def moment(connection: psycopg.Connection[Any], lock_timeout: float) -> Iterator[Moment]:
    """A snapshot that others can take (pg_export_snapshot), for as long as the block runs; `lock_timeout` in seconds.

    Raises BackupFailed when the catalog cannot be read because a relation is locked for longer than that.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for name in _PATIENT:
            connection.execute(
                "SELECT pg_catalog.set_config(name, '0', true) FROM pg_catalog.pg_settings WHERE name = %s", (name,)
            )
        milliseconds = f"{max(1, round(lock_timeout * 1000))}ms"
        connection.execute("SELECT pg_catalog.set_config('lock_timeout', %s, true)", (milliseconds,))
        row = connection.execute("SELECT pg_catalog.pg_export_snapshot()").fetchone()
        assert row is not None
        try:
            yield Moment(connection, row[0])
        except psycopg.errors.LockNotAvailable:
            raise BackupFailed(
                "the catalog could not be read: a relation is locked by another session",
                "Wait for the session that holds ACCESS EXCLUSIVE (`migsafe preflight` names it), then try again.",
            ) from None

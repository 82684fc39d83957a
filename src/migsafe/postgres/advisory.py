"""One runner at a time: an advisory lock that is asked for again and again, never waited for."""

import hashlib
import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import psycopg
from psycopg.rows import scalar_row

from migsafe.errors import LockNotAvailable
from migsafe.model.run import Blocker
from migsafe.postgres.locks import advisory_holder
from migsafe.postgres.queries import query

POLL = 0.2
REPORT_EVERY = 5.0
RUNNER_LOCK = "the runner lock"
# A session that is ended from SQL is connected again by its run.
ENDING = "to stop that migration, end its process (Ctrl-C, SIGTERM): it says what is done"


def key(database_name: str, version_table: str) -> int:
    """The key of the lock of a database and version table: 63 bits, the same on every machine and version."""
    digest = hashlib.sha256(f"migsafe\0{database_name}\0{version_table}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


@contextmanager
def runner_lock(
    connection: psycopg.Connection[Any], key: int, deadline: float, on_wait: Callable[[Blocker], None]
) -> Iterator[None]:
    """Be the only runner while the block runs. `deadline` is in seconds from now.

    It polls: a session that waits in pg_advisory_lock() holds a snapshot, CREATE INDEX CONCURRENTLY of the other
    runner waits for that snapshot, and the two are a deadlock (measured). `on_wait` gets the holder at once and then
    every 5 seconds. `connection` must be in autocommit mode and not be a pooler's. Raises LockNotAvailable naming the
    holder. The lock ends with the session, so a killed runner leaves none.
    """
    _acquire(connection, key, time.monotonic() + deadline, on_wait)
    try:
        yield
    finally:
        if not connection.closed:
            try:
                _ask(connection, "advisory_unlock", key)
            except psycopg.OperationalError:
                connection.close()


def _acquire(connection: psycopg.Connection[Any], key: int, until: float, on_wait: Callable[[Blocker], None]) -> None:
    report_at = 0.0
    while not _ask(connection, "advisory_try", key):
        holder = holding(connection, key)
        now = time.monotonic()
        if now >= until:
            raise _taken(holder)
        if holder is not None and now >= report_at:
            report_at = now + REPORT_EVERY
            on_wait(holder)
        time.sleep(min(POLL, max(0.0, until - now)))


def holding(connection: psycopg.Connection[Any], key: int) -> Blocker | None:
    """The runner that holds the lock `key` now, None when nobody does. `age` is that of its session."""
    holder = advisory_holder(connection, key)
    if holder is None:
        return None
    return msgspec.structs.replace(holder, mode=RUNNER_LOCK, caution=ENDING)


def is_held(connection: psycopg.Connection[Any]) -> bool:
    """Whether the session that has the lock lives. The server is asked only when it has sent something by itself."""
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    readable = poll.poll(0)
    try:
        return not readable or connection.execute("SELECT true").fetchone() is not None
    except psycopg.Error:
        return False


def _ask(connection: psycopg.Connection[Any], name: str, key: int) -> bool:
    with connection.cursor(row_factory=scalar_row) as cursor:
        return bool(cursor.execute(query(name), {"key": key}).fetchone())


def _taken(holder: Blocker | None) -> LockNotAvailable:
    if holder is None:
        return LockNotAvailable("Another runner came and went while we asked", "Run the same command again.")
    since = f", connected for {holder.age:.0f} s" if holder.age is not None else ""
    address = f", from {holder.address}" if holder.address else ""
    who = f"pid {holder.pid} ({holder.application or 'no application_name'}, user {holder.user}{address}{since})"
    return LockNotAvailable(
        f"Another migration runs on this database: {who}",
        f"Wait for it and run the same command again; {ENDING}.",
    )

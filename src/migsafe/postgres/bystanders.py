"""Sessions that stand in a statement's way, one after another, so that what it locks can be read while it waits.

For statements that refuse a transaction block: their locks are gone when they end, and last a millisecond before.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import dict_row, tuple_row

from migsafe.postgres.connection import Database, connect
from migsafe.postgres.queries import query

Session = psycopg.Connection[Any]
_PAUSE = 0.001
_EVERYBODY = (0, False)
# Every transaction that creates, drops or vacuums a relation writes to pg_class, and stops there with its locks held.
_FREEZE = "BEGIN; LOCK TABLE pg_catalog.pg_class IN SHARE MODE"


class Watched(msgspec.Struct, frozen=True):
    """Relation oids and modes (as in pg_locks) held or awaited; oid and mode for each kind of transaction waited for.

    `waits` are pairs of `readers of`, `writers of` or `older snapshots` and the locks held at that moment.
    """

    locks: frozenset[tuple[int, str]]
    waits: tuple[tuple[str, frozenset[tuple[int, str]]], ...]


def watch(connection: Session, run: Callable[[], object]) -> Watched:
    """Call `run`, which executes a statement on `connection` in autocommit mode, and watch its locks meanwhile.

    Readers and writers of every table, an old snapshot and a lock on pg_class stop it where it waits for such; each
    is released as soon as it was seen. Raises what `run` raises.
    """
    database = _same_server(connection)
    pid = connection.info.backend_pid
    seen: set[tuple[int, str]] = set()
    waits: list[tuple[str, frozenset[tuple[int, str]]]] = []
    with ExitStack() as stack:
        eye = stack.enter_context(connect(database))
        eye.execute("SET lock_timeout = '200ms'")
        standing = _stand(stack, database, eye)
        freezer = _Freezer(stack, database, eye)
        stack.callback(freezer.close)
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(run)
            try:
                for now, blocker in _moments(eye, pid, running):
                    seen |= now
                    waits += _release(blocker, standing, freezer, now)
            finally:
                freezer.close()
                for session in standing.values():
                    _leave(session)
        running.result()
    return Watched(frozenset(seen), tuple(waits))


def _same_server(connection: Session) -> Database:
    parameters = connection.info.get_parameters() | {"password": connection.info.password}
    return Database({keyword: value for keyword, value in parameters.items() if value})


def _stand(stack: ExitStack, database: Database, eye: Session) -> dict[str, Session]:
    """Three transactions left open: a reader of every table and its indexes, a writer of every table, a snapshot."""
    names = ("readers of", "writers of", "older snapshots")
    standing = {name: stack.enter_context(connect(database, autocommit=False)) for name in names}
    for name, writable in eye.cursor(row_factory=tuple_row).execute(query("bystander_tables")).fetchall():
        table = sql.SQL(name)
        # Planning a query locks all indexes of the table (RelationGetIndexList, get_relation_info).
        standing["readers of"].execute(sql.SQL("SELECT FROM ONLY {} LIMIT 0").format(table))
        if writable:
            lock = sql.SQL("LOCK TABLE ONLY {} IN ROW EXCLUSIVE MODE").format(table)
            standing["writers of"].execute(lock)
    standing["older snapshots"].isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    standing["older snapshots"].execute("SELECT 1")
    return standing


class _Freezer:
    """Two sessions that lock pg_class in turn: the next one queues behind the statement before the first lets go.

    So the statement gets its lock, and its next transaction finds pg_class locked again.
    """

    def __init__(self, stack: ExitStack, database: Database, eye: Session) -> None:
        self.eye = eye
        self.holder, self.spare = (stack.enter_context(connect(database)) for _ in range(2))
        try:
            self.holder.execute(_FREEZE)
        except psycopg.errors.InsufficientPrivilege:
            self.close()

    def stops(self, pid: int) -> bool:
        return not self.holder.closed and self.holder.info.backend_pid == pid

    def let_pass(self) -> None:
        self.spare.pgconn.send_query(_FREEZE.encode())
        self._wait_until_queued(self.spare.info.backend_pid)
        while self.holder.pgconn.get_result() is not None:
            pass
        self.holder.pgconn.exec_(b"ROLLBACK")
        self.holder, self.spare = self.spare, self.holder

    def close(self) -> None:
        for session in (self.holder, self.spare):
            if not session.closed:
                session.cancel()
                while session.pgconn.get_result() is not None:
                    pass
                session.pgconn.exec_(b"ROLLBACK")
                session.close()

    def _wait_until_queued(self, pid: int) -> None:
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            row = self.eye.execute(query("bystander_is_waiting"), {"pid": pid}).fetchone()
            if row and row[0]:
                return


def _moments(
    eye: Session, pid: int, running: Future[object]
) -> Iterator[tuple[frozenset[tuple[int, str]], tuple[int, bool] | None]]:
    """What `pid` has or wants, and who stops it, as long as it runs: a stopped one stays until we let it go."""
    while not running.done():
        try:
            with eye.cursor(row_factory=dict_row) as cursor:
                blockers = cursor.execute(query("bystander_waits"), {"pid": pid}).fetchall()
                rows = cursor.execute(query("observe_locks"), {"pid": pid}).fetchall()
        except psycopg.errors.LockNotAvailable:
            # REINDEX SYSTEM and VACUUM FULL lock the catalogs that we look at, and may wait for the freezer so.
            yield frozenset(), _EVERYBODY
            continue
        now = frozenset((row["oid"], row["mode"]) for row in rows)
        yield now, next(((row["pid"], row["for_transaction"]) for row in blockers), None)
        time.sleep(0 if blockers else _PAUSE)


def _release(
    blocker: tuple[int, bool] | None, standing: dict[str, Session], freezer: _Freezer, now: frozenset[tuple[int, str]]
) -> list[tuple[str, frozenset[tuple[int, str]]]]:
    if blocker is None:
        return []
    pid, for_transaction = blocker
    if blocker == _EVERYBODY:
        freezer.close()
        for session in standing.values():
            _leave(session)
        return []
    if freezer.stops(pid):
        freezer.let_pass()
        return []
    found = [name for name, session in standing.items() if not session.closed and session.info.backend_pid == pid]
    for name in found:
        _leave(standing[name])
    return [(name, now) for name in found if for_transaction]


def _leave(session: Session) -> None:
    """End the transaction before the session: the server notices a closed socket some time later."""
    if not session.closed:
        session.rollback()
        session.close()

"""After a connection was lost: everything is made anew, and the database is asked what had become durable.

A lost connection leaves one question open, whether what was under way is in. The server answers it: a transaction that
had not sent its COMMIT is rolled back, one that had is decided by the version table and by `migsafe_progress`, which
are in the same transaction as the work (decision 023).
"""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import psycopg

from migsafe.errors import ConnectionFailed, LockNotAvailable
from migsafe.postgres import orphans, progress
from migsafe.postgres.connection import Database, connect
from migsafe.postgres.session import never_idle
from migsafe.postgres.sqlstate import server_message
from migsafe.run.backoff import pauses
from migsafe.run.current import Told
from migsafe.run.failure import Failure
from migsafe.run.runner import PlanRunner

_POLL = 0.2
_MOST = 5.0
_AT_LEAST = 60.0

AloneAgain = Callable[[float], None]


def beside(database: Database) -> psycopg.Connection[Any]:
    """A connection in autocommit beside the one that migrates."""
    connection = connect(database)
    never_idle(connection)
    return connection


class Lost(msgspec.Struct, frozen=True):
    """What is needed when a connection is lost. Moments are of time.monotonic().

    `ends` is the deadline of the run; after it a lost connection is tried for a minute still, but not beyond `stop_at`.
    `alone_again` gets the seconds that are left.
    """

    database: Database
    is_alone: Callable[[], bool]
    alone_again: AloneAgain
    ends: float
    stop_at: float | None

    def regained(self, failure: Failure, runner: PlanRunner) -> Failure:
        """`failure`, after everything was made anew; where that cannot be, one that ends the run."""
        ends = max(self.ends, time.monotonic() + _AT_LEAST)
        ends = ends if self.stop_at is None else min(ends, self.stop_at)
        try:
            found = _regain(runner, self.database, self.is_alone, self.alone_again, ends)
        except LockNotAvailable as error:
            return msgspec.structs.replace(failure, message=error.message, remedy=error.remedy, lost=False)
        except ConnectionFailed as error:
            message = f"{failure.message}; it could not be made again: {error.message}"
            return msgspec.structs.replace(failure, message=message, again=False)
        except psycopg.Error as error:
            message = f"{failure.message}; it was lost again: {server_message(error).primary}"
            return msgspec.structs.replace(failure, message=message, again=False)
        return failure if failure.again else msgspec.structs.replace(failure, message=f"{failure.message}; {found}")


def _regain(
    runner: PlanRunner, database: Database, is_alone: Callable[[], bool], alone_again: AloneAgain, ends: float
) -> str:
    """Connect again, be the only runner again, and wait for the end of the session that was lost: what was found."""
    began = time.monotonic()
    while True:
        try:
            if not _answers(runner.own):
                runner.own.close()
                runner.turn_to(_reached(database, ends, runner.told))
            if not is_alone():
                alone_again(max(0.0, ends - time.monotonic()))
            _until_it_is_gone(runner, ends)
            found = _kept(runner)
            break
        except (psycopg.OperationalError, ConnectionFailed) as error:
            # A session that answered a moment ago ends as well, when the server restarts because of another's end.
            if time.monotonic() >= ends or (isinstance(error, ConnectionFailed) and not error.passing):
                raise
            time.sleep(_POLL)
    said = f"connected again after {time.monotonic() - began:.1f} s; {found}"
    _remember(runner, said)
    return said


def _answers(connection: psycopg.Connection[Any]) -> bool:
    try:
        return not connection.closed and connection.execute("SELECT 1").fetchone() is not None
    except psycopg.Error:
        return False


def _reached(database: Database, ends: float, told: Told) -> psycopg.Connection[Any]:
    """A connection to a server that takes changes; it may be starting, or a standby that is being promoted."""
    for pause in pauses(most=_MOST):
        try:
            connection = connect(database)
            if _is_primary(connection):
                return connection
            connection.close()
            error = ConnectionFailed(f"{database.label} is a standby, which takes no changes", passing=True)
        except ConnectionFailed as failed:
            error = failed
        if not error.passing or time.monotonic() + pause >= ends:
            raise error
        told(f"the connection was lost; trying again in {pause:.1f} s: {error.message}", None)
        time.sleep(pause)
    raise AssertionError("pauses() does not end")


def _is_primary(connection: psycopg.Connection[Any]) -> bool:
    never_idle(connection)
    row = connection.execute("SELECT NOT pg_catalog.pg_is_in_recovery()").fetchone()
    return row is not None and bool(row[0])


def _until_it_is_gone(runner: PlanRunner, ends: float) -> None:
    """The server may go on for a client that is gone: a COMMIT may still become durable, and locks are held."""
    if runner.session is None:
        return
    pid, since = runner.session
    # A session that is idle is of a pool, or ends: it holds nothing.
    while (state := orphans.state_of(runner.own, pid, time.monotonic() - since)) not in (None, "idle"):
        if f"{state}".startswith("idle"):
            orphans.end_idle(runner.own, pid, time.monotonic() - since)
        elif time.monotonic() >= ends:
            raise LockNotAvailable(
                f"the server still works for our session with pid {pid}, the connection of which was lost",
                f"Wait for it, or end it: SELECT pg_terminate_backend({pid})",
            )
        runner.told(f"waiting for our lost session (pid {pid}, {state}) to end", None)
        time.sleep(_POLL)
    runner.session = None


def _kept(runner: PlanRunner) -> str:
    """What the database has of the revision that was under way."""
    found = progress.versions(runner.own, runner.plan.version_table)
    turn, current = runner.turn, runner.last
    if turn is not None and current is not None and found == turn.heads_after:
        runner.arrived(turn)
        return f"revision {turn.revision} is in: the answer to its COMMIT was lost, and the version table has it"
    gone = _forget_after(runner, found)
    if gone:
        return f"the server has {', '.join(gone)} no more, which had been committed: a failover has lost it"
    if turn is None or current is None:
        return "nothing was under way"
    recorded = progress.load(runner.own, runner.guard.schema, turn.revision)
    finished = sum(each.finished for each in recorded.values())
    current.durable, current.unsettled = finished > 0, False
    if not recorded:
        return f"nothing of revision {turn.revision} is in: the server has rolled it back"
    of = "statement is" if finished == 1 else "statements are"
    return f"{finished} {of} durable of revision {turn.revision}, which goes on from there"


def _forget_after(runner: PlanRunner, found: tuple[str, ...]) -> tuple[str, ...]:
    """The revisions that were in, and are in no more, now that the version table holds `found`: a failover."""
    states = [tuple(sorted(runner.plan.current)), *runner.heads.values()]
    if found not in states:
        return ()
    gone = tuple(runner.heads)[states.index(found) :]
    for revision in gone:
        del runner.heads[revision], runner.done[revision]
    return gone


def _remember(runner: PlanRunner, found: str) -> None:
    """In the attempt that was cut off, where the report has it."""
    tried = next(reversed(runner.attempts.values()), None)
    revision = next(reversed(runner.attempts), "")
    if tried:
        tried[-1] = msgspec.structs.replace(tried[-1], found=found)
    with suppress(OSError):
        runner.journal.write("reconnected", revision=revision, found=found)
    runner.emit("reconnected", revision=revision, found=found)

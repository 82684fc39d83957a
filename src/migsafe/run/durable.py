"""Statements outside a transaction: each is one with its record where that is possible, else recorded before and after.

What is one transaction with its record is done once, whatever is cut off when (decision 023).
"""

import hashlib
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import psycopg

from migsafe.errors import LockNotAvailable, RunFailed
from migsafe.journal import Journal
from migsafe.model.effects import Effects
from migsafe.postgres import progress, session
from migsafe.postgres.sqlstate import is_connection_loss, sqlstate_of
from migsafe.revisions.watch import Call
from migsafe.run.current import Current, short

_TRANSACTION = frozenset(
    ("BEGIN", "START TRANSACTION", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "ROLLBACK TO", "PREPARE TRANSACTION")
)
# What they do is gone with the session, so a new one needs it again.
_OF_THE_SESSION = _TRANSACTION | frozenset(
    ("SET", "RESET", "PREPARE", "DEALLOCATE", "LISTEN", "UNLISTEN", "LOAD", "DISCARD", "SET CONSTRAINTS")
)
# Outside a transaction, and the second time does no more than the first.
_REPEATABLE = frozenset(("VACUUM", "CLUSTER", "REINDEX", "ALTER SYSTEM", "CHECKPOINT"))
_MAY_END_TRANSACTIONS = re.compile(
    r"\b(begin|start|commit|end|rollback|abort|savepoint|call|vacuum|concurrently|prepared)\b", re.IGNORECASE
)
_ENDS_IN_A_BODY = re.compile(r"\b(commit|rollback|call)\b", re.IGNORECASE)
# active_sql_transaction and invalid_transaction_termination: it was tried in a transaction, and did nothing.
_NOT_IN_A_TRANSACTION = ("25001", "2D000")


def digest_of(call: Call) -> str:
    """The same for the same text with the same values."""
    return hashlib.sha256(f"{call.sql}\0{call.parameters!r}".encode()).hexdigest()[:32]


def recorded(call: Call, current: Current, digest: str) -> progress.Done | None:
    """What an earlier run has recorded of this statement. Raises RunFailed when it was another one."""
    before = current.recorded.get(current.number)
    if before is None or before.digest == digest:
        return before
    assert call.place is not None
    raise RunFailed(
        f"{current.path}:{call.place.line}: this is not the statement that an earlier run of revision "
        f"{current.revision} made durable here (statement {current.number + 1})",
        "The revision changed after it was partly applied. Put the old text back and run the same command, or "
        f"make the rest by hand, then: migsafe stamp {current.revision}",
    )


def is_of_the_session(effects: Effects) -> bool:
    """Whether a statement does nothing that outlives its session: it is never skipped."""
    return effects.command in _OF_THE_SESSION or any(each.name.startswith("pg_temp.") for each in effects.creates)


def one_transaction(sql: str, effects: Effects) -> bool:
    """Whether a statement may be in a transaction of ours: PostgreSQL lets it, and it ends none by itself."""
    if effects.concurrently or not effects.in_transaction:
        return False
    if effects.command == "DO":
        return _ENDS_IN_A_BODY.search(sql) is None
    if not effects.command:
        return _MAY_END_TRANSACTIONS.search(sql) is None
    return effects.command not in _TRANSACTION and effects.command != "CALL"


def repeatable(
    own: psycopg.Connection[Any], call: Call, current: Current, effects: Effects, schema: str | None
) -> None:
    """Return when a statement that was started and never reported back may be run again.

    Raises LockNotAvailable while the server still goes on with it, and RunFailed where nobody can tell whether it did
    its work: done twice, it may do harm.
    """
    assert call.place is not None
    where = f"{current.path}:{call.place.line}: "
    pid = progress.still_working(own, schema, current.revision, current.number)
    if pid is not None and pid != session.backend_pid(call.connection):
        raise LockNotAvailable(
            f"{where}the session with pid {pid}, whose client is gone, still works on: {short(call.sql)}",
            f"Wait for it, or end it: SELECT pg_cancel_backend({pid})",
        )
    if effects.concurrently or effects.command in _REPEATABLE or one_transaction(call.sql, effects):
        return
    done, undone = (sql(schema, current.revision, current.number) for sql in (progress.finish_sql, progress.forget_sql))
    current.unsettled = True
    raise RunFailed(
        f"{where}whether this did its work is not known: an earlier attempt was cut off in the middle of it, and it is "
        f"no transaction that the server would have rolled back: {short(call.sql)}",
        f"It is not run twice by itself. Look whether it did. If so: {done}; if not: {undone}; then run the same "
        "command again.",
    )


def run_durably(
    call: Call, current: Current, digest: str, *, schema: str | None, journal: Journal, run: Callable[[], None]
) -> None:
    """`run` a statement in autocommit, so that what is recorded of it and what it did agree."""
    assert current.effects is not None
    if is_of_the_session(current.effects):
        run()
        return
    started = time.monotonic()

    def record(finished: bool) -> None:
        for sql in progress.record_sql(schema, current.revision, [_done(current, digest, finished)]):
            call.execute(sql)

    if session.in_transaction(call.connection):
        # The revision has begun one itself (op.execute("BEGIN")): the record belongs to it.
        run()
        record(True)
        return
    together = one_transaction(call.sql, current.effects) and _run_with_record(call, current, record, run)
    if not together:
        _run_between_records(call, current, record, run, progress.forget_sql(schema, current.revision, current.number))
    current.durable = True
    journal.write("durable", number=current.number, seconds=round(time.monotonic() - started, 3))


def _run_with_record(call: Call, current: Current, record: Callable[[bool], None], run: Callable[[], None]) -> bool:
    """The statement and its record in one transaction; False when the server does not take it there."""
    call.execute("BEGIN")
    try:
        run()
        record(True)
        current.unsettled = True
        call.execute("COMMIT")
        current.unsettled = False
    except BaseException as error:
        with suppress(Exception):
            call.execute("ROLLBACK")
        if sqlstate_of(error) in _NOT_IN_A_TRANSACTION:
            return False
        raise
    return True


def _run_between_records(
    call: Call, current: Current, record: Callable[[bool], None], run: Callable[[], None], forget: str
) -> None:
    """Record that it was started, run it, record that it is done."""
    assert current.effects is not None
    record(False)
    current.unsettled = True
    try:
        run()
    except Exception as error:
        # What the server answered with an error is over. Of a CONCURRENTLY statement something may be left.
        if sqlstate_of(error) is not None and not is_connection_loss(error) and not current.effects.concurrently:
            with suppress(Exception):
                call.execute(forget)
                current.unsettled = False
        raise
    record(True)
    current.unsettled = False


def _done(current: Current, digest: str, finished: bool) -> progress.Done:
    found = current.seen.text() if current.seen is not None and not finished else None
    return progress.Done(current.number, digest, finished, found)


def end_of_transaction(sql: str) -> bool:
    """Whether a text ends the transaction that it is sent in: op.execute("COMMIT")."""
    return next(_words(sql), "").upper() in ("COMMIT", "END")


def _words(sql: str) -> Iterator[str]:
    return (match[0] for match in re.finditer(r"\w+", sql))

"""Why an attempt ended: the statement, the line, the server's own words, and who was in the way."""

import errno
import traceback

import psycopg

from migsafe.errors import ConnectionFailed, LockNotAvailable, MigsafeError, TimeIsUp
from migsafe.model.plan import Plan
from migsafe.postgres import space
from migsafe.postgres.refusal import passing
from migsafe.postgres.sqlstate import (
    ADMIN_SHUTDOWN,
    DISK_FULL,
    LIMITS_OF_A_SESSION,
    LOCK_NOT_AVAILABLE,
    QUERY_CANCELED,
    RETRYABLE,
    is_connection_loss,
    loss_message,
    server_message,
    sqlstate_of,
)
from migsafe.revisions.config import relative
from migsafe.revisions.sentence import named
from migsafe.run.ahead import takes_time
from migsafe.run.beside import Outwaited
from migsafe.run.failure import Failure, NotAlone
from migsafe.run.runner import PlanRunner
from migsafe.run.watchdog import Verdict

# A statement that should take a moment and did not may have met a checkpoint; the third time it is no accident.
_ATTEMPTS = 3
# A server that dies during the same statement twice will die of it a third time, and with it every session.
_CRASHES = 2


def explain(error: BaseException, runner: PlanRunner, plan: Plan) -> Failure:
    """What a person needs to know about `error`, which ended an attempt."""
    place, statement = runner.place(), runner.statement_text()
    where = f"{place}: " if place else ""
    error = _stopping(error)
    if isinstance(error, TimeIsUp):
        return _late(runner, plan, where, None)
    if isinstance(error, KeyboardInterrupt):
        return Failure("interrupted by the operator", _again(plan), None, statement, place, interrupted=True)
    if _is_loss(error) and runner.verdict() is None:
        return _lost(error, runner, plan, where)
    if isinstance(error, Outwaited):
        return Failure(error.message, error.remedy, QUERY_CANCELED, statement, place, error.blockers, outwaited=True)
    if isinstance(error, LockNotAvailable) and error.remedy is not None:
        blockers = runner.blockers()
        return Failure(error.message, error.remedy, LOCK_NOT_AVAILABLE, statement, place, blockers, again=True)
    if isinstance(error, MigsafeError) and not isinstance(error, LockNotAvailable):
        return Failure(error.message, error.remedy, None, statement, place)
    sqlstate = LOCK_NOT_AVAILABLE if isinstance(error, LockNotAvailable) else sqlstate_of(error)
    verdict = runner.verdict()
    if verdict is not None and verdict.phase == "over":
        return _late(runner, plan, where, sqlstate)
    if verdict is not None and (sqlstate == QUERY_CANCELED or is_connection_loss(error)):
        return _stopped(verdict, runner, plan, where)
    if sqlstate in RETRYABLE:
        blockers = runner.blockers()
        message = f"{where}{_waited(sqlstate)}: {statement}"
        return Failure(message, _later(plan), sqlstate, statement, place, blockers, again=True)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _no_journal(error, runner, plan)
    said = server_message(error) if sqlstate else None
    if said is None:
        place = _raised_at(error, runner) or place
        where = f"{place}: " if place else ""
        return Failure(f"{where}{named(error)}", _mend(plan), None, None, place)
    parts = [f"{where}{said.primary} (SQLSTATE {sqlstate})"]
    parts += [f"detail: {said.detail}"] if said.detail else []
    parts += [f"hint: {said.hint}"] if said.hint else []
    remedy = _space(runner, said.primary, plan) if sqlstate == DISK_FULL else _mend(plan)
    return Failure("; ".join(parts), remedy, sqlstate, statement, place)


def _is_loss(error: BaseException) -> bool:
    if isinstance(error, MigsafeError):
        return isinstance(error, ConnectionFailed) and (error.passing or passing(error.message))
    return isinstance(error, NotAlone) or is_connection_loss(error)


def _lost(error: BaseException, runner: PlanRunner, plan: Plan, where: str) -> Failure:
    """Tried again, but not for ever: the statement may be what brings the server down."""
    place, statement, sqlstate = runner.place(), runner.statement_text(), sqlstate_of(error)
    during = f" during: {statement}" if statement else ""
    said = error.message if isinstance(error, MigsafeError) else loss_message(error)
    code = f", SQLSTATE {sqlstate}" if sqlstate else ""
    message = f"{where}{runner.cut(error)} was lost{during} ({said}{code})"
    remedy = _again(plan)
    often = runner.cut_before() + 1 >= (_ATTEMPTS if sqlstate == ADMIN_SHUTDOWN else _CRASHES)
    if sqlstate in LIMITS_OF_A_SESSION:
        remedy = f"{LIMITS_OF_A_SESSION[sqlstate]} ends such sessions: raise or unset it for this role. {remedy}"
    elif often and statement and not isinstance(error, NotAlone | MigsafeError):
        remedy = f"It was not the first time during this statement: see the server's log why. {remedy}"
    else:
        return Failure(message, remedy, sqlstate, statement, place, again=True, lost=True)
    return Failure(message, remedy, sqlstate, statement, place, lost=True)


def _no_journal(error: OSError, runner: PlanRunner, plan: Plan) -> Failure:
    place = runner.place()
    message = f"{place}: " if place else ""
    message += f"the run directory ({runner.journal.path.parent}) cannot be written: {error.strerror}"
    remedy = "A run without a journal goes no further. Free space there, or set `runs` to a folder on another disk"
    return Failure(message, f"{remedy}; then run the same command again: {_command(plan)}", None, None, place)


def _space(runner: PlanRunner, said: str, plan: Plan) -> str:
    try:
        where = space.place(runner.own, said)
    except psycopg.Error:
        where = "where it keeps its data"
    return f"Free space on the database server, {where}; then run the same command again: {_command(plan)}"


def _stopping(error: BaseException) -> BaseException:
    """The KeyboardInterrupt on the way from which `error` was raised, else `error`.

    SQLAlchemy invalidates a connection that it reaches, and Alembic's autocommit_block() then fails on it.
    """
    each: BaseException | None = error
    while each is not None and not isinstance(each, KeyboardInterrupt):
        each = each.__cause__ or each.__context__
    return error if each is None else each


def _late(runner: PlanRunner, plan: Plan, where: str, sqlstate: str | None) -> Failure:
    statement = runner.statement_text()
    message = f"{where}the time for the whole run is over{f'; stopped at: {statement}' if statement else ''}"
    return Failure(message, _again(plan), sqlstate, statement, runner.place(), runner.blockers(), late=True)


def _stopped(verdict: Verdict, runner: PlanRunner, plan: Plan, where: str) -> Failure:
    """Our own cancel: while we waited for a lock it is a lock that was not to be had; while we held one, it depends."""
    place, statement = runner.place(), runner.statement_text()
    sessions = "1 session" if verdict.sessions == 1 else f"{verdict.sessions} sessions"
    of = f" for {verdict.relation}" if verdict.relation else ""
    waited = f"{sessions} waited{of}, the longest for {verdict.seconds:.2f} s"
    if verdict.phase == "waiting":
        message = f"{where}we left the queue for a lock because behind us {waited}: {statement}"
        return Failure(message, _later(plan), QUERY_CANCELED, statement, place, runner.blockers(), again=True)
    how = "we ended our session" if verdict.ended else "we stopped"
    foreseen = any(takes_time(each.effects) for each in runner.planned())
    message = f"{where}{how} because {waited}, while we held the lock: {statement}"
    if not foreseen:
        message += "; it was predicted to take a moment: prediction and reality disagree"
    remedy = (
        "It takes its time under a lock. Run it when nobody needs the table, or in a way that does not stop them "
        f"(migsafe lint), or let them wait: {_command(plan)} --max-wait 5min"
    )
    again = not foreseen and runner.held_too_long + 1 < _ATTEMPTS
    return Failure(message, remedy, QUERY_CANCELED, statement, place, again=again)


def _raised_at(error: BaseException, runner: PlanRunner) -> str | None:
    """Where in the running revision an exception of Python came from, which may be far from its last statement."""
    path = runner.last.path if runner.last is not None else None
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if relative(frame.filename) == path]
    return f"{path}:{lines[-1]}" if lines else None


def _waited(sqlstate: str | None) -> str:
    return {
        "55P03": "a lock could not be had in time",
        "40P01": "the server chose us as the victim of a deadlock",
        "40001": "a serialization conflict",
    }.get(sqlstate or "", "a lock conflict")


def _command(plan: Plan) -> str:
    return f"migsafe {plan.direction} {' '.join(plan.target) or 'base'}"


def _again(plan: Plan) -> str:
    return f"Run the same command again; it carries on where this one stopped: {_command(plan)}"


def _later(plan: Plan) -> str:
    return f"Try again when the sessions above are gone, or give it more time: {_command(plan)} --deadline 30min"


def _mend(plan: Plan) -> str:
    return f"Mend the revision or the data, then run the same command again: {_command(plan)}"

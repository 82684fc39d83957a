"""Runs the plan: one revision a transaction, short lock waits, bounded retries, and a record of what is durable."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Literal

import msgspec

from migsafe.errors import TimeIsUp
from migsafe.journal import Journal
from migsafe.model.plan import Plan
from migsafe.model.run import StepResult
from migsafe.postgres.connection import Database, redact
from migsafe.revisions.apply import apply
from migsafe.revisions.config import Environment
from migsafe.run.backoff import pauses
from migsafe.run.current import Told
from migsafe.run.entry import Entry, Manners, OnBlocked
from migsafe.run.events import Emit, blocking, silent, telling
from migsafe.run.explain import explain
from migsafe.run.failure import Failure
from migsafe.run.guard import Securing
from migsafe.run.regain import AloneAgain, Lost, beside
from migsafe.run.runner import PlanRunner
from migsafe.run.watchdog import Watchdog

Stop = Literal["deadline", "timeout", "interrupted"]


class Ran(msgspec.Struct, frozen=True):
    """What came of the plan. `failure` and `remedy` are sentences; `stopped_at` when time or the operator ended it."""

    steps: tuple[StepResult, ...]
    failure: str | None = None
    remedy: str | None = None
    stopped_at: Stop | None = None
    notes: tuple[str, ...] = ()


def run(
    environment: Environment,
    plan: Plan,
    *,
    database: Database,
    journal: Journal,
    lock_timeout: float,
    deadline: float,
    max_wait: float = 0.25,
    queue_behind: float = 0.5,
    terminate_idle: float | None = None,
    timeout: float | None = None,
    concurrently_deadline: float | None = None,
    search_path: tuple[str, ...] = ("public",),
    url: str | None = None,
    told: Told = lambda _text, _fraction: None,
    on_blocked: OnBlocked = lambda _blockers, _pause: None,
    emit: Emit = silent,
    is_alone: Callable[[], bool] = lambda: True,
    alone_again: AloneAgain = lambda _seconds: None,
    securing: Securing = lambda _planned, _execute: None,
) -> Ran:
    """Apply `plan`. `lock_timeout` in seconds a lock wait, `deadline` in seconds for everything.

    `max_wait` is the longest, in seconds, that a reader or writer may wait for us, whether we wait or hold;
    `queue_behind` the age in seconds of a transaction beyond which we wait for it outside the queue;
    `terminate_idle` the seconds of idleness in a transaction after which a session in our way is ended;
    `timeout` the seconds after which whatever runs is cancelled; `is_alone` whether no other runner can be at work,
    and `alone_again` sees to that within the seconds it gets, or raises LockNotAvailable. `securing` is told the
    planned statements that come next, and may send SQL before them.

    `concurrently_deadline` is how long, in seconds, a CONCURRENTLY statement may wait for others; None: as long as it
    has worked, and at least `deadline`.

    A revision that could not have a lock (55P03), lost a deadlock (40P01) or a serialization race (40001) was rolled
    back by Alembic, is waited for with nothing held, and run again from where the database then is. A connection that
    was lost is made anew, and what was under way is looked for in the database (regain.py). Raises nothing for what
    happens in the database: that is in the result.
    """
    began = time.monotonic()
    stop_at = None if timeout is None else began + timeout
    ends = began + (deadline if timeout is None else min(deadline, timeout))
    told, on_blocked = telling(told, emit), blocking(on_blocked, emit)
    manners = Manners(lock_timeout, max_wait, queue_behind, ends, terminate_idle, deadline, concurrently_deadline)
    with Watchdog(database, max_wait, stop_at, is_alone) as watchdog:
        own = beside(database)
        runner = PlanRunner(plan, own, journal, Entry(own, manners, on_blocked), watchdog, told, search_path, emit)
        runner.guard.securing = securing
        limit: Stop = "deadline" if timeout is None or deadline < timeout else "timeout"
        lost = Lost(database, is_alone, alone_again, ends, stop_at)
        try:
            return _attempts(environment, plan, runner, url, lost, limit)
        except KeyboardInterrupt as error:
            # Once more, while the first Ctrl-C was being seen to.
            return _gave_up(explain(error, runner, plan), runner, limit, clear=False)
        finally:
            runner.own.close()


def _attempts(
    environment: Environment, plan: Plan, runner: PlanRunner, url: str | None, lost: Lost, limit: Stop
) -> Ran:
    waits = pauses()
    while True:
        failure = _attempt(environment, plan, runner, url, lost.database)
        if failure is None:
            return Ran(runner.results(), notes=runner.notes())
        try:
            if failure.lost:
                failure = lost.regained(failure, runner)
            pause = _pause(failure, waits, lost.ends)
            if pause is None:
                return _gave_up(failure, runner, limit)
            if not failure.lost:
                runner.guard.entry.on_blocked(failure.blockers, pause)
            with suppress(OSError):
                runner.journal.write("waiting", seconds=round(pause, 2), sqlstate=failure.sqlstate)
            time.sleep(pause)
        except KeyboardInterrupt as error:
            stopped = {"interrupted": not isinstance(error, TimeIsUp), "late": isinstance(error, TimeIsUp)}
            return _gave_up(msgspec.structs.replace(failure, **stopped), runner, limit)


def _attempt(
    environment: Environment, plan: Plan, runner: PlanRunner, url: str | None, database: Database
) -> Failure | None:
    started = runner.started()
    try:
        apply(
            environment,
            tuple(step.revision for step in plan.steps),
            direction=plan.direction,
            current=plan.current,
            runner=runner,
            url=url,
        )
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        failure = explain(error, runner, plan)
        failure = msgspec.structs.replace(failure, message=redact(failure.message, database))
        runner.failed(failure, started)
        return failure
    return None


def _pause(failure: Failure, waits: Iterator[float], ends: float) -> float | None:
    """Seconds until the next attempt; None when there is none."""
    if failure.interrupted or not failure.again:
        return None
    pause = next(waits)
    return pause if failure.lost or time.monotonic() + pause < ends else None


def _gave_up(failure: Failure, runner: PlanRunner, limit: Stop, *, clear: bool = True) -> Ran:
    """`limit` is what ends first of `deadline` and `timeout`; `clear` away what an index build of ours left invalid."""
    if clear:
        runner.clear_leftovers()
    stopped: Stop | None = limit if failure.again and not failure.lost else None
    if failure.outwaited:
        stopped = "deadline"
    if failure.interrupted or failure.late:
        stopped = "interrupted" if failure.interrupted else "timeout"
    return Ran(runner.results(), failure.message, failure.remedy, stopped, runner.notes())

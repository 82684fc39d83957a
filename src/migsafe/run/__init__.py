"""Runs the plan: one revision a transaction, short lock waits, bounded retries, and a record of what is durable."""

import time
from collections.abc import Iterator
from typing import Literal

import msgspec

from migsafe.journal import Journal
from migsafe.model.plan import Plan
from migsafe.model.run import StepResult
from migsafe.postgres.connection import Database, connect, redact
from migsafe.postgres.session import NEVER_IDLE
from migsafe.revisions.apply import apply
from migsafe.revisions.config import Environment
from migsafe.run.backoff import pauses
from migsafe.run.entry import Entry, Manners, OnBlocked
from migsafe.run.events import Emit, blocking, silent, telling
from migsafe.run.explain import explain
from migsafe.run.failure import Failure
from migsafe.run.guard import Told
from migsafe.run.runner import PlanRunner
from migsafe.run.watchdog import Watchdog

Stop = Literal["deadline", "interrupted"]


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
    search_path: tuple[str, ...] = ("public",),
    url: str | None = None,
    told: Told = lambda _text, _fraction: None,
    on_blocked: OnBlocked = lambda _blockers, _pause: None,
    emit: Emit = silent,
) -> Ran:
    """Apply `plan`. `lock_timeout` in seconds a lock wait, `deadline` in seconds for everything.

    `max_wait` is the longest, in seconds, that a reader or writer may wait for us, whether we wait or hold;
    `queue_behind` the age in seconds of a transaction beyond which we wait for it outside the queue;
    `terminate_idle` the seconds of idleness in a transaction after which a session in our way is ended;
    `timeout` the seconds after which whatever runs is cancelled.

    A revision that could not have a lock (55P03), lost a deadlock (40P01) or a serialization race (40001) was rolled
    back by Alembic, is waited for with nothing held, and run again from where the database then is. Raises nothing
    for what happens in the database: that is in the result.
    """
    began = time.monotonic()
    stop_at = None if timeout is None else began + timeout
    ends = began + (deadline if timeout is None else min(deadline, timeout))
    told, on_blocked = telling(told, emit), blocking(on_blocked, emit)
    manners = Manners(lock_timeout, max_wait, queue_behind, ends, terminate_idle)
    with connect(database) as own, Watchdog(database, max_wait, stop_at) as watchdog:
        own.execute(NEVER_IDLE)
        runner = PlanRunner(plan, own, journal, Entry(own, manners, on_blocked), watchdog, told, search_path, emit)
        waits = pauses()
        while True:
            failure = _attempt(environment, plan, runner, url, database)
            if failure is None:
                return Ran(runner.results(), notes=runner.notes())
            pause = _pause(failure, waits, ends)
            if pause is None:
                return _gave_up(failure, runner)
            try:
                on_blocked(failure.blockers, pause)
                journal.write("waiting", seconds=round(pause, 2), sqlstate=failure.sqlstate)
                time.sleep(pause)
            except KeyboardInterrupt:
                return _gave_up(msgspec.structs.replace(failure, interrupted=True), runner)


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
    return pause if time.monotonic() + pause < ends else None


def _gave_up(failure: Failure, runner: PlanRunner) -> Ran:
    runner.clear_leftovers()
    stopped: Stop | None = (
        "interrupted" if failure.interrupted else ("deadline" if failure.again or failure.late else None)
    )
    return Ran(runner.results(), failure.message, failure.remedy, stopped, runner.notes())

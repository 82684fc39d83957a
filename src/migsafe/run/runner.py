"""Follows a plan through its attempts, and knows at every moment what is durable."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg

from migsafe.errors import LockNotAvailable, RunFailed
from migsafe.journal import Journal
from migsafe.model.plan import Plan
from migsafe.model.run import Attempt, Blocker, StepResult
from migsafe.model.statement import Statement
from migsafe.postgres import progress
from migsafe.postgres.locks import holders
from migsafe.postgres.session import LOCK_TIMEOUT_NOW, LOCK_TIMEOUT_SET_BY_ENV_PY, restore_lock_timeout
from migsafe.revisions.apply import Ask, Turn
from migsafe.revisions.watch import Call, Execute
from migsafe.run.entry import Entry
from migsafe.run.events import Emit
from migsafe.run.failure import Failure
from migsafe.run.guard import Current, Guard, Told, reconcile_indexes
from migsafe.run.watchdog import Verdict, Watchdog


class PlanRunner:
    """A revisions.Runner over all attempts of one run. `own` is a connection in autocommit beside the migrating one."""

    def __init__(
        self,
        plan: Plan,
        own: psycopg.Connection[Any],
        journal: Journal,
        entry: Entry,
        watchdog: Watchdog,
        told: Told,
        search_path: tuple[str, ...],
        emit: Emit,
    ) -> None:
        self.plan, self.own, self.journal, self.told = plan, own, journal, told
        schema = plan.version_table.rpartition(".")[0] or None
        self.guard = Guard(
            own=own,
            journal=journal,
            schema=schema,
            lock_timeout=entry.manners.lock_timeout,
            told=told,
            entry=entry,
            watchdog=watchdog,
            search_path=search_path,
            emit=emit,
        )
        self.emit = emit
        self.held_too_long = 0
        self.done: dict[str, StepResult] = {}
        self.attempts: dict[str, list[Attempt]] = {}
        self.last: Current | None = None
        self._notes: dict[str, None] = {}
        self._began: tuple[str, float] = ("", 0.0)
        self._timeout_before: str | None = None

    # What revisions.apply tells us.

    def connected(self, ask: Ask) -> None:
        if ask(LOCK_TIMEOUT_SET_BY_ENV_PY):
            self._timeout_before = str(ask(LOCK_TIMEOUT_NOW))
            self.guard.respected = True
            self._notes[f"env.py sets lock_timeout = {self._timeout_before} itself; that one holds"] = None

    def entering(self, turn: Turn) -> None:
        self._began = self.started()
        self.told(f"revision {turn.revision}: {turn.path}", turn.index / max(1, len(self.plan.steps)))
        self.last = self.guard.enter(turn.revision, turn.path)
        planned = self.plan.steps[turn.index].statements
        failed = len(self.attempts.get(turn.revision, ()))
        self.guard.entry.revision(planned, failed)
        self.emit("attempt", revision=turn.revision, path=turn.path, number=failed + 1)

    def left(self, turn: Turn) -> None:
        current = self.guard.current
        assert current is not None
        found = progress.versions(self.own, self.plan.version_table)
        if found != turn.heads_after:
            raise RunFailed(
                f"{turn.path}: the revision ran, but the version table holds {', '.join(found) or 'nothing'} "
                f"instead of {', '.join(turn.heads_after) or 'nothing'}",
                "Something in env.py or in the revision rolled the version row back; `migsafe current` shows it.",
            )
        self._attempted(turn.revision, None, self._began)
        self.done[turn.revision] = StepResult(
            revision=turn.revision,
            outcome="done",
            attempts=tuple(self.attempts[turn.revision]),
            statements=current.number + 1,
            resumed=current.resumed,
            notes=tuple(f"sets {name} itself" for name in sorted(current.timeouts)),
        )
        self.guard.leave()
        self.last = None
        self.held_too_long = 0

    def finished(self, ask: Ask) -> None:
        ask(restore_lock_timeout(self._timeout_before))

    def statement(self, call: Call) -> bool:
        return self.guard.statement(call)

    def begun(self) -> None:
        self.guard.begun()

    def committing(self, execute: Execute) -> None:
        self.guard.committing(execute)

    def rolled_back(self) -> None:
        self.guard.rolled_back()

    # What the run asks.

    def verdict(self) -> Verdict | None:
        """Why the watchdog stopped this attempt; None when it did not."""
        return self.guard.watchdog.verdict

    def planned(self) -> tuple[Statement, ...]:
        """The planned statements of the one that was sent last."""
        return self.guard.entry.planned

    def started(self) -> tuple[str, float]:
        self.guard.watchdog.forget()
        return datetime.now(UTC).isoformat(timespec="milliseconds"), time.monotonic()

    def failed(self, failure: Failure, started: tuple[str, float]) -> None:
        """Record a failed attempt at the revision that was running, or at the next one when none was."""
        revision = self.last.revision if self.last is not None else self._next()
        self.journal.write("failed", revision=revision, sqlstate=failure.sqlstate, place=failure.place)
        self._attempted(revision, failure, self._began if self.last is not None else started)
        self.emit("failed", revision=revision, sqlstate=failure.sqlstate, place=failure.place, message=failure.message)
        self.guard.current = None
        self.guard.watchdog.rest()
        verdict = self.verdict()
        self.held_too_long += verdict is not None and verdict.phase == "holding"

    def blockers(self) -> tuple[Blocker, ...]:
        """Who holds what the failed statement wanted; empty when it is gone by now or nothing can be told."""
        current = self.last
        if current is None or current.sql is None:
            return ()
        here = [each for each in self.plan.statements if self._is(each, current)]
        same = [each for each in here if each.sql in current.sql]
        locks = [lock for each in same or here for lock in each.effects.locks]
        return holders(self.own, tuple(locks) or (current.effects.locks if current.effects else ()))

    def place(self) -> str | None:
        current = self.last
        if current is None:
            return None
        line = current.place.line if current.place is not None else None
        return f"{current.path}:{line}" if line else current.path

    def statement_text(self) -> str | None:
        return " ".join(self.last.sql.split())[:200] if self.last is not None and self.last.sql else None

    def clear_leftovers(self) -> None:
        """Drop what an index build of ours left invalid, unless the server cannot be asked any more."""
        current = self.last
        if current is None or current.effects is None or not current.effects.concurrently:
            return
        try:
            reconcile_indexes(self.own, current.effects, self.told)
        except (psycopg.Error, LockNotAvailable) as error:
            self._notes[f"an invalid index may be left behind ({' '.join(str(error).split())})"] = None

    def results(self) -> tuple[StepResult, ...]:
        return tuple(self._result(step.revision) for step in self.plan.steps)

    def notes(self) -> tuple[str, ...]:
        return (*self._notes, *self.guard.entry.ended, *self._waits())

    def _waits(self) -> Iterator[str]:
        waits, blind = self.guard.watchdog.waits, self.guard.watchdog.blind
        if waits.sessions:
            yield (
                f"{waits.sessions} session{'s' * (waits.sessions > 1)} of others waited for this run, the longest for "
                f"{waits.longest:.2f} s ({waits.total:.2f} s in all)"
            )
        if blind:
            yield f"for a time nobody watched who waits for us: {blind}"

    def _result(self, revision: str) -> StepResult:
        if revision in self.done:
            return self.done[revision]
        tries = tuple(self.attempts.get(revision, ()))
        if not tries:
            return StepResult(revision=revision, outcome="not-reached")
        partial = self.last is not None and self.last.revision == revision and self.last.durable
        return StepResult(
            revision=revision,
            outcome="partial" if partial else "failed",
            attempts=tries,
            resumed=self.last.resumed if self.last else 0,
        )

    def _next(self) -> str:
        return next((step.revision for step in self.plan.steps if step.revision not in self.done), "")

    def _is(self, statement: Statement, current: Current) -> bool:
        line = current.place.line if current.place is not None else None
        return (statement.revision, statement.line) == (current.revision, line)

    def _attempted(self, revision: str, failure: Failure | None, started: tuple[str, float]) -> None:
        at, clock = started
        attempt = Attempt(
            started=at,
            ended=datetime.now(UTC).isoformat(timespec="milliseconds"),
            seconds=round(time.monotonic() - clock, 3),
            sqlstate=failure.sqlstate if failure else None,
            message=failure.message if failure else None,
            statement=failure.statement if failure else None,
            place=failure.place if failure else None,
            blocked_by=failure.blockers if failure else (),
        )
        self.attempts.setdefault(revision, []).append(attempt)

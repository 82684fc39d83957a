"""Follows a plan through its attempts, and knows at every moment what is durable."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
import psycopg

from migsafe.errors import ConnectionFailed, LockNotAvailable, RunFailed
from migsafe.journal import Journal
from migsafe.model.plan import Plan
from migsafe.model.run import Attempt, Blocker, StepResult
from migsafe.model.statement import Statement
from migsafe.postgres import progress
from migsafe.postgres.blockers import blocking_tree
from migsafe.postgres.session import LOCK_TIMEOUT_NOW, LOCK_TIMEOUT_SET_BY_ENV_PY, backend_pid, restore_lock_timeout
from migsafe.revisions.apply import Ask, Turn
from migsafe.revisions.watch import Call, Execute
from migsafe.run.current import Current, Told
from migsafe.run.entry import Entry
from migsafe.run.events import Emit
from migsafe.run.failure import Failure, NotAlone
from migsafe.run.guard import Guard
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
        self.turn: Turn | None = None
        self.heads: dict[str, tuple[str, ...]] = {}
        self.session: tuple[int, float] | None = None
        self._cuts: Counter[tuple[str, str | None]] = Counter()
        self.noted: dict[str, None] = {}
        self._began: tuple[str, float] = ("", 0.0)
        self._timeout_before: str | None = None

    # What revisions.apply tells us.

    def connected(self, ask: Ask) -> None:
        if ask(LOCK_TIMEOUT_SET_BY_ENV_PY):
            self._timeout_before = str(ask(LOCK_TIMEOUT_NOW))
            self.guard.respected = True
            self.noted[f"env.py sets lock_timeout = {self._timeout_before} itself; that one holds"] = None

    def entering(self, turn: Turn) -> None:
        self._began = self.started()
        count = len(self.plan.steps)
        self.told(f"revision {turn.index + 1} of {count}, {turn.revision}: {turn.path}", turn.index / max(1, count))
        self.last, self.turn = self.guard.enter(turn.revision, turn.path), turn
        planned = self.plan.steps[turn.index].statements
        failed = len(self.attempts.get(turn.revision, ()))
        self.guard.entry.revision(planned, failed)
        self.emit("attempt", revision=turn.revision, path=turn.path, number=failed + 1)

    def left(self, turn: Turn) -> None:
        found = progress.versions(self.own, self.plan.version_table)
        if found != turn.heads_after:
            raise RunFailed(
                f"{turn.path}: the revision ran, but the version table holds {', '.join(found) or 'nothing'} "
                f"instead of {', '.join(turn.heads_after) or 'nothing'}",
                "Something in env.py or in the revision rolled the version row back; `migsafe current` shows it.",
            )
        self._attempted(turn.revision, None, self._began)
        self.arrived(turn)
        self.guard.leave()

    def arrived(self, turn: Turn) -> None:
        """The revision is in: the version table says so."""
        current = self.last
        assert current is not None
        self.heads[turn.revision] = turn.heads_after
        self.done[turn.revision] = StepResult(
            revision=turn.revision,
            outcome="done",
            attempts=tuple(self.attempts[turn.revision]),
            statements=current.number + 1,
            resumed=current.resumed,
            notes=tuple(f"sets {name} itself" for name in sorted(current.timeouts)),
        )
        self.last = self.turn = None
        self.held_too_long = 0

    def finished(self, ask: Ask) -> None:
        ask(restore_lock_timeout(self._timeout_before))

    def statement(self, call: Call) -> bool:
        pid = backend_pid(call.connection)
        if pid is not None and (self.session is None or self.session[0] != pid):
            self.session = pid, time.monotonic()
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
        with suppress(OSError):
            self.journal.write("failed", revision=revision, sqlstate=failure.sqlstate, place=failure.place)
        if failure.lost:
            self._cuts[revision, failure.statement] += 1
        else:
            self._ask_what_is_durable(answered=failure.sqlstate is not None)
        self._attempted(revision, failure, self._began if self.last is not None else started)
        self.emit("failed", revision=revision, sqlstate=failure.sqlstate, place=failure.place, message=failure.message)
        self.guard.current = None
        self.guard.watchdog.rest()
        verdict = self.verdict()
        self.held_too_long += verdict is not None and verdict.phase == "holding"

    def _ask_what_is_durable(self, *, answered: bool) -> None:
        """What a COMMIT was sent for is durable only if the server has kept it."""
        if self.last is None:
            return
        with suppress(psycopg.Error):
            recorded = progress.load(self.own, self.guard.schema, self.last.revision)
            self.last.durable = any(each.finished for each in recorded.values())
            self.last.unsettled &= not answered

    def cut(self, error: BaseException) -> str:
        """Which connection `error` tells the end of."""
        if isinstance(error, NotAlone):
            return "the connection that keeps other runs away (migsafe lock)"
        beside = "the connection beside the migrating one (migsafe)"
        if isinstance(error, ConnectionFailed) or not self.own.closed:
            return "the connection to the server"
        return beside if isinstance(error, psycopg.Error) else f"the connection to the server, or {beside},"

    def cut_before(self) -> int:
        """How often a connection was lost during the statement that is running."""
        revision = self.last.revision if self.last is not None else self._next()
        return self._cuts[revision, self.statement_text()]

    def turn_to(self, own: psycopg.Connection[Any]) -> None:
        """`own` takes the place of a lost connection beside the migrating one."""
        self.own = self.guard.own = self.guard.entry.own = own

    def blockers(self) -> tuple[Blocker, ...]:
        """Who holds what the failed statement wanted; empty when it is gone by now or nothing can be told."""
        with suppress(psycopg.Error):
            return self._blockers()
        return ()

    def _blockers(self) -> tuple[Blocker, ...]:
        current = self.last
        if current is None or current.sql is None:
            return ()
        if self.guard.concurrently.in_the_way:
            return self.guard.concurrently.in_the_way
        here = [each for each in self.plan.statements if self._is(each, current)]
        same = [each for each in here if each.sql in current.sql]
        locks = [lock for each in same or here for lock in each.effects.locks]
        return blocking_tree(self.own, locks=tuple(locks) or (current.effects.locks if current.effects else ()))

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
            left = dict.fromkeys(self.guard.concurrently.clear(current))
            self.noted |= left
            current.durable = current.durable or bool(left)
        except KeyboardInterrupt:
            self.noted["interrupted while an invalid index was dropped: migsafe status tells what is left"] = None
        except (psycopg.Error, LockNotAvailable) as error:
            self.noted[f"an invalid index may be left behind ({' '.join(str(error).split())})"] = None

    def results(self) -> tuple[StepResult, ...]:
        return tuple(self._result(step.revision) for step in self.plan.steps)

    def notes(self) -> tuple[str, ...]:
        return (*self.noted, *self.guard.entry.ended, *self._waits())

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
        tries = tuple(self.attempts.get(revision, ()))
        if revision in self.done:
            return msgspec.structs.replace(self.done[revision], attempts=tries)
        if not tries:
            return StepResult(revision=revision, outcome="not-reached")
        last = self.last if self.last is not None and self.last.revision == revision else None
        partial = last is not None and last.durable
        return StepResult(
            revision=revision,
            outcome="unknown" if last is not None and last.unsettled else "partial" if partial else "failed",
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

"""Stands at every statement of a run: timeouts, the record of what is durable, and the skipping of what was."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import psycopg

from migsafe.journal import Journal
from migsafe.model.catalog import Catalog
from migsafe.model.effects import Effects
from migsafe.model.statement import Statement
from migsafe.postgres import progress, session
from migsafe.revisions.place import BOOKKEEPING, Place
from migsafe.revisions.watch import Call, Execute
from migsafe.run import timeouts
from migsafe.run.ahead import disturbing, may_disturb
from migsafe.run.concurrently import Concurrently
from migsafe.run.current import Current, Told, literal, only_reads, short
from migsafe.run.durable import (
    digest_of,
    end_of_transaction,
    is_of_the_session,
    recorded,
    repeatable,
    run_durably,
)
from migsafe.run.entry import Entry
from migsafe.run.watchdog import Watchdog
from migsafe.sql.predict import predict

# What is told the planned statements that come next, with their locks taken as far as they can be.
Securing = Callable[[tuple[Statement, ...], Execute], None]


class Guard:
    """A revisions.Watcher for one attempt.

    `own` is a second connection, in autocommit, for what must not be asked on the one that migrates. `lock_timeout`
    in seconds holds for every statement but CONCURRENTLY ones and those of a revision that sets its own. `entry` gets
    a transaction its locks, `watchdog` watches whatever has some.
    """

    def __init__(
        self,
        *,
        own: psycopg.Connection[Any],
        journal: Journal,
        schema: str | None,
        lock_timeout: float,
        told: Told,
        entry: Entry,
        watchdog: Watchdog,
        emit: Callable[..., None],
        search_path: tuple[str, ...] = ("public",),
        respected: bool = False,
    ) -> None:
        self.entry, self.watchdog, self.emit = entry, watchdog, emit
        self.own, self.journal, self.schema, self.told = own, journal, schema, told
        self.catalog = Catalog(search_path=search_path)
        self.concurrently = Concurrently(entry, journal, schema, told, emit)
        self.lock_timeout = f"{max(1, round(lock_timeout * 1000))}ms"
        self.respected = respected
        self.current: Current | None = None
        self.securing: Securing = lambda _planned, _execute: None
        self._set: str | None = None

    def enter(self, revision: str, path: str) -> Current:
        """Begin a revision: what is recorded of it decides what will be skipped."""
        known = progress.load(self.own, self.schema, revision)
        self.current = Current(revision, path, known, durable=any(each.finished for each in known.values()))
        self.journal.write("revision", revision=revision, path=path, resumed_from=len(known))
        return self.current

    def leave(self) -> None:
        if self.current is not None:
            self.journal.write("revision-done", revision=self.current.revision)
        self.current = None

    def statement(self, call: Call) -> bool:
        current = self.current
        if current is None or call.place is None:
            return False
        self.watchdog.check()
        if not call.autocommit:
            self.watchdog.watch(session.backend_pid(call.connection))
        if call.place == BOOKKEEPING:
            current.version_moved = True
            return self._passed(call, concurrently=False)
        current.sql, current.place, current.effects = call.sql, call.place, None
        current.seen = current.instead = None
        concurrently = self._look(call, current)
        if only_reads(call.sql):
            self.entry.has_read()
            return self._passed(call, concurrently)
        current.number += 1
        digest = digest_of(call)
        if self._already(call, current, digest):
            self.entry.passed(call)
            return True
        self.concurrently.refuse_invalid(call, current)
        self._announce(call.place, call, current, digest)
        self._enter(call, current, concurrently)
        self.securing(self.entry.planned, call.execute)
        if not call.autocommit:
            if end_of_transaction(call.sql):
                self.committing(call.execute)
            current.pending.append(progress.Done(current.number, digest, True))
            return self._passed(call, concurrently)
        if concurrently:
            self.concurrently.look(current)
        run_durably(
            call,
            current,
            digest,
            schema=self.schema,
            journal=self.journal,
            run=lambda: self._run(call, current, concurrently),
        )
        return True

    def _announce(self, place: Place, call: Call, current: Current, digest: str) -> None:
        self.told(f"{place.operation or 'SQL'} at line {place.line}: {short(call.sql)}", None)
        at = f"{current.path}:{place.line}"
        self.journal.write("statement", number=current.number, place=at, digest=digest, sql=short(call.sql))

    def begun(self) -> None:
        self._set = None
        self.entry.begun()

    def rolled_back(self) -> None:
        self._set = None
        self.watchdog.rest()
        self.entry.begun()
        if self.current is not None:
            self.current.pending.clear()

    def committing(self, execute: Execute) -> None:
        """The record goes into the transaction that it is about; the commit that moves the version ends the record."""
        current = self.current
        self._set = None
        self.watchdog.rest()
        self.entry.begun()
        if current is None:
            return
        current.unsettled |= current.version_moved
        if current.version_moved:
            if current.durable or current.recorded:
                execute(progress.clear_sql(self.schema))
        elif current.pending:
            for sql in progress.record_sql(self.schema, current.revision, current.pending):
                execute(sql)
            current.durable = True
        current.pending.clear()

    def _enter(self, call: Call, current: Current, concurrently: bool) -> None:
        """Get the transaction that begins with `call` its locks. What fails of it is the statement that needs them."""
        together = self.entry.before(call, concurrently=concurrently)
        if not together:
            return
        known = len(self.entry.ended)
        try:
            self.entry.wait(call, together)
            then = None if self.respected or current.own_timeout else self.lock_timeout
            self._set = then if self.entry.take(call, together, then) else None
        except Exception:
            self._blame(current, together)
            raise
        finally:
            self.concurrently.tell_ended(known)
        locks = {lock.relation: lock.mode.text for lock in disturbing(together)}
        self.emit("acquired", revision=current.revision, locks=locks, early=not call.autocommit)

    def _blame(self, current: Current, together: tuple[Statement, ...]) -> None:
        statement = self.entry.culprit(together)
        if statement is not None:
            current.sql = statement.sql
            current.place = Place(current.place.path if current.place else None, statement.line, statement.operation)

    def _look(self, call: Call, current: Current) -> bool:
        """Whether the statement is a CONCURRENTLY one; notes a timeout that the revision sets itself."""
        if not call.autocommit and "timeout" not in call.sql:
            return False
        current.effects = predict(literal(call), self.catalog)
        named = timeouts.set_by(current.effects, call.sql)
        planned = self.entry.coming(call)
        if current.effects.concurrently and len(planned) == 1 and not planned[0].effects.nothing_to_do:
            # It was predicted from the catalog of the database.
            current.effects = planned[0].effects
        if named:
            current.timeouts |= named
            current.own_timeout |= "lock_timeout" in named
        return current.effects.concurrently

    def _passed(self, call: Call, concurrently: bool) -> bool:
        """Let the statement run with the timeouts that it should have; whether it ran already."""
        wanted = self._timeouts(concurrently)
        if not call.autocommit:
            value = wanted.get("lock_timeout")
            if value is not None and self._set != value:
                call.execute(f"SET LOCAL lock_timeout = '{value}'")
                self._set = value
            return False
        for name, value in wanted.items():
            call.execute(session.hold(name, value))
        # A CONCURRENTLY statement that is cancelled leaves an invalid index, and behind most nobody reads or writes.
        assert self.current is not None
        enforced = not concurrently or may_disturb(self._effects(call, self.current))
        self.watchdog.watch(session.backend_pid(call.connection), enforced=enforced)
        try:
            call.run()
        finally:
            self.watchdog.rest()
            # In autocommit nothing ends the setting, and a pool may hand the session to the application.
            for name in wanted:
                with suppress(Exception):
                    call.execute(session.put_back(name))
        return True

    def _timeouts(self, concurrently: bool) -> dict[str, str]:
        """What to set for a statement, by name; nothing where the user's own holds."""
        assert self.current is not None
        if concurrently:
            return timeouts.for_concurrently(self.current.timeouts)
        return {} if self.current.own_timeout or self.respected else {"lock_timeout": self.lock_timeout}

    def _already(self, call: Call, current: Current, digest: str) -> bool:
        before = recorded(call, current, digest)
        if before is None or is_of_the_session(self._effects(call, current)):
            return False
        if not before.finished and not self._reconciled(call, current):
            return False
        current.resumed += 1
        self.told(f"already done by an earlier run: {short(call.sql)}", None)
        self.journal.write("skipped", number=current.number, digest=digest)
        return True

    def _reconciled(self, call: Call, current: Current) -> bool:
        """Whether a statement that was started and never reported back did its work; clears away half of it."""
        effects = self._effects(call, current)
        done = self.concurrently.reconciled(current, effects)
        if not done:
            repeatable(self.own, call, current, effects, self.schema)
        return done

    def _effects(self, call: Call, current: Current) -> Effects:
        return current.effects or predict(literal(call), self.catalog)

    def _run(self, call: Call, current: Current, concurrently: bool) -> None:
        if concurrently:
            run = call.run
            call = msgspec.structs.replace(call, run=lambda: self.concurrently.attend(call, current, run))
        if not self._passed(call, concurrently):
            call.run()

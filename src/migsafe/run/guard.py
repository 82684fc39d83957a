"""Stands at every statement of a run: timeouts, the record of what is durable, and the skipping of what was."""

import hashlib
import re
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import psycopg

from migsafe.errors import LockNotAvailable, RunFailed
from migsafe.journal import Journal
from migsafe.model.catalog import Catalog, Index
from migsafe.model.effects import Effects
from migsafe.model.statement import Statement
from migsafe.postgres import leftovers, progress, session
from migsafe.revisions.place import BOOKKEEPING, Place
from migsafe.revisions.watch import Call, Execute, as_sql
from migsafe.run.ahead import disturbing
from migsafe.run.entry import Entry
from migsafe.run.watchdog import Watchdog
from migsafe.sql.predict import predict

Told = Callable[[str, float | None], None]


# A SELECT as far as its effects go; the other way to write SET.
_SET_CONFIG = re.compile(r"set_config\s*\(\s*'(\w+_timeout)'")


class Current(msgspec.Struct):
    """The revision that is running: mutable, because it is the one thing in a run that moves."""

    revision: str
    path: str
    recorded: dict[int, progress.Done]
    number: int = -1
    resumed: int = 0
    sql: str | None = None
    place: Place | None = None
    effects: Effects | None = None
    pending: list[progress.Done] = []
    durable: bool = False
    version_moved: bool = False
    own_timeout: bool = False
    timeouts: set[str] = set()


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
        self.lock_timeout = f"{max(1, round(lock_timeout * 1000))}ms"
        self.respected = respected
        self.current: Current | None = None
        self._set: str | None = None

    def enter(self, revision: str, path: str) -> Current:
        """Begin a revision: what is recorded of it decides what will be skipped."""
        recorded = progress.load(self.own, self.schema, revision)
        self.current = Current(revision, path, recorded, durable=any(each.finished for each in recorded.values()))
        self.journal.write("revision", revision=revision, path=path, resumed_from=len(recorded))
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
        concurrently = self._look(call, current)
        if _only_reads(call.sql):
            self.entry.has_read()
            return self._passed(call, concurrently)
        current.number += 1
        digest = hashlib.sha256(f"{call.sql}\0{call.parameters!r}".encode()).hexdigest()[:32]
        if self._already(call, current, digest):
            self.entry.passed(call)
            return True
        self.told(f"{call.place.operation or 'SQL'} at line {call.place.line}: {_short(call.sql)}", None)
        self.journal.write(
            "statement",
            number=current.number,
            place=f"{current.path}:{call.place.line}",
            digest=digest,
            sql=_short(call.sql),
        )
        self._enter(call, current, concurrently)
        if not call.autocommit:
            current.pending.append(progress.Done(current.number, digest, True))
            return self._passed(call, concurrently)
        self._run_durably(call, current, digest, concurrently)
        return True

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
            self.entry.take(call, together, self.respected or current.own_timeout)
        except Exception:
            self._blame(current, together)
            raise
        finally:
            for said in self.entry.ended[known:]:
                self.journal.write("terminated", said=said)
                self.emit("terminated", message=said)
        self._set = None
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
        current.effects = predict(_literal(call), self.catalog)
        named = {setting.name for setting in current.effects.settings if setting.name.endswith("_timeout")}
        named |= set(_SET_CONFIG.findall(call.sql))
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
        # A CONCURRENTLY statement that is cancelled leaves an invalid index, and nobody reads or writes behind it.
        self.watchdog.watch(session.backend_pid(call.connection), enforced=not concurrently)
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
            # Whoever set what: lock_timeout also governs the waits for old snapshots, and a build that it or
            # statement_timeout cancels leaves an invalid index (measured on 14 to 18).
            own = {"statement_timeout"} & self.current.timeouts
            return {name: "0" for name in ("lock_timeout", "statement_timeout") if name not in own}
        return {} if self.current.own_timeout or self.respected else {"lock_timeout": self.lock_timeout}

    def _already(self, call: Call, current: Current, digest: str) -> bool:
        before = current.recorded.get(current.number)
        if before is None:
            return False
        if before.digest != digest:
            assert call.place is not None
            raise RunFailed(
                f"{current.path}:{call.place.line}: this is not the statement that an earlier run of revision "
                f"{current.revision} made durable here (statement {current.number + 1})",
                "The revision changed after it was partly applied. Put the old text back and run the same command, or "
                f"make the rest by hand, then: migsafe stamp {current.revision}",
            )
        if not before.finished and not self._reconciled(call, current):
            return False
        current.resumed += 1
        self.told(f"already done by an earlier run: {_short(call.sql)}", None)
        self.journal.write("skipped", number=current.number, digest=digest)
        return True

    def _reconciled(self, call: Call, current: Current) -> bool:
        """Whether a statement that was started and never reported back did its work; clears away half of it."""
        effects = current.effects or predict(_literal(call), self.catalog)
        return reconcile_indexes(self.own, effects, self.told)

    def _run_durably(self, call: Call, current: Current, digest: str, concurrently: bool) -> None:
        for sql in progress.record_sql(self.schema, current.revision, [progress.Done(current.number, digest, False)]):
            call.execute(sql)
        started = time.monotonic()
        if not self._passed(call, concurrently):
            call.run()
        for sql in progress.record_sql(self.schema, current.revision, [progress.Done(current.number, digest, True)]):
            call.execute(sql)
        current.durable = True
        self.journal.write("durable", number=current.number, seconds=round(time.monotonic() - started, 3))


def reconcile_indexes(own: psycopg.Connection[Any], effects: Effects, told: Told) -> bool:
    """Whether every index that `effects` creates is there and valid, and every one it drops is gone.

    An invalid one that the statement would create is dropped, concurrently: the build that left it was ours. Raises
    LockNotAvailable while that build still goes on in the server.
    """
    built = [each.name for each in effects.creates if isinstance(each, Index)]
    dropped = [each.name for each in effects.drops if each.kind == "index"]
    for name in built:
        if leftovers.index_state(own, name) == "invalid":
            if pid := leftovers.builder(own, name):
                raise LockNotAvailable(
                    f"{name} is still being built by the session with pid {pid}, whose client is gone",
                    f"Wait for it, or end it: SELECT pg_cancel_backend({pid})",
                )
            told(f"dropping {name}: an interrupted build left it invalid", None)
            leftovers.drop_index(own, name)
    done = [leftovers.index_state(own, name) == "valid" for name in built]
    done += [leftovers.index_state(own, name) == "absent" for name in dropped]
    return bool(done) and all(done)


def _only_reads(sql: str) -> bool:
    word = sql.lstrip().split(None, 1)[0].upper() if sql.strip() else ""
    return word in ("SELECT", "SHOW", "VALUES", "EXPLAIN") and " INTO " not in sql.upper()


def _literal(call: Call) -> str:
    try:
        return as_sql(call)
    except (ValueError, TypeError, KeyError, IndexError):
        return call.sql


def _short(sql: str) -> str:
    line = " ".join(sql.split())
    return line if len(line) <= 100 else f"{line[:97]}…"

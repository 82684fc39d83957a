"""Watches, from a second connection, who waits for us, and stops us before anybody has waited too long.

lock_timeout cannot do this: it counts the waits for one lock after another, not what they add up to, and nothing of
what comes after a lock was had (knowledge: runtime-safety §0.3).
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

import msgspec
import psycopg

from migsafe.errors import ConnectionFailed, LockNotAvailable
from migsafe.postgres import waiting
from migsafe.postgres.connection import Database, connect
from migsafe.postgres.session import never_idle
from migsafe.run.failure import NotAlone
from migsafe.run.signals import Signals

# Of the budget: the rest is for being seen, for the cancel to arrive, and for the others to go on.
_ACT_AT = 0.6
_FASTEST, _SLOWEST = 0.005, 0.05
_RECONNECT = 0.5

Phase = Literal["waiting", "holding", "over"]


class Verdict(msgspec.Struct, frozen=True):
    """Why a statement was cancelled: `sessions` had waited, the longest for `seconds`, for `relation` (None: a row).

    `phase`: we waited for a lock ourselves, or held one, or the time for the whole run was over.
    `ended`: nothing ran that could be cancelled.
    """

    phase: Phase
    sessions: int
    seconds: float
    relation: str | None
    ended: bool = False


_OVER = Verdict("over", 0, 0.0, None)


class Waits(msgspec.Struct, frozen=True):
    """What others waited for us in the whole run: how many sessions, the longest wait, and all of it in seconds."""

    sessions: int = 0
    longest: float = 0.0
    total: float = 0.0


class Watchdog:
    """A thread with a connection of its own. `max_wait` in seconds is the longest that anybody may wait for us.

    Enter it for the whole run, then `watch` and `rest` around what has locks. `stop_at`: a moment of time.monotonic()
    at which the run has to stop, None for never. `is_alone` tells whether we are the only runner still. A signal that
    ends the run cancels what runs, also while the main thread waits for it in a driver's C code.
    """

    def __init__(
        self,
        database: Database,
        max_wait: float,
        stop_at: float | None = None,
        is_alone: Callable[[], bool] = lambda: True,
    ) -> None:
        self.database, self.max_wait, self.stop_at, self._is_alone = database, max_wait, stop_at, is_alone
        self.verdict: Verdict | None = None
        self.waits = Waits()
        self.blind: str | None = None
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None
        self._changed = threading.Condition()
        self._pid: int | None = None
        self._enforced = True
        self._over = False
        self._seen: dict[int, float] = {}
        self._done: set[int] = set()
        self._signals = Signals()
        self._thread = threading.Thread(target=self._run, name="migsafe watchdog", daemon=True)

    def __enter__(self) -> "Watchdog":
        self._connection = self._connected()
        self._signals.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._over = True
            self._changed.notify()
        self._thread.join()
        self._signals.__exit__()
        if self._connection is not None:
            self._connection.close()

    def check(self) -> None:
        """Raise LockNotAvailable when the time for the whole run is over, NotAlone when another runner may be at work:

        nothing more is begun.
        """
        if self._is_over():
            self.verdict = _OVER
            raise LockNotAvailable("the time for the whole run is over")
        if not self._is_alone():
            raise NotAlone("another migration may have begun")

    def _is_over(self) -> bool:
        return self.stop_at is not None and time.monotonic() >= self.stop_at

    def watch(self, pid: int | None, *, enforced: bool = True) -> None:
        """Watch session `pid` until `rest`; not `enforced`: measure only. None (the driver does not tell): nothing."""
        with self._changed:
            if self._pid is None:
                self._signals.seen()
            self._pid, self._enforced = pid, enforced
            self._changed.notify()

    def rest(self) -> None:
        """What had locks has ended, or is about to and must not be cancelled any more (a COMMIT)."""
        with self._changed:
            self._pid = None
            self._settle(frozenset())

    def forget(self) -> None:
        """Begin an attempt: what stopped the last one is told."""
        self.verdict = None

    def _run(self) -> None:
        pause = min(_SLOWEST, max(_FASTEST, self.max_wait / 12))
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._over or self._pid is not None)
                if self._over:
                    return
            try:
                self._look()
                time.sleep(pause)
            except psycopg.Error as error:
                self._lost(error)

    def _look(self) -> None:
        """One look. Under the lock, so that no cancel reaches what began after `rest`."""
        with self._changed:
            pid, connection = self._pid, self._connection
            if pid is None or connection is None:
                return
            if self._is_over():
                self.verdict = _OVER
                waiting.cancel(connection, pid)
                return
            if self._signals.seen():
                waiting.cancel(connection, pid)
                return
            found = waiting.waiters(connection, pid)
            self._settle(frozenset(each.pid for each in found))
            self._seen |= {each.pid: each.seconds for each in found}
            longest = max(found, key=lambda each: each.seconds, default=None)
            if longest is None or not self._enforced or longest.seconds < self.max_wait * _ACT_AT:
                return
            phase: Phase = "waiting" if waiting.is_waiting(connection, pid) else "holding"
            ended = self.verdict is not None and longest.seconds >= self.max_wait
            first = self.verdict or Verdict(phase, len(found), longest.seconds, longest.relation)
            self.verdict = msgspec.structs.replace(first, ended=ended)
            (waiting.terminate if ended else waiting.cancel)(connection, pid)

    def _settle(self, still: frozenset[int]) -> None:
        """Count the waits that are over."""
        for pid in self._seen.keys() - still:
            seconds = self._seen.pop(pid)
            self._done.add(pid)
            self.waits = Waits(len(self._done), max(self.waits.longest, seconds), self.waits.total + seconds)

    def _lost(self, error: psycopg.Error) -> None:
        """Without eyes the limits of the server hold alone; look for new ones as long as the run goes on."""
        self.blind = " ".join(str(error).split())
        with self._changed:
            self._changed.wait_for(lambda: self._over, _RECONNECT)
            if self._over:
                return
        with suppress(ConnectionFailed, psycopg.Error):
            new = self._connected()
            if self._connection is not None:
                self._connection.close()
            self._connection = new

    def _connected(self) -> psycopg.Connection[tuple[object, ...]]:
        connection = connect(self.database, application_name="migsafe watchdog")
        try:
            never_idle(connection)
        except psycopg.Error:
            connection.close()
            raise
        return connection

"""Stands beside a CONCURRENTLY statement: says how far it is and whom it waits for, and ends it when that is too long.

The connection that migrates is busy with it, and the thread that migrates with the connection, so another thread looks
from `own`, which nobody else uses meanwhile.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec
import psycopg

from migsafe.errors import LockNotAvailable
from migsafe.model.run import Blocker
from migsafe.postgres import building, waiting
from migsafe.postgres.blockers import blocking_tree
from migsafe.postgres.building import Progress
from migsafe.postgres.sqlstate import QUERY_CANCELED, is_connection_loss, sqlstate_of
from migsafe.run import entry
from migsafe.run.current import Told
from migsafe.run.entry import Manners, OnBlocked

# Seconds between two looks: at first an index appears that has to be noted, later nothing is in a hurry.
_FASTEST, _SLOWEST = 0.02, 0.5
_TELL_EVERY = 1.0


class Outwaited(LockNotAvailable):
    """A CONCURRENTLY statement has waited too long for `blockers` to end, and was cancelled."""

    def __init__(self, message: str, remedy: str, blockers: tuple[Blocker, ...]) -> None:
        super().__init__(message, remedy)
        self.blockers = blockers


class Beside:
    """One statement of session `pid`, `name` in short. Enter it around the statement; then `ended` tells what to raise.

    `made` gets the oid of an index as soon as the statement has made it. `end_idle` gets the pids that are in the way.
    """

    def __init__(
        self,
        name: str,
        pid: int,
        *,
        own: psycopg.Connection[Any],
        manners: Manners,
        told: Told,
        on_blocked: OnBlocked,
        emit: Callable[..., None],
        made: Callable[[int], None],
        end_idle: Callable[[tuple[int, ...]], None],
    ) -> None:
        self.name, self.pid, self.own, self.manners = name, pid, own, manners
        self.told, self.on_blocked, self.emit, self.made, self.end_idle = told, on_blocked, emit, made, end_idle
        self.waited = self.worked = 0.0
        self.blockers: tuple[Blocker, ...] = ()
        self.phase: str | None = None
        self.gave_up = False
        self.error: BaseException | None = None
        self._looked = self._told_at = self._shown_at = 0.0
        self._blocked_at: float | None = None
        self._shown: frozenset[int] = frozenset()
        self._over = self._is_blind = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="migsafe concurrently", daemon=True)

    def __enter__(self) -> "Beside":
        self._looked = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._over = True
            self._changed.notify()
        self._thread.join()

    def ended(self, error: BaseException | None, where: str) -> BaseException | None:
        """What to raise after the statement, which has raised `error`: our own cancel is a wait that was too long."""
        if self.error is not None:
            return self.error
        if error is None or not self.gave_up:
            return error
        if sqlstate_of(error) != QUERY_CANCELED and not is_connection_loss(error):
            return error
        phase = f" ({self.phase})" if self.phase else ""
        return Outwaited(
            f"{where}{self.name} was cancelled: it had waited {_duration(self.waited)} for other transactions to end"
            f"{phase}",
            _remedy(self.blockers),
            self.blockers,
        )

    def _run(self) -> None:
        pause = _FASTEST
        while True:
            # Under the lock, so that no cancel reaches what comes after the statement.
            with self._changed:
                if self._over:
                    return
                try:
                    self._look()
                except psycopg.Error as error:
                    # What is wrong with the server, the statement will tell.
                    if self.own.closed:
                        return
                    self._tell_blind(error)
                except BaseException as error:
                    self.error = error
                    waiting.cancel(self.own, self.pid)
                    return
                self._changed.wait_for(lambda: self._over, pause)
            pause = min(_SLOWEST, pause * 1.25)

    def _tell_blind(self, error: psycopg.Error) -> None:
        """Once: what is not permitted will not be the next time either."""
        if not self._is_blind:
            self.told(f"not all of {self.name} can be seen: {' '.join(str(error).split())}", None)
        self._is_blind = True

    def _look(self) -> None:
        found = building.progress_of(self.own, self.pid)
        now = time.monotonic()
        passed, self._looked = now - self._looked, now
        if self.gave_up:
            # One cancel may have come to nothing, between two waits.
            waiting.cancel(self.own, self.pid)
            return
        if found.oid is not None:
            self.made(found.oid)
        self._tell(found, now)
        if not found.waiting:
            self.worked += passed
            self._blocked_at, self._shown, self.blockers = None, frozenset(), ()
            return
        self.waited += passed
        self._see_blockers(now)
        if self.waited >= patience(self.manners, self.worked):
            self.gave_up = True
            self.blockers = self.blockers or self._in_the_way()
            waiting.cancel(self.own, self.pid)

    def _tell(self, found: Progress, now: float) -> None:
        changed = found.phase is not None and found.phase != self.phase
        if found.phase is None or (not changed and now < self._told_at + _TELL_EVERY):
            return
        self.phase, self._told_at = found.phase, now
        counted = found.done
        counts = f", {counted[1]:,} of {counted[2]:,} {counted[0]}" if counted else ""
        self.told(f"{found.index or self.name}: {found.phase}{counts}", found.fraction)
        self.emit("build", index=found.index, oid=found.oid, phase=found.phase, **_counts(found))

    def _see_blockers(self, now: float) -> None:
        """Whoever is in the way for longer than a moment is shown, and again after a while."""
        self._blocked_at = now if self._blocked_at is None else self._blocked_at
        if now - self._blocked_at < entry.REPORT_AFTER:
            return
        blockers = self._in_the_way()
        if not blockers:
            return
        self.blockers = blockers
        pids = frozenset(each.pid for each in blockers)
        self.end_idle(tuple(pids - {0}))
        if pids != self._shown or now >= self._shown_at + entry.REPORT_EVERY:
            self._shown, self._shown_at = pids, now
            self.on_blocked(blockers, 0.0)

    def _in_the_way(self) -> tuple[Blocker, ...]:
        found = blocking_tree(self.own, behind=(self.pid,))
        # Of a transaction whose end is waited for, the lock is on itself.
        return tuple(each if each.relation else msgspec.structs.replace(each, mode=None) for each in found)


def patience(manners: Manners, worked: float) -> float:
    """How many seconds a statement that has worked for so many may wait for others in all.

    What took three hours is not thrown away because somebody is in the way for ten minutes.
    """
    fixed = manners.concurrently_deadline
    return max(manners.deadline, worked) if fixed is None else fixed


def attended(work: Callable[[], None], beside: Beside, where: str) -> None:
    """Run `work`, the statement that `beside` is made for; its messages begin with `where`."""
    failed: BaseException | None = None
    try:
        with beside:
            work()
    except BaseException as error:
        failed = error
    why = beside.ended(failed, where)
    if why is not None:
        raise why from (failed if failed is not why else failed.__cause__ if failed is not None else None)


def _counts(found: Progress) -> dict[str, int | None]:
    names = ("blocks_done", "blocks_total", "tuples_done", "tuples_total", "lockers_done", "lockers_total", "locker")
    return {name: getattr(found, name) for name in names}


def _remedy(blockers: tuple[Blocker, ...]) -> str:
    ends = [each.end for each in blockers if each.end and each.depth == 0][:1]
    end = f" ({ends[0].rstrip(';')})" if ends else ""
    return (
        f"When what it waited for has ended{end}, run the same command again; or let it wait longer: "
        'concurrently_deadline = "6h" in the settings'
    )


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"

"""How a transaction gets its locks: outside the queue while somebody old has them, then all at once, in a fixed order.

Only what is certain is waited for and taken early; what is not runs under the ordinary lock_timeout.
"""

import time
from collections.abc import Callable
from typing import Any

import msgspec
import psycopg

from migsafe.errors import LockNotAvailable
from migsafe.model.locks import Lock
from migsafe.model.run import Blocker
from migsafe.model.statement import Statement
from migsafe.postgres import session, waiting
from migsafe.postgres.autovacuum import autovacuum_workers, displace_autovacuum
from migsafe.postgres.blockers import blocking_tree
from migsafe.postgres.idle import end_session, idle_in_transaction
from migsafe.postgres.locks import holders
from migsafe.revisions.watch import Call
from migsafe.run.ahead import Ahead, disturbing

POLL = 0.05
REPORT_AFTER = 0.2
REPORT_EVERY = 5.0
# A worker that prevents wraparound, where that is not visible, is not asked to go more often than this.
DISPLACE_EVERY = 60.0
FIRST_STEP = 0.05
# Of max_wait: what is left is for the statements themselves, for which the others wait too.
MOST_IN_QUEUE = 0.6

OnBlocked = Callable[[tuple[Blocker, ...], float], None]


class Manners(msgspec.Struct, frozen=True):
    """Seconds; `ends` is a moment of time.monotonic().

    `max_wait`: the longest that anybody may wait for us. `queue_behind`: the age up to which a transaction is queued
    behind; older ones are waited for outside. `terminate_idle`: sessions that are idle in a transaction for longer, and
    in our way, are ended; None: none is. `deadline`: how long a CONCURRENTLY statement may wait for others, or as long
    as it has worked, if that is longer; `concurrently_deadline`: how long, whatever it has done. `first_step`: how long
    the first attempt stays in the queue for a lock; every other one twice as long.
    """

    lock_timeout: float
    max_wait: float
    queue_behind: float
    ends: float
    terminate_idle: float | None = None
    deadline: float = 600.0
    concurrently_deadline: float | None = None
    first_step: float = FIRST_STEP


class Entry:
    """Stands before the statements of a revision. `own` is a second connection, in autocommit."""

    def __init__(self, own: psycopg.Connection[Any], manners: Manners, on_blocked: OnBlocked) -> None:
        self.own, self.manners, self.on_blocked = own, manners, on_blocked
        self.early = waiting.can_lock_early(own)
        self.planned: tuple[Statement, ...] = ()
        self.ended: list[str] = []
        self._ahead = Ahead(())
        self._failed = 0
        self._through = self._has_read = False

    def revision(self, statements: tuple[Statement, ...], failed: int) -> None:
        """Begin a revision: what is planned of it, and how many attempts at it have failed."""
        self._ahead, self._failed, self.planned = Ahead(statements), failed, ()
        self.begun()

    def begun(self) -> None:
        """A transaction begins, or has ended: nothing is held."""
        self._through = self._has_read = False

    def has_read(self) -> None:
        """The transaction has read, and from now on holds what readers hold."""
        self._has_read = True

    def coming(self, call: Call) -> tuple[Statement, ...]:
        """The planned statements that `call` consists of."""
        return self._ahead.peek(call.sql, call.place.line if call.place is not None else None)

    def passed(self, call: Call) -> None:
        """The statement was done by an earlier run."""
        self._find(call)

    def before(self, call: Call, *, concurrently: bool) -> tuple[Statement, ...]:
        """Wait for the locks of what begins with `call`, and give the statements that need them; () to go on.

        A SET alone takes none. Within a transaction only once: later, what is held already makes waiting dear.
        """
        self.planned = found = self._find(call)
        if found and all(each.effects.settings and not each.effects.locks for each in found):
            return ()
        if self._through or concurrently or not found:
            self._through = not call.autocommit
            return ()
        self._through = not call.autocommit
        together = self._ahead.together(found)
        return together if disturbing(together) else ()

    def wait(self, call: Call, together: tuple[Statement, ...]) -> None:
        """Stay outside the queue for as long as somebody old is in the way of `together`."""
        pid, patient = session.backend_pid(call.connection), not self._has_read
        _wait_outside(
            self.own, disturbing(together), pid, self.manners, self.on_blocked, patient=patient, end_idle=self.end_idle
        )

    def take(self, call: Call, together: tuple[Statement, ...], then: str | None) -> bool:
        """Take the locks of `together`, at the mode in which they will be needed; not in autocommit. Whether it did.

        `then` is the lock_timeout of what follows, which is set; None: the revision's own holds.
        """
        step = None if then is None else f"{max(1, round(self._step() * 1000))}ms"
        early = self.early and not call.autocommit
        locks = waiting.lock_early(disturbing(together), step, then) if early else None
        if locks is not None:
            call.execute(locks)
        return locks is not None

    def culprit(self, together: tuple[Statement, ...]) -> Statement | None:
        """The statement of `together` that needs what somebody else has now; the first that needs a lock if nobody."""
        held = {each.relation for each in holders(self.own, disturbing(together))}
        needing = [each for each in together if disturbing((each,))]
        return next(
            (each for each in needing if any(lock.relation in held for lock in disturbing((each,)))),
            needing[0] if needing else None,
        )

    def end_idle(self, pids: tuple[int, ...]) -> None:
        """The only automatic kill; what was done is in `ended`."""
        if self.manners.terminate_idle is None:
            return
        for found in idle_in_transaction(self.own, pids, self.manners.terminate_idle):
            who = f"pid {found.pid} ({found.application or 'no application_name'}, user {found.user})"
            try:
                done = end_session(self.own, found)
            except psycopg.errors.InsufficientPrivilege:
                done, said = True, f"may not end {who}: GRANT pg_signal_backend TO {self.own.info.user}"
            else:
                said = f"ended {who}: idle in transaction for {found.seconds:.0f} s, and in our way"
            if done and said not in self.ended:
                self.ended.append(said)

    def _step(self) -> float:
        """Seconds in the queue for a lock: more with every attempt."""
        step = self.manners.first_step * float(2 ** min(self._failed, 10))
        return min(self.manners.lock_timeout, self.manners.max_wait * MOST_IN_QUEUE, step)

    def _find(self, call: Call) -> tuple[Statement, ...]:
        return self._ahead.match(call.sql, call.place.line if call.place is not None else None)


def _wait_outside(
    own: psycopg.Connection[Any],
    locks: tuple[Lock, ...],
    pid: int | None,
    manners: Manners,
    on_blocked: OnBlocked,
    *,
    patient: bool,
    end_idle: Callable[[tuple[int, ...]], None],
) -> None:
    """Return when `locks` are held by nobody but the young; `end_idle` gets the pids of the old each time.

    The longer we waited, the older they may be: whoever came after us counts as young, or a succession of transactions
    would keep us out for ever. Raises LockNotAvailable at the deadline, or at once when not `patient`: a transaction
    that has read something must not stay open.
    """
    began = time.monotonic()
    at_first: frozenset[tuple[int, str]] | None = None
    report_at, displace_at = began + REPORT_AFTER, began
    while True:
        found = waiting.holder_ages(own, locks, pid)
        now = time.monotonic()
        if at_first is None:
            at_first = frozenset((each.pid, each.transaction) for each in found) if patient else frozenset()
        limit = max(manners.queue_behind, now - began)
        old = [each for each in found if _is_old(each, limit, at_first)]
        if not old:
            return
        if now >= displace_at and _displaced(own, locks, old):
            displace_at = time.monotonic() + DISPLACE_EVERY
            continue
        if not patient or now >= manners.ends:
            names = ", ".join(lock.relation for lock in locks)
            raise LockNotAvailable(f"transactions that began long ago still have what conflicts with locks on {names}")
        end_idle(tuple(each.pid for each in old))
        if now >= report_at:
            report_at = now + REPORT_EVERY
            on_blocked(blocking_tree(own, locks=locks, behind=() if pid is None else (pid,)), 0.0)
        time.sleep(POLL)


def _displaced(own: psycopg.Connection[Any], locks: tuple[Lock, ...], old: list[waiting.Holder]) -> bool:
    """Whether only autovacuum was in the way, and was asked to go: an ordinary lock_timeout is too short for that."""
    workers = autovacuum_workers(own, [each.pid for each in old])
    if len(workers) < len({each.pid for each in old}) or any(each.stays for each in workers):
        return False
    pids = {each.pid for each in workers}
    for relation in sorted({each.relation or "" for each in holders(own, locks) if each.pid in pids} - {""}):
        displace_autovacuum(own, relation)
    return True


def _is_old(holder: waiting.Holder, limit: float, at_first: frozenset[tuple[int, str]]) -> bool:
    """Where its age is masked: whether it was there when we came."""
    if holder.age is None:
        return (holder.pid, holder.transaction) in at_first
    return holder.age > limit

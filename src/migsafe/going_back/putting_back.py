"""`migsafe restore RUN`: what a run destroyed is put back, under the manners of a run."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import psycopg

from migsafe.errors import LockNotAvailable, RestoreFailed
from migsafe.model.restored import Intended, Restored
from migsafe.model.saved import Manifest
from migsafe.postgres import progress, saved_facts
from migsafe.postgres.catalog import read as read_catalog
from migsafe.postgres.connection import Database, connect
from migsafe.run.watchdog import Watchdog
from migsafe.saved import manifest, stamping
from migsafe.saved import restore as put_back
from migsafe.saved.batches import OnConflict
from migsafe.saved.intended import intended
from migsafe.settings import Settings

T = TypeVar("T")
Told = Callable[[str, float | None], None]
_AGAIN = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.QueryCanceled,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)
_PAUSE, _LONGEST_PAUSE = 0.05, 2.0


class Manners:
    """A saved.Guarded: short waits for locks, given up when somebody waits for us, until the deadline."""

    def __init__(self, connection: psycopg.Connection[Any], watchdog: Watchdog, settings: Settings, told: Told) -> None:
        self.connection, self.watchdog, self._told = connection, watchdog, told
        self.lock_timeout = f"{max(1, round(settings.lock_timeout * 1000))}ms"
        self.deadline = settings.deadline
        self.failed = 0

    def transaction(self, work: Callable[[int], T]) -> T:
        """What `work` gives, in one transaction; again after a lock was lost, for `deadline` seconds."""
        ends, tries, pause = time.monotonic() + self.deadline, 0, _PAUSE
        while True:
            try:
                return self._once(work, tries)
            except _AGAIN as error:
                tries, self.failed = tries + 1, self.failed + 1
                if time.monotonic() + pause >= ends:
                    raise LockNotAvailable(
                        f"the locks could not be had before the deadline: {error.diag.message_primary}",
                        "What is back is back; the same command goes on from there, later or with a longer deadline.",
                    ) from None
                time.sleep(pause)
                pause = min(_LONGEST_PAUSE, pause * 2)

    def _once(self, work: Callable[[int], T], tries: int) -> T:
        self.watchdog.forget()
        try:
            with self.connection.transaction():
                self.connection.execute("SELECT pg_catalog.set_config('lock_timeout', %s, true)", (self.lock_timeout,))
                self.watchdog.watch(self.connection.info.backend_pid)
                done = work(tries)
                self.watchdog.rest()
                return done
        finally:
            self.watchdog.rest()

    def alone(self, sql: str) -> None:
        """In autocommit; others who wait are measured, not given way to."""
        self.connection.execute("SELECT pg_catalog.set_config('lock_timeout', '0', false)")
        self.connection.execute(sql.encode())

    def told(self, text: str, fraction: float | None) -> None:
        self._told(text, fraction)


def restore(
    directory: Path,
    database: Database,
    settings: Settings,
    *,
    on_conflict: OnConflict = "keep",
    other_cluster: bool = False,
    told: Told,
    shown: int = 10,
) -> Restored:
    """Put back what the run in `directory` destroyed.

    Raises Damaged for files that are not as written or of another cluster, before anything is changed.
    """
    saved = _whole(directory)
    with (
        connect(database, application_name="migsafe restore") as connection,
        Watchdog(database, settings.max_wait) as watchdog,
    ):
        if not other_cluster:
            manifest.ensure_same_cluster(saved, saved_facts.server(connection))
        guarded = Manners(connection, watchdog, settings, told)
        try:
            done = put_back(guarded, directory, saved, on_conflict=on_conflict, shown=shown)
            return msgspec.structs.replace(done, said=_stamped(guarded, directory, saved, done))
        except psycopg.Error as error:
            said = error.diag.message_primary or " ".join(str(error).split())
            owner = isinstance(error, psycopg.errors.InsufficientPrivilege)
            role = "Restore as the owner of what was destroyed, or as a superuser (--url). " if owner else ""
            raise RestoreFailed(
                f"the restore stopped: {said}",
                f"{role}What is back is back; mend this, and the same command goes on from there.",
            ) from None


def plan(directory: Path, database: Database, *, other_cluster: bool = False) -> Intended:
    """What `restore` would do, without doing it. Raises Damaged as that does."""
    saved = _whole(directory)
    with connect(database, application_name="migsafe restore", read_only=True) as connection:
        if not other_cluster:
            manifest.ensure_same_cluster(saved, saved_facts.server(connection))
        return intended(connection, directory, saved)


def _whole(directory: Path) -> Manifest:
    saved = manifest.read(directory)
    manifest.ensure_whole(directory, saved)
    return saved


def _stamped(guarded: Manners, directory: Path, saved: Manifest, done: Restored) -> tuple[str, ...]:
    """Take the version table back when nothing is left of what the run did; say why not otherwise."""
    now = progress.versions(guarded.connection, saved.version_table)
    was, target = tuple(sorted(saved.current)), tuple(sorted(saved.target))
    where = f"{saved.version_table} says {', '.join(now) or 'nothing'}"
    if now != target or now == was:
        return ()
    left = differing = stamping.differences(directory, read_catalog(guarded.connection))
    if not saved.wholly:
        left = (*left, "rows that the run inserted or changed otherwise stay")
    if not done.wholly:
        left = (*left, "not everything is back")
    if left:
        again = "to take the version back too: undo that by hand, and run the same command again" if differing else ""
        return tuple(line for line in (f"{where} still: {'; '.join(left[:3])}", again) if line)
    guarded.transaction(lambda _tries: stamping.move(guarded.connection, saved))
    return (f"the schema is as before the run, and so {saved.version_table} says {', '.join(was) or 'nothing'} again",)

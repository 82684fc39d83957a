"""Becoming the only runner on a database, and telling whom one waits for meanwhile."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import msgspec
import psycopg

from migsafe import rundir
from migsafe.model.run import Blocker
from migsafe.postgres import advisory
from migsafe.postgres.connection import Database, connect
from migsafe.postgres.progress import versions
from migsafe.postgres.session import never_idle
from migsafe.revisions.read import Reading
from migsafe.settings import Settings

Told = Callable[[str, float | None], None]
OnBlocked = Callable[[tuple[Blocker, ...], float], None]


def alone(
    held: ExitStack,
    reading: Reading,
    database: Database,
    settings: Settings,
    on_blocked: OnBlocked,
    told: Told,
    session: psycopg.Connection[Any] | None = None,
) -> psycopg.Connection[Any]:
    """Become the only runner until `held` ends; the session that has the lock.

    Who waits is told at once, and then every five seconds, who has it (`on_blocked`) and how far that one is (`told`).
    `session` is one that has the lock of another version table of this database already, and takes this one too.
    Raises LockNotAvailable after `settings.deadline`.
    """
    connection = session
    if connection is None:
        connection = held.enter_context(connect(database, application_name="migsafe lock"))
        never_idle(connection)

    def wait(holder: Blocker) -> None:
        on_blocked((holder,), 0.0)
        told(f"another migration runs; {_how_far(connection, reading, database, settings)}", None)

    key = advisory.key(database.dbname, reading.version_table)
    held.enter_context(advisory.runner_lock(connection, key, settings.deadline, wait))
    return connection


class Place:
    """The place of the only runner, in a session (`lock`) that may be lost: enter it for the run."""

    def __init__(
        self, lock: psycopg.Connection[Any], reading: Reading, settings: Settings, on_blocked: OnBlocked, told: Told
    ) -> None:
        self.lock, self.reading, self.settings = lock, reading, settings
        self.on_blocked, self.told = on_blocked, told
        self._held = ExitStack()

    def __enter__(self) -> "Place":
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def is_held(self) -> bool:
        """Whether no other runner can have begun."""
        return advisory.is_held(self.lock)

    def again(self, seconds: float) -> None:
        """Become the only runner once more. Raises LockNotAvailable when another one has begun and does not end."""
        database = Database.from_parameters(self.reading.connection or {})
        settings = msgspec.structs.replace(self.settings, deadline=seconds)
        self._held.close()
        self.lock = alone(self._held, self.reading, database, settings, self.on_blocked, self.told)


def has_moved(connection: psycopg.Connection[Any], reading: Reading) -> bool:
    """Whether the database is no longer where `reading` found it: another runner was there meanwhile."""
    return versions(connection, reading.version_table) != tuple(sorted(reading.heads))


def _how_far(connection: psycopg.Connection[Any], reading: Reading, database: Database, settings: Settings) -> str:
    """From the version table, which everybody sees, and the run directories, if the other one is on this machine."""
    found = versions(connection, reading.version_table)
    said = f"the database is at {', '.join(found) or 'base'}"
    here = (
        each
        for each in rundir.crashed(settings, database.label, reading.version_table)
        if each.alive and _is_other(each)
    )
    run = next(here, None)
    if run is None or "revision" not in run.last:
        return said
    return f"{said}, and it is in revision {run.last['revision']} ({run.last.get('place') or run.last.get('path')})"


def _is_other(run: rundir.Crashed) -> bool:
    return run.last.get("pid") != os.getpid()

"""What `migsafe gc` removes: saved rows whose time is over, of runs that came to their end."""

import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from migsafe import rundir
from migsafe.errors import MigsafeError
from migsafe.model.saved import Manifest
from migsafe.saved import manifest, tables
from migsafe.saved.files import DIRECTORY, MANIFEST


class Expired(msgspec.Struct, frozen=True):
    """Saved rows of one run; `tables`: they are in migsafe_undo. `expires` is ISO 8601 in UTC.

    `kept` says why they are kept although their time is over. `cut_off`: the run was killed while it saved them, before
    it destroyed anything, so that they are good for nothing; `expires` is then None.
    """

    directory: str
    expires: str | None
    bytes: int
    tables: bool = False
    kept: str | None = None

    @property
    def cut_off(self) -> bool:
        return self.expires is None


def expired(directories: Iterable[Path], now: datetime | None = None, *, tables: bool = False) -> Iterator[Expired]:
    """Every run whose saved rows are past their time or were cut off, the oldest first.

    `tables`: what is cut off is in tables of migsafe_undo, which only a manifest would tell.
    """
    moment = now or datetime.now(UTC)
    every = sorted(directories, key=lambda path: path.name)
    for number, directory in enumerate(every):
        if not manifest.has_saved(directory):
            if (directory / DIRECTORY).is_dir():
                yield _cut_off(directory, tables)
            continue
        try:
            found = manifest.read(directory)
        except MigsafeError:
            continue
        if datetime.fromisoformat(found.expires) <= moment:
            yield _expired(directory, found, every[number + 1 :])


def _cut_off(directory: Path, tables: bool) -> Expired:
    kept = "its run may be saving them now" if rundir.may_be_alive(directory) else None
    return Expired(str(directory), None, _size(directory), tables, kept)


def _size(directory: Path) -> int:
    return sum(path.stat().st_size for path in (directory / DIRECTORY).iterdir() if path.is_file())


def _expired(directory: Path, found: Manifest, newer: Iterable[Path]) -> Expired:
    size = _size(directory)
    finished = (directory / rundir.REPORT).exists()
    # A run that was killed has no report, and never will: the one that carried on from it has.
    unfinished = not finished and not any(rundir.ended(each, found.label, found.version_table) for each in newer)
    kept = "the run is not finished: the same command carries on, or says what it left" if unfinished else None
    return Expired(str(directory), found.expires, size, found.store == "tables", kept)


def remove(found: Expired, connection: psycopg.Connection[Any] | None) -> None:
    """Remove the saved rows of a run; `connection` is for those in tables. Raises OSError and psycopg.Error."""
    directory = Path(found.directory)
    if found.tables and connection is not None:
        run = directory.name if found.cut_off else manifest.read(directory).run
        tables.drop(connection, tables.of_run(connection, run))
    # The manifest last: killed in between, the same command finds it again.
    for path in sorted((directory / DIRECTORY).iterdir(), key=lambda each: each.name == MANIFEST):
        path.unlink()
    shutil.rmtree(directory / DIRECTORY)

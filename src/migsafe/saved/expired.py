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
    """Saved rows of one run; `tables`: they are in migsafe_undo.

    `kept` says why they are kept although their time is over.
    """

    directory: str
    expires: str
    bytes: int
    tables: bool = False
    kept: str | None = None


def expired(directories: Iterable[Path], now: datetime | None = None) -> Iterator[Expired]:
    """Every run whose saved rows are past their time, the oldest first."""
    moment = now or datetime.now(UTC)
    for directory in sorted(directories, key=lambda path: path.name):
        if not manifest.has_saved(directory):
            continue
        try:
            found = manifest.read(directory)
        except MigsafeError:
            continue
        if datetime.fromisoformat(found.expires) <= moment:
            yield _expired(directory, found)


def _expired(directory: Path, found: Manifest) -> Expired:
    size = sum(path.stat().st_size for path in (directory / DIRECTORY).iterdir() if path.is_file())
    unfinished = not (directory / rundir.REPORT).exists()
    kept = "the run is not finished: the same command carries on, or says what it left" if unfinished else None
    return Expired(str(directory), found.expires, size, found.store == "tables", kept)


def remove(found: Expired, connection: psycopg.Connection[Any] | None) -> None:
    """Remove the saved rows of a run; `connection` is for those in tables. Raises OSError and psycopg.Error."""
    directory = Path(found.directory)
    if found.tables and connection is not None:
        tables.drop(connection, tables.of_run(connection, manifest.read(directory).run))
    # The manifest last: killed in between, the same command finds it again.
    for path in sorted((directory / DIRECTORY).iterdir(), key=lambda each: each.name == MANIFEST):
        path.unlink()
    shutil.rmtree(directory / DIRECTORY)

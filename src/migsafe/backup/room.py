"""The folder that a backup is made in: nobody else's, with room for it, under a temporary name until it is whole."""

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from migsafe.errors import BackupFailed
from migsafe.postgres.size import database_size

NAME, PARTIAL = "backup", "backup.partial"


@contextmanager
def room(directory: Path) -> Iterator[Path]:
    """The folder to dump into; whatever a run that was killed left there is removed, and what this one leaves too.

    Raises BackupFailed when there is a backup already, another process makes one, or the folder cannot be used.
    """
    if (directory / NAME).exists():
        raise BackupFailed(f"{directory / NAME} exists already", "Name another directory; a backup is never replaced.")
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(directory, os.O_RDONLY)
    except OSError as error:
        raise _unusable(directory, error) from None
    partial = directory / PARTIAL
    try:
        if not _locked(descriptor):
            raise BackupFailed(f"another process makes a backup in {directory}", "Wait for it, or name another folder.")
        try:
            if partial.exists():
                shutil.rmtree(partial)
        except OSError as error:
            raise _unusable(partial, error) from None
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        os.close(descriptor)


def left_over(runs: Path) -> tuple[Path, ...]:
    """What killed backups left in the directories of `runs`: no backups, and nobody writes them any more."""
    found = sorted(path for path in runs.glob(f"*/{PARTIAL}") if path.is_dir()) if runs.is_dir() else []
    return tuple(path for path in found if _abandoned(path.parent))


def enough_space(
    directory: Path, connection: psycopg.Connection[Any], table_sizes: Mapping[str, int] | None, files: int
) -> None:
    """Raise BackupFailed with the figures when the file system may be too small for a dump and `files` more bytes.

    A dump is compressed, and smaller than its tables; how much is known only when it is made.
    """
    needed = (sum(table_sizes.values()) if table_sizes else database_size(connection)) + files
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise BackupFailed(
            f"{directory} has {free:,} bytes free, and the backup may need {needed:,}",
            "Free space there, set `runs` to a directory on a larger disk, or run with --backup evidence.",
        )


def synchronise(directory: Path) -> None:
    """Make a rename in `directory` outlive a crash of the machine."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    """Whether the folder is ours now. The lock ends with the process, however it ends."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system that has no locks
    return True


def _abandoned(directory: Path) -> bool:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        return _locked(descriptor)
    finally:
        os.close(descriptor)


def _unusable(path: Path, error: OSError) -> BackupFailed:
    message = f"{error.filename or path} cannot be used: {error.strerror}"
    return BackupFailed(message, "Name a folder that can be made and written.")

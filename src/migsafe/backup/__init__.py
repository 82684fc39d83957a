"""A backup that is known to be whole: made by pg_dump, checksummed, and read back to its last byte."""

import os
import shutil
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from migsafe import __version__
from migsafe.backup.dump import dump
from migsafe.backup.manifest import About, differences, read_manifest, sizes, write_about, write_manifest
from migsafe.backup.read import Unreadable, rows
from migsafe.errors import BackupFailed
from migsafe.model.report import Backup
from migsafe.postgres.binaries import find, version_of
from migsafe.postgres.connection import Database, connect
from migsafe.postgres.size import database_size

__all__ = ["back_up"]

NAME, PARTIAL = "backup", "backup.partial"
Progress = Callable[[str, float | None], None]


def back_up(
    database: Database,
    directory: Path,
    *,
    server_version: int,
    jobs: int = 4,
    on_progress: Progress | None = None,
    heads: tuple[str, ...] = (),
    table_sizes: Mapping[str, int] | None = None,
    lock_timeout: float = 30.0,
) -> Backup:
    """Dump `database` into `directory/backup` and prove that the dump can be read.

    `server_version` is the major version. `heads` are Alembic's, for the record; `table_sizes` bytes by
    `schema.table`, without indexes, for the progress and a closer estimate of the space; `lock_timeout` in seconds.
    Raises ToolMissing before anything runs, ConnectionFailed, and BackupFailed; then, and when interrupted, nothing
    is left in `directory`.
    """
    pg_dump = find("pg_dump", server_version)
    dumped_by = version_of(pg_dump) or (server_version, str(server_version))
    find("pg_restore", dumped_by[0])
    tell = on_progress or _silently
    started, clock = _now(), time.monotonic()
    partial = _room(directory)
    with connect(database, application_name="migsafe backup", read_only=True) as connection:
        _enough_space(directory, connection, table_sizes)
        facts = _facts(connection)
    try:
        dump(
            pg_dump,
            database,
            partial,
            jobs=jobs,
            lock_timeout=lock_timeout,
            sizes=table_sizes or {},
            on_progress=tell,
        )
        counted = _counted(partial, tell)
        write_about(
            partial,
            About(
                **facts,
                label=database.label,
                server_version=server_version,
                pg_dump=dumped_by[1],
                migsafe=__version__,
                started=started,
                ended=_now(),
                heads=heads,
                rows=counted,
                bytes=sizes(partial),
            ),
        )
        return _proven(partial, directory / NAME, counted, clock, tell)
    except OSError as error:
        raise BackupFailed(f"the backup could not be written: {error.filename or partial}: {error.strerror}") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _room(directory: Path) -> Path:
    """The folder to dump into; whatever a run that was killed left there is removed."""
    if (directory / NAME).exists():
        raise BackupFailed(f"{directory / NAME} exists already", "Name another directory; a backup is never replaced.")
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (directory / PARTIAL).exists():
            shutil.rmtree(directory / PARTIAL)
    except OSError as error:
        message = f"{error.filename or directory} cannot be used: {error.strerror}"
        raise BackupFailed(message, "Name a folder that can be made and written.") from None
    return directory / PARTIAL


def _enough_space(directory: Path, connection: psycopg.Connection[Any], table_sizes: Mapping[str, int] | None) -> None:
    needed = sum(table_sizes.values()) if table_sizes else database_size(connection)
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise BackupFailed(
            f"{directory} has {free:,} bytes free, and the backup may need {needed:,}",
            "Free space there, set `runs` to a directory on a larger disk, or run with --backup evidence.",
        )


def _facts(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    """What only the server knows of itself; the cluster's identifier as far as the role may see it."""
    identifier = None
    try:
        row = connection.execute("SELECT system_identifier FROM pg_catalog.pg_control_system()").fetchone()
        identifier = str(row[0]) if row is not None else None
    except psycopg.errors.InsufficientPrivilege:
        connection.rollback()
    return {
        "database": connection.info.dbname,
        "server_version_text": connection.info.parameter_status("server_version") or "",
        "system_identifier": identifier,
    }


def _counted(partial: Path, tell: Progress) -> dict[str, int]:
    tell("reading the backup back", None)
    try:
        return rows(partial, lambda table: tell(f"reading back {table}", None))
    except Unreadable as error:
        raise BackupFailed(f"the backup was made and cannot be read back: {error}") from None


def _proven(partial: Path, final: Path, counted: Mapping[str, int], clock: float, tell: Progress) -> Backup:
    total, hashed = sum(sizes(partial).values()), 0

    def on_bytes(count: int) -> None:
        nonlocal hashed
        hashed += count
        tell("writing checksums", hashed / total)

    files = write_manifest(partial, on_bytes)
    tell("comparing checksums", None)
    problems = differences(partial, read_manifest(partial), {file.path: file.bytes for file in files})
    if problems:
        raise BackupFailed(f"the backup was made and is not whole: {'; '.join(problems)}")
    partial.rename(final)
    _synchronise(final.parent)
    tables = f"{len(counted)} tables, {sum(counted.values()):,} rows"
    return Backup(
        kind="dump",
        path=str(final),
        verified=f"{len(files)} checksums compared, read to its end by pg_restore: {tables}",
        bytes=sum(file.bytes for file in files),
        seconds=time.monotonic() - clock,
        files=files,
    )


def _synchronise(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _silently(_: str, __: float | None) -> None:
    """Nobody listens."""

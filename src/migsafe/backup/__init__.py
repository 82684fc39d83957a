"""A backup that is known to be whole: made by pg_dump, checksummed, and read back to its last byte."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from migsafe import __version__
from migsafe.backup import copies
from migsafe.backup.content import Content, read_content
from migsafe.backup.dump import dump
from migsafe.backup.everybody import write_globals
from migsafe.backup.manifest import (
    About,
    differences,
    read_manifest,
    sizes,
    write_about,
    write_catalog,
    write_manifest,
)
from migsafe.backup.read import Unreadable
from migsafe.backup.room import NAME, enough_space, room, synchronise
from migsafe.backup.snapshot import moment
from migsafe.errors import BackupFailed
from migsafe.model.report import Backup
from migsafe.postgres.binaries import find, version_of
from migsafe.postgres.connection import Database, connect
from migsafe.postgres.described import Object, facts

__all__ = ["back_up"]

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
    files: Sequence[str] = (),
    root: Path = Path(),
) -> Backup:
    """Dump `database` into `directory/backup` and prove that the dump can be read.

    `server_version` is the major version. `heads` are Alembic's, for the record; `table_sizes` bytes by
    `schema.table`, without indexes, for the progress and a closer estimate of the space; `lock_timeout` in seconds;
    `files` are configuration files below `root` to copy beside it. What is not in it, the result's notes say.

    Raises ToolMissing and UsageError before anything runs, ConnectionFailed, and BackupFailed; then, and when
    interrupted, nothing is left in `directory`. After kill -9 `backup.partial` is: the next one there removes it.
    """
    pg_dump = find("pg_dump", server_version)
    dumped_by = version_of(pg_dump) or (server_version, str(server_version))
    find("pg_restore", dumped_by[0])
    more = copies.length(root, files)
    tell = on_progress or _silently
    started, clock = _now(), time.monotonic()
    try:
        with room(directory) as partial, connect(database, application_name="migsafe backup", read_only=True) as seen:
            enough_space(directory, seen, table_sizes, more)
            known = facts(seen)
            with moment(seen, lock_timeout) as now:
                dump(
                    pg_dump,
                    database,
                    partial,
                    jobs=jobs,
                    lock_timeout=lock_timeout,
                    sizes=table_sizes or {},
                    on_progress=tell,
                    snapshot=now.name,
                    on_locked=now.describe,
                )
                objects = now.describe()
            write_catalog(partial, objects)
            known["roles"] = _roles(known["roles"], objects)
            missing = _beside(partial, database, server_version, files, root)
            content = _read_back(partial, tell)
            about = _about(known, content, database, started, heads, missing, dumped_by[1])
            write_about(partial, _sized(about, partial))
            return _proven(partial, directory / NAME, about, clock, tell)
    except OSError as error:
        where = error.filename or directory
        raise BackupFailed(f"the backup could not be written: {where}: {error.strerror}") from None


def _beside(
    partial: Path, database: Database, server_version: int, files: Sequence[str], root: Path
) -> tuple[str, ...]:
    """Roles and configuration files; returns what could not be, or must not be, written."""
    problem = write_globals(database, partial, server_version)
    return (*([problem] if problem else []), *copies.copy(root, files, partial, database))


def _about(
    known: dict[str, Any],
    content: Content,
    database: Database,
    started: str,
    heads: tuple[str, ...],
    missing: tuple[str, ...],
    pg_dump: str,
) -> About:
    return About(
        database=known["database"],
        label=database.label,
        server_version=known["version"],
        server_version_text=known["version_text"],
        system_identifier=known["identifier"],
        locale={key: known[key] for key in ("encoding", "collate", "ctype", "provider", "locale") if known[key]},
        roles=tuple(known["roles"]),
        tablespaces=tuple(known["tablespaces"]),
        pg_dump=pg_dump,
        migsafe=__version__,
        started=started,
        ended=_now(),
        heads=heads,
        rows={name: table.rows for name, table in content.tables.items()},
        checksums={name: table.checksum for name, table in content.tables.items()},
        copied={name: table.copied for name, table in content.tables.items()},
        sequences=content.sequences,
        encoding=content.encoding,
        missing=missing,
    )


def _roles(depended_on: Iterable[str], objects: Iterable[Object]) -> list[str]:
    """Roles that a restore needs. Of what the first superuser owns PostgreSQL records no dependency."""
    owners = (definition for kind, _, definition in objects if kind == "owner")
    return sorted({name for name in (*depended_on, *owners) if not name.startswith("pg_")})


def _sized(about: About, partial: Path) -> About:
    return msgspec.structs.replace(about, bytes=sizes(partial))


def _read_back(partial: Path, tell: Progress) -> Content:
    tell("reading the backup back", None)
    try:
        return read_content(partial, lambda table: tell(f"reading back {table}", None))
    except Unreadable as error:
        raise BackupFailed(f"the backup was made and cannot be read back: {error}") from None


def _proven(partial: Path, final: Path, about: About, clock: float, tell: Progress) -> Backup:
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
    synchronise(final.parent)
    tables = f"{len(about.rows)} tables, {sum(about.rows.values()):,} rows"
    return Backup(
        kind="dump",
        path=str(final),
        verified=f"{len(files)} checksums compared, read to its end by pg_restore: {tables}",
        bytes=sum(file.bytes for file in files),
        seconds=time.monotonic() - clock,
        files=files,
        notes=about.missing,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _silently(_: str, __: float | None) -> None:
    """Nobody listens."""

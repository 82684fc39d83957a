"""A backup put back, or tried out: `restore_full` and `drill`."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psycopg
from psycopg import sql

from migsafe import rundir
from migsafe.backup.compare import Comparison, chosen, compare
from migsafe.backup.fill import fill, load_archive, made, mark, place_of
from migsafe.backup.in_place import restore_in_place
from migsafe.backup.intended import Intended, check_roles, intended
from migsafe.backup.manifest import MANIFEST
from migsafe.backup.scratch import scratch
from migsafe.backup.target import Archive, Place, absent_roles, allowed, foreign_roles, look, opened, possible
from migsafe.errors import RestoreFailed, UsageError
from migsafe.model.drill import FILE, Drill
from migsafe.model.plan import Plan
from migsafe.model.report import Report
from migsafe.postgres.binaries import server_folders, version_of, wheel
from migsafe.postgres.cluster import running
from migsafe.postgres.connection import Database, connect
from migsafe.postgres.embedded import scratch_server
from migsafe.postgres.queries import query

__all__ = ["Intended", "Restored", "backup_of", "drill", "may_create_databases", "restore_full"]

Progress = Callable[[str, float | None], None]
OWN = "a scratch server"
_OWNERS = ("owner", "access")


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a restore into `database` (a label). `comparison` None: it was declined, nothing was changed."""

    database: str
    seconds: float = 0.0
    comparison: Comparison | None = None
    notes: tuple[str, ...] = ()


def restore_full(
    directory: Path,
    database: Database,
    *,
    overwrite: str | None = None,
    another_cluster: bool = False,
    owners: bool = True,
    jobs: int = 4,
    lock_timeout: float = 30.0,
    checksum: Sequence[str] = (),
    agree: Callable[[Intended], bool] | None = None,
    on_progress: Progress | None = None,
) -> Restored:
    """Put the backup of the run `directory` into `database`, and hold the result to what was recorded.

    Into an empty database, or one that is not there yet, by parallel jobs; when that was killed, the same call does it
    again. Over the very database that the backup is of, when `overwrite` is its name: in one transaction, as restore.sh
    does it (`lock_timeout` in seconds). Without `owners`, owners and grants are left out. `checksum` are tables (`*`:
    all) whose contents are compared too. `agree` is asked before anything is changed.

    Raises RestoreRefused (damage, not empty, another cluster, older server, missing extension or role; nothing was
    changed), ToolMissing, ConnectionFailed, UsageError, and RestoreFailed.
    """
    tell, clock = on_progress or _silently, time.monotonic()
    tell("reading the backup", None)
    archive = opened(backup_of(directory))
    tables = chosen(archive.about, checksum)
    place, maintenance = place_of(database)
    resumed = place.comment == mark(archive)
    possible(archive, place)
    allowed(archive, place, overwrite=overwrite, another_cluster=another_cluster, resumed=resumed)
    if owners:
        check_roles(archive, place)
    in_place = bool(place.held) and not resumed
    if agree is not None and not agree(
        intended(archive, place, database, in_place=in_place, new=maintenance is not None)
    ):
        return Restored(database=database.label)
    note = None
    if in_place:
        tell(f"restoring over {place.database}, in one transaction", None)
        restore_in_place(archive.path, database, _plan(directory, archive), lock_timeout, another_cluster)
    else:
        note = made(archive, maintenance, database)
        options = () if owners else ("--no-owner", "--no-privileges")
        fill(archive, place, database, jobs, options, tell)
    without = (() if owners else _OWNERS) + (("extension",) if in_place else ())
    comparison = _compared(archive, database, tables, without, tell)
    if in_place:
        comparison = _without_additions(comparison)
    return Restored(
        database=database.label,
        seconds=time.monotonic() - clock,
        comparison=comparison,
        notes=(*((note,) if note else ()), *comparison.not_compared),
    )


def drill(
    directory: Path,
    *,
    server: Database | None = None,
    scratch_url: str | None = None,
    checksum: Sequence[str] = (),
    jobs: int = 4,
    on_progress: Progress | None = None,
) -> Drill:
    """Restore the backup of the run `directory` into a scratch database, compare, drop it, and write `drill.json`.

    `server` is any database of the server to make it on, by a role with CREATEDB; None: `scratch_url`'s, else a server
    of our own for as long as it takes. `checksum` are tables (`*`: all) whose contents are compared too. A restore
    that fails is a drill too: its error is the difference.

    Raises RestoreRefused (damage, older server, missing extension, no CREATEDB), ToolMissing, ConnectionFailed, and
    UsageError, also where `drill.json` cannot be written.
    """
    tell, clock = on_progress or _silently, time.monotonic()
    tell("reading the backup", None)
    archive = opened(backup_of(directory))
    chosen(archive.about, checksum)
    if server is not None:
        done = _drilled(archive, server, checksum, jobs, tell, own=False)
    else:
        with _scratch_server(archive, scratch_url) as maintenance:
            done = _drilled(archive, maintenance, checksum, jobs, tell, own=scratch_url is None)
    done = msgspec.structs.replace(done, ended=datetime.now(UTC), seconds=round(time.monotonic() - clock, 3))
    path = archive.path / FILE
    try:
        rundir.write(path, msgspec.json.format(msgspec.json.encode(done), indent=2) + b"\n")
    except OSError as error:
        raise UsageError(
            f"the drill is done and {path} cannot be written: {error.strerror}",
            "Let the user that runs migsafe write there; preflight reads it.",
        ) from None
    return done


def may_create_databases(database: Database) -> bool:
    """Whether a drill can be made on the server of `database`. Raises ConnectionFailed."""
    with connect(database, application_name="migsafe drill", read_only=True) as connection:
        row = connection.execute(query("backup_may_create")).fetchone()
    return row is not None and bool(row[0])


def backup_of(directory: Path) -> Path:
    """The folder of the backup of a run, or `directory` itself when it is one."""
    inside = directory / rundir.BACKUP
    return directory if (directory / MANIFEST).exists() and not inside.is_dir() else inside


def _drilled(
    archive: Archive, maintenance: Database, checksum: Sequence[str], jobs: int, tell: Progress, *, own: bool
) -> Drill:
    with connect(maintenance, application_name="migsafe drill") as connection:
        place = look(connection)
        possible(archive, place)
        if own:
            _create_roles(connection, absent_roles(archive, place))
            place = look(connection)
    strangers = (*absent_roles(archive, place), *foreign_roles(archive, place))
    known = _blank(archive, OWN if own else maintenance.replace(dbname="").label.rstrip("/"), place)
    # A subscription would have to be taken apart before its database can be dropped; tablespaces are the server's.
    options = ["--no-subscriptions", "--no-tablespaces", *(("--no-owner", "--no-privileges") if strangers else ())]
    skipped = [f"owners and grants: {', '.join(strangers)} cannot be given anything there"] if strangers else []
    with scratch(maintenance, archive.about) as (database, note):
        try:
            load_archive(archive, place, database, jobs, options, tell)
            without = _OWNERS if strangers else ()
            comparison = _compared(archive, database, checksum, without, tell)
        except RestoreFailed as error:
            message = error.message.replace(f" into {database.label}", "")
            return msgspec.structs.replace(known, differences=(message,))
    return msgspec.structs.replace(
        known,
        tables=comparison.tables,
        rows=comparison.rows,
        objects=comparison.objects,
        checksums=comparison.checksums,
        differences=comparison.differences,
        not_compared=(*skipped, *([note] if note else []), *comparison.not_compared),
    )


@contextmanager
def _scratch_server(archive: Archive, scratch_url: str | None) -> Iterator[Database]:
    """Of servers of our own the one of the same version where it is here: it prints every text as the other did."""
    wanted, known = archive.about.server_version, (wheel(), *server_folders())
    same = (each for each in known if each is not None and (version_of(each / "postgres") or (0, ""))[0] == wanted)
    folder = next(same, None) if scratch_url is None else None
    if folder is not None:
        with running(folder) as maintenance:
            yield maintenance
    else:
        with scratch_server(scratch_url) as found:
            yield found.maintenance


def _blank(archive: Archive, server: str, place: Place) -> Drill:
    about = archive.about
    return Drill(
        manifest=hashlib.sha256((archive.path / MANIFEST).read_bytes()).hexdigest(),
        database=about.database,
        system_identifier=about.system_identifier,
        taken=about.ended,
        ended=datetime.now(UTC),
        seconds=0.0,
        server=server,
        server_version=place.version_text,
    )


def _create_roles(connection: psycopg.Connection[tuple[object, ...]], names: Sequence[str]) -> None:
    for name in names:
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))


def _compared(
    archive: Archive, database: Database, tables: Sequence[str], without: Sequence[str], tell: Progress
) -> Comparison:
    with connect(database, application_name="migsafe restore", read_only=True) as connection:
        return compare(connection, archive.path, archive.about, checksum=tables, without=without, on_progress=tell)


def _without_additions(comparison: Comparison) -> Comparison:
    """Over a database, what is neither in the backup nor made by the migration stays."""
    rest = tuple(each for each in comparison.differences if not each.endswith(" is not in the backup"))
    return msgspec.structs.replace(comparison, differences=rest)


def _plan(directory: Path, archive: Archive) -> Plan:
    """The plan that the backup was taken for: what it made is dropped. None of it where no run was recorded."""
    heads = archive.about.heads
    with suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode((directory / rundir.REPORT).read_bytes(), type=Report).plan
    return Plan(current=heads, target=heads)


def _silently(_: str, __: float | None) -> None:
    """Nobody listens."""

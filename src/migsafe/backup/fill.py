"""Fills a database that is empty, or not there yet, from a backup; who is killed meanwhile may begin again."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import msgspec
import psycopg
from psycopg import sql

from migsafe.backup.load import load
from migsafe.backup.manifest import MANIFEST
from migsafe.backup.scratch import create
from migsafe.backup.target import Archive, Place, look, program_options
from migsafe.errors import ConnectionFailed
from migsafe.postgres.connection import Database, connect

Progress = Callable[[str, float | None], None]

_NAME = "migsafe restore"


def place_of(database: Database) -> tuple[Place, Database | None]:
    """What is there; and where the database is not there yet, the one of its server to make it from."""
    try:
        with connect(database, application_name=_NAME) as connection:
            return look(connection), None
    except ConnectionFailed as error:
        if f'the database "{database.dbname}" does not exist' not in error.message:
            raise
    maintenance = database.replace(dbname="postgres")
    with connect(maintenance, application_name=_NAME) as connection:
        place = look(connection)
    return msgspec.structs.replace(place, database=database.dbname, held=(), sessions=0, comment=None), maintenance


def made(archive: Archive, maintenance: Database | None, database: Database) -> str | None:
    """Make `database` where it is not there yet; returns what could not be as it was. Raises RestoreRefused."""
    if maintenance is None:
        return None
    with connect(maintenance, application_name=_NAME) as connection:
        return create(connection, database.dbname, archive.about)


def mark(archive: Archive) -> str:
    """The comment of a database that this backup is being restored to."""
    manifest = hashlib.sha256((archive.path / MANIFEST).read_bytes()).hexdigest()
    return f"migsafe: the restore of backup {manifest[:16]} is not complete"


def fill(
    archive: Archive,
    place: Place,
    database: Database,
    jobs: int,
    options: Sequence[str],
    tell: Progress,
) -> None:
    """Restore all of it by parallel jobs, and analyze. What an earlier try has left is dropped first."""
    again = ("--clean", "--if-exists") if place.comment == mark(archive) else ()
    with _marked(archive, place, database):
        load_archive(archive, place, database, jobs, (*options, *again, *program_options(archive, place)), tell)
    tell("analyzing", None)
    with connect(database, application_name=_NAME) as connection, suppress(psycopg.Error):
        # Of a catalog that this role may not analyze the server warns, a line each.
        connection.execute("SET client_min_messages = error")
        connection.execute("ANALYZE")


def load_archive(
    archive: Archive, place: Place, database: Database, jobs: int, options: Sequence[str], tell: Progress
) -> None:
    """Run pg_restore with these options. Raises RestoreFailed and ToolMissing."""
    load(
        archive.path,
        database,
        server_version=place.version,
        jobs=jobs,
        tables=len(archive.about.rows),
        options=options,
        on_progress=tell,
    )


@contextmanager
def _marked(archive: Archive, place: Place, database: Database) -> Iterator[None]:
    """The database says of itself that it is not complete, until it is."""
    ours = place.owned and place.comment in (None, mark(archive))
    if ours:
        _comment(database, mark(archive))
    yield
    if ours:
        _comment(database, None)


def _comment(database: Database, text: str | None) -> None:
    statement = sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(database.dbname), sql.Literal(text))
    with connect(database, application_name=_NAME) as connection:
        connection.execute(statement)

"""The ways back of revisions that a person asks about: of those that a database lacks, of a range, of one."""

from typing import Any

import msgspec
import psycopg

from migsafe.errors import UsageError
from migsafe.model.after import after
from migsafe.model.catalog import Catalog
from migsafe.model.definitions import Known, Recorded
from migsafe.model.inverse import WayBack
from migsafe.postgres import catalog as postgres_catalog
from migsafe.postgres import definitions
from migsafe.postgres.connection import Database
from migsafe.preview import predicted, preview
from migsafe.revisions.config import Environment, loading
from migsafe.revisions.read import Reading, read
from migsafe.settings import Settings
from migsafe.undo.inverse.known import following
from migsafe.undo.ways import ways_back


def record(connection: psycopg.Connection[Any], search_path: tuple[str, ...] = ()) -> Recorded:
    """The whole schema of a live database, as a way back has to restore it; of one moment. Any role may."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        found = Recorded(postgres_catalog.read(connection), definitions.read(connection))
    if search_path:
        found = Recorded(msgspec.structs.replace(found.catalog, search_path=search_path), found.known)
    return found


def of_reading(
    environment: Environment,
    settings: Settings,
    reading: Reading,
    connection: psycopg.Connection[Any],
    database: Database,
) -> tuple[WayBack, ...]:
    """Of the revisions that the database of `connection` lacks."""
    recorded = record(connection, reading.search_path)
    seen = preview(
        environment,
        reading,
        recorded.catalog,
        database=database,
        server_version=recorded.catalog.server_version,
        scratch_url=settings.scratch_url,
    )
    return ways_back(seen.plan, seen.back, recorded)


def of_range(
    environment: Environment, settings: Settings, start: tuple[str, ...], target: str | tuple[str, ...]
) -> tuple[WayBack, ...]:
    """Of the revisions from the heads `start` to `target`, without a database.

    Comments, grants and settings are known as far as the revisions before set them.
    """
    reading = read(environment, target, start=start)
    before = known_from_revisions(environment, start)
    seen = preview(environment, reading, before.catalog, scratch_url=settings.scratch_url)
    return ways_back(seen.plan, seen.back, before)


def of_revision(environment: Environment, settings: Settings, revision: str) -> tuple[WayBack, ...]:
    """Of one revision, by its whole id, over the schema that all before it make. Raises UsageError for none such."""
    with loading(environment):
        script = environment.script.get_revision(revision)
    if script is None:
        raise UsageError(f"there is no revision {revision}", "`migsafe history` lists them all.")
    down = script.down_revision or ()
    start = (down,) if isinstance(down, str) else tuple(down)
    return of_range(environment, settings, start, (revision,))


def known_from_revisions(environment: Environment, heads: tuple[str, ...]) -> Recorded:
    """The schema that the revisions up to `heads` make from nothing, as far as they can be read without a server."""
    catalog, known = Catalog(complete=True), Known({}, complete=True)
    if not heads:
        return Recorded(catalog, known)
    history = read(environment, heads, start=(), back=False)
    steps, _ = predicted(history.steps, catalog)
    for step in steps:
        for statement in step.statements:
            known = following(known, statement, catalog)
            catalog = after(catalog, statement.effects)
        if step.read == "unreadable":
            catalog, known = msgspec.structs.replace(catalog, complete=False), Known()
    return Recorded(catalog, known)

"""One stage of the straight line on its own: preflight, backup, verification."""

from contextlib import suppress
from pathlib import Path

import msgspec

from migsafe import __version__, rundir
from migsafe.backup import back_up
from migsafe.backup.restore import write_restore_script
from migsafe.errors import UsageError
from migsafe.model.catalog import Catalog
from migsafe.model.plan import Plan
from migsafe.model.report import Backup, Report
from migsafe.own_checks import prepared
from migsafe.postgres.connection import Database, connect
from migsafe.revisions.config import Environment
from migsafe.revisions.read import Reading, read
from migsafe.settings import Settings
from migsafe.situation import Asked, connecting, look, now, read_for, report_of
from migsafe.upgrade import Observer, checked_after
from migsafe.verify import Proof, verify


def check(environment: Environment, settings: Settings, asked: Asked, observer: Observer) -> Report:
    """Plan, lint and preflight of `asked`, without the rest. Writes nothing."""
    started = now()
    reading = read_for(environment, asked)
    observer.known(Database.from_parameters(reading.connection or {}))
    situation = look(environment, reading, settings, asked, observer.progress)
    return msgspec.structs.replace(report_of(situation, asked, started), command="preflight", ended=now())


def dump(
    environment: Environment, settings: Settings, url: str | None, folder: Path | None, observer: Observer
) -> tuple[Backup, Path]:
    """Dump the database of `environment` into `folder` (default: a new run directory), read the dump back.

    Returns the backup and the path of restore.sh. Raises BackupFailed or ToolMissing.
    """
    reading, database = _database(environment, url, observer)
    with connect(database) as connection:
        version = connection.info.server_version // 10000
    directory = folder if folder is not None else rundir.create(settings, reading.heads, ("backup",))
    try:
        backup = back_up(
            database,
            directory,
            server_version=version,
            jobs=settings.backup_jobs,
            on_progress=observer.progress,
            heads=reading.heads,
        )
    except BaseException:
        if folder is None:
            with suppress(OSError):
                directory.rmdir()
        raise
    plan = Plan(
        current=reading.heads,
        target=reading.heads,
        server_version=version,
        database=database.label,
        version_table=reading.version_table,
    )
    return backup, write_restore_script(directory, backup, plan)


def verify_again(
    environment: Environment, settings: Settings, earlier: Report, content: bytes, url: str | None, observer: Observer
) -> Report:
    """What the run of `earlier` proved (`content` of its proofs.json), asked again of the database as it is now.

    And the team's own checks for after a migration, as the settings have them now.
    """
    prepared(settings)
    _, database = _database(environment, url, observer)
    try:
        proofs = msgspec.json.decode(content, type=tuple[Proof, ...])
    except msgspec.DecodeError as error:
        raise UsageError(f"proofs.json of this run is damaged: {error}", "Ask with its verify.sql, in psql.") from None
    started = now()
    with connect(database, read_only=True) as connection:
        after = verify(connection, earlier.plan, Catalog(), proofs) + checked_after(connection, settings)
    return Report(
        command="verify",
        plan=earlier.plan,
        started=started,
        ended=now(),
        migsafe=__version__,
        steps=earlier.steps,
        after=after,
        typed=earlier.typed,
        options=earlier.options,
        directory=earlier.directory,
    )


def _database(environment: Environment, url: str | None, observer: Observer) -> tuple[Reading, Database]:
    """The database that env.py (or `url`) names; no revision is rendered for that."""
    with connecting():
        reading = read(environment, "heads", url=url, revisions=False)
    database = Database.from_parameters(reading.connection or {})
    observer.known(database)
    return reading, database

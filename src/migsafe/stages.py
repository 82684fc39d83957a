"""One stage of the straight line on its own: preflight, backup."""

from contextlib import suppress
from pathlib import Path

import msgspec

from migsafe import rundir
from migsafe.backup import back_up
from migsafe.backup.restore import write_restore_script
from migsafe.model.plan import Plan
from migsafe.model.report import Backup, Report
from migsafe.postgres.connection import Database, connect
from migsafe.proving.verifying import database_of
from migsafe.revisions.config import Environment
from migsafe.revisions.narrow import chosen
from migsafe.rounds import narrowed
from migsafe.settings import Settings
from migsafe.situation import Asked, look, now, read_rounds_for, report_of
from migsafe.stopped import Observer


def check(environment: Environment, settings: Settings, asked: Asked, observer: Observer) -> tuple[Report, ...]:
    """Plan, lint and preflight of `asked`, without the rest: a report for each round of env.py. Writes nothing."""
    started, reports = now(), []
    for reading in chosen(read_rounds_for(environment, asked), asked.rounds):
        observer.known(Database.from_parameters(reading.connection or {}))
        one = narrowed(environment, reading.round)
        report = report_of(look(one, reading, settings, asked, observer.progress), asked, started)
        reports.append(msgspec.structs.replace(report, command="preflight", ended=now()))
    return tuple(reports)


def dump(
    environment: Environment, settings: Settings, url: str | None, folder: Path | None, observer: Observer
) -> tuple[Backup, Path]:
    """Dump the database of `environment` into `folder` (default: a new run directory), read the dump back.

    Returns the backup and the path of restore.sh. Raises BackupFailed or ToolMissing.
    """
    reading, database = database_of(environment, url, observer)
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
            files=settings.backup_files,
            root=Path(settings.directory),
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

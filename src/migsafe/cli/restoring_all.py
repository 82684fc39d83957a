"""`migsafe restore --full` and `--drill`: the whole backup."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from migsafe.cli import output
from migsafe.cli.options import Choices, Globals
from migsafe.errors import UsageError
from migsafe.formats.lines import say
from migsafe.postgres.connection import Database
from migsafe.restored import Intended, restore_full
from migsafe.restored import drill as try_out
from migsafe.settings import Settings

if TYPE_CHECKING:
    from migsafe.cli.terminal import Terminal


def full(
    given: Globals,
    directory: Path,
    settings: Settings,
    choices: Choices,
    to: str | None,
    overwrite: str | None,
    another_cluster: bool,
    owners: bool,
    checksum: tuple[str, ...],
    terminal: "Terminal",
) -> int:
    """Restore the backup of a run into the database of `to`, or over the environment's own. Returns the exit code."""
    if to is None and overwrite is None:
        raise UsageError("--full needs to know where to", "--to URL; or --overwrite NAME for the database of env.py.")
    database = Database.from_url(to) if to is not None else _of_environment(given, choices, terminal)
    terminal.known(database)
    console = output.console()

    def agree(intended: Intended) -> bool:
        for line in intended.lines:
            say(console, line, indent=2, fold=False)
        return choices.yes or click.confirm("Restore?", default=False)

    done = restore_full(
        directory,
        database,
        overwrite=overwrite,
        another_cluster=another_cluster,
        owners=owners,
        jobs=settings.backup_jobs,
        checksum=checksum,
        agree=agree,
        on_progress=terminal.progress,
    )
    if done.comparison is None:
        say(console, "Declined: nothing was changed.")
        return 1
    for note in (*done.notes, *done.comparison.differences):
        say(console, note, indent=2, hang=4)
    compared = f"{done.comparison.tables} tables and {done.comparison.rows:,} rows compared"
    say(console, f"Restored into {done.database}: {compared}, {len(done.comparison.differences)} differences.")
    return 5 if done.comparison.differences else 0


def drill(directory: Path, settings: Settings, to: str | None, checksum: tuple[str, ...], terminal: "Terminal") -> int:
    """Try the backup of a run out on the server of `to`, or on a scratch server. Returns the exit code."""
    server = Database.from_url(to) if to is not None else None
    if server is not None:
        terminal.known(server)
    done = try_out(
        directory,
        server=server,
        scratch_url=settings.scratch_url,
        checksum=checksum,
        jobs=settings.backup_jobs,
        on_progress=terminal.progress,
    )
    console = output.console()
    for line in (*done.differences, *done.not_compared):
        say(console, line, indent=2, hang=4)
    compared = f"{done.tables} tables, {done.rows:,} rows and {done.objects} objects compared"
    say(console, f"Drill on {done.server}: {compared}, {len(done.differences)} differences.")
    return 0 if done.equal else 5


def _of_environment(given: Globals, choices: Choices, terminal: "Terminal") -> Database:
    from migsafe.cli.opened import opened
    from migsafe.verifying import database_of

    environment, _ = opened(given, choices)
    return database_of(environment, choices.url, terminal)[1]

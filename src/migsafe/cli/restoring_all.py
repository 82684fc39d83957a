"""`migsafe restore --full` and `--drill`: the whole backup."""

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from migsafe.cli import output
from migsafe.cli.options import Choices, Globals
from migsafe.errors import UsageError
from migsafe.formats.lines import say
from migsafe.going_back.restored import Intended, Restored, restore_full
from migsafe.going_back.restored import drill as try_out
from migsafe.model.drill import Drill
from migsafe.postgres.connection import Database
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
    *,
    dry_run: bool = False,
    format: str = "text",
) -> int:
    """Restore the backup of a run into the database of `to`, or over the environment's own. Returns the exit code.

    With `dry_run` everything is looked at, and nothing changed.
    """
    if to is None and overwrite is None:
        raise UsageError("--full needs to know where to", "--to URL; or --overwrite NAME for the database of env.py.")
    database = Database.from_url(to) if to is not None else _of_environment(given, choices, terminal)
    terminal.known(database)
    console = output.console(stderr=format == "json")

    def agree(intended: Intended) -> bool:
        for line in intended.lines:
            say(console, line, indent=2, fold=False)
        return not dry_run and terminal.agreed("Restore?")

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
        say(console, "Dry run: nothing was changed." if dry_run else "Declined: nothing was changed.")
        return 0 if dry_run else 1
    if format == "json":
        _print(done)
        return 5 if done.comparison.differences else 0
    for note in (*done.notes, *done.comparison.differences):
        say(console, note, indent=2, hang=4)
    compared = f"{done.comparison.tables} tables and {done.comparison.rows:,} rows compared"
    say(console, f"Restored into {done.database}: {compared}, {len(done.comparison.differences)} differences.")
    return 5 if done.comparison.differences else 0


def drill(
    directory: Path,
    settings: Settings,
    to: str | None,
    checksum: tuple[str, ...],
    terminal: "Terminal",
    *,
    format: str = "text",
) -> int:
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
    if format == "json":
        _print(done)
        return 0 if done.equal else 5
    console = output.console()
    for line in (*done.differences, *done.not_compared):
        say(console, line, indent=2, hang=4)
    compared = f"{done.tables} tables, {done.rows:,} rows and {done.objects} objects compared"
    say(console, f"Drill on {done.server}: {compared}, {len(done.differences)} differences.")
    return 0 if done.equal else 5


def _print(found: Restored | Drill) -> None:
    print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())


def _of_environment(given: Globals, choices: Choices, terminal: "Terminal") -> Database:
    from migsafe.cli.opened import opened
    from migsafe.proving.verifying import database_of

    environment, _ = opened(given, choices)
    return database_of(environment, choices.url, terminal)[1]

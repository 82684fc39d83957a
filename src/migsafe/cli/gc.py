"""`migsafe gc`: saved rows whose time is over are removed."""

from typing import TYPE_CHECKING, Any

import click

from migsafe.cli.options import Choices, Globals, choices, pass_globals

if TYPE_CHECKING:
    import psycopg


@click.command(name="gc", short_help="Remove saved rows whose time is over.")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@choices("url", "config_from", "tag")
@pass_globals
def command(given: Globals, dry_run: bool, choices: Choices) -> int:
    """Remove what runs saved longer ago than `undo_keep`: files, and tables of migsafe_undo. Reports and backups stay.

    So goes what a run left that was killed while it saved. Of a run that is not finished nothing else is removed. A
    database is asked only where rows are in tables.
    """
    from pathlib import Path

    from migsafe.cli import output
    from migsafe.formats import words
    from migsafe.formats.lines import say
    from migsafe.rundir import directories
    from migsafe.saved.expired import expired, remove
    from migsafe.settings import load

    console = output.console()
    settings = choices.over(load())
    found = tuple(expired(directories(settings), tables=settings.undo == "tables"))
    connection = _connected(given, choices) if not dry_run and any(each.tables for each in found) else None
    size = 0
    for each in found:
        name = words.near(str(Path(each.directory)))
        if each.kept is not None:
            say(console, f"{name}: kept, {each.kept}", indent=2, hang=4)
            continue
        if not dry_run:
            remove(each, connection)
        size += each.bytes
        what = "would be removed" if dry_run else "removed"
        why = f"expired {each.expires[:10]}" if each.expires else "of a run that was killed while it saved them"
        say(console, f"{name}: {words.size(each.bytes)} {what}, {why}", indent=2, hang=4)
    if connection is not None:
        connection.close()
    say(
        console, "Nothing has expired." if not found else f"{words.size(size)} {'to remove' if dry_run else 'removed'}."
    )
    return 0


def _connected(given: Globals, choices: Choices) -> "psycopg.Connection[Any]":
    from migsafe.cli.opened import opened
    from migsafe.cli.terminal import Terminal
    from migsafe.postgres.connection import connect
    from migsafe.proving.verifying import database_of

    environment, _ = opened(given, choices)
    with Terminal(yes=True, printing=False, quiet=True) as terminal:
        _, database = database_of(environment, choices.url, terminal)
    return connect(database, application_name="migsafe gc")

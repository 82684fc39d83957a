"""`migsafe restore RUN`: what a run destroyed comes back; or its backup, whole, or as a drill."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

from migsafe.cli.options import Choices, Globals, choices, hide_password, pass_globals
from migsafe.cli.show import LAST, find
from migsafe.errors import UsageError
from migsafe.settings import Settings

T = TypeVar("T")


@click.command(name="restore", short_help="Put back what a run destroyed; or its whole backup, or try that out.")
@click.argument("run", metavar="[RUN]", default=LAST)
@click.option(
    "--on-conflict",
    type=click.Choice(["keep", "restore"]),
    default="keep",
    show_default=True,
    help="Where the application has written since: keep that, or put the saved value over it.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
@click.option("--other-cluster", is_flag=True, help="Go on although the rows are of another cluster or database.")
@click.option("--full", is_flag=True, help="Restore the whole backup of RUN into the database of --to.")
@click.option(
    "--to",
    metavar="URL",
    callback=hide_password,
    help="With --full: an empty database, or one to be made. With --drill: the server to try it on.",
)
@click.option("--no-owner", is_flag=True, help="With --full: leave owners and grants out, and restore the rest.")
@click.option("--overwrite", metavar="NAME", help="With --full: replace this database, by its name.")
@click.option("--drill", is_flag=True, help="Restore the backup of RUN into a scratch database, compare, drop it.")
@click.option("--checksum", multiple=True, metavar="TABLE", help="With --full or --drill: compare its content; *: all.")
@choices("url", "config_from", "tag", "yes", "lock_timeout", "max_wait", "deadline", "scratch_url")
@click.option("--format", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print.")
@pass_globals
def command(
    given: Globals,
    run: str,
    on_conflict: Literal["keep", "restore"],
    dry_run: bool,
    other_cluster: bool,
    full: bool,
    to: str | None,
    no_owner: bool,
    overwrite: str | None,
    drill: bool,
    checksum: tuple[str, ...],
    choices: Choices,
    format: str,
) -> int:
    """Put back what RUN (a name in `migsafe runs`, a directory, or last) destroyed: its columns, rows and tables.

    Rows are held against the tables by their primary key: what the application wrote since is kept, or listed as a
    conflict. How many of each is shown, then it asks. In small transactions that give way to whoever waits; killed in
    the middle, the same command goes on. When nothing is left of what the run did, the version table goes back too.

    Exit codes: 0 all is back, 1 declined, 2 nobody to ask and no --yes, 3 it stopped or a saved file is damaged, 5 done
    with conflicts or something not as before, 75 no lock before the deadline.
    """
    _only_with(full=full, drill=drill, to=to, overwrite=overwrite, checksum=checksum)
    _not_with(full=full, drill=drill, dry_run=dry_run, no_owner=no_owner)
    if not full and not drill:
        return _restore(given, run, choices, on_conflict, dry_run, other_cluster, format)
    from migsafe.cli import restoring_all
    from migsafe.cli.terminal import Terminal

    directory, settings = _directory(run, choices)
    with Terminal(yes=choices.yes, printing=format == "text", quiet=given.quiet) as terminal:
        if drill:
            return restoring_all.drill(directory, settings, to, checksum, terminal, format=format)
        return restoring_all.full(
            given,
            directory,
            settings,
            choices,
            to,
            overwrite,
            other_cluster,
            not no_owner,
            checksum,
            terminal,
            dry_run=dry_run,
            format=format,
        )


def _only_with(full: bool, drill: bool, to: str | None, overwrite: str | None, checksum: tuple[str, ...]) -> None:
    if full and drill:
        raise UsageError("--full and --drill are two things", "Give one of them.")
    if not full and (overwrite or (to and not drill)):
        raise UsageError("--to and --overwrite are for --full", "migsafe restore --full RUN --to URL")
    if not (full or drill) and checksum:
        raise UsageError("--checksum is for --full and --drill", "migsafe restore --drill RUN --checksum TABLE")


def _not_with(full: bool, drill: bool, dry_run: bool, no_owner: bool) -> None:
    if drill and dry_run:
        raise UsageError(
            "--dry-run is not for --drill", "A drill changes nothing: it restores into a scratch database."
        )
    if no_owner and not full:
        raise UsageError("--no-owner is for --full", "migsafe restore --full RUN --to URL --no-owner")


def _directory(run: str, choices: Choices) -> tuple[Path, Settings]:
    from migsafe.rundir import BACKUP, directories
    from migsafe.settings import load

    settings = choices.over(load())
    # The newest backup is the last run's, or one that `migsafe backup` made: that is no run with a report.
    last = (each for each in directories(settings) if (each / BACKUP).is_dir())
    path = next(last, None) if run == LAST else find(run, settings) or (Path(run) if Path(run).is_dir() else None)
    if path is None:
        what = "there is no backup yet" if run == LAST else f"there is no run {run!r} to restore"
        raise UsageError(what, "`migsafe runs` lists runs, `migsafe backup` makes a backup.")
    return path, settings


def _restore(
    given: Globals,
    run: str,
    choices: Choices,
    on_conflict: Literal["keep", "restore"],
    dry_run: bool,
    other_cluster: bool,
    format: str,
) -> int:
    from migsafe.cli.opened import opened
    from migsafe.cli.terminal import Terminal
    from migsafe.formats import saved as formats
    from migsafe.formats.lines import say
    from migsafe.going_back import putting_back
    from migsafe.proving.verifying import database_of

    environment, settings = opened(given, choices)
    directory = _saved_by(run, settings)
    with Terminal(yes=choices.yes, printing=format == "text", quiet=given.quiet) as terminal:
        _, database = database_of(environment, choices.url, terminal)
        if dry_run or not choices.yes:
            plan = putting_back.plan(directory, database, other_cluster=other_cluster)
        if dry_run:
            _print(plan, formats.intended, format)
            return 0
        if not choices.yes:
            formats.intended(plan, terminal.console, dry=False)
            if not terminal.agreed(f"Restore this into {database.label}?"):
                say(terminal.console, "Declined: nothing was changed.")
                return 1
        done = putting_back.restore(
            directory,
            database,
            settings,
            on_conflict=on_conflict,
            other_cluster=other_cluster,
            told=terminal.progress,
        )
    _print(done, formats.restored, format)
    return 0 if done.wholly else 5


def _print(found: T, as_text: Callable[[T, Any], None], format: str) -> None:
    import msgspec

    from migsafe.cli import output

    if format == "json":
        print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        as_text(found, output.console())


def _saved_by(run: str, settings: Settings) -> Path:
    """The run directory; `last` is the newest that saved anything."""
    from migsafe.rundir import directories
    from migsafe.saved import has_saved

    path = next(filter(has_saved, directories(settings)), None) if run == LAST else find(run, settings)
    if path is None and Path(run).is_dir():
        path = Path(run)
    if path is None:
        what = "no run has saved anything yet" if run == LAST else f"there is no run {run!r}"
        raise UsageError(what, "`migsafe runs` lists them; what a run destroys is saved unless undo is off.")
    return path

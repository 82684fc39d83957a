"""`migsafe show RUN`: the report of one run. `show REVISION` stays Alembic's."""

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from migsafe.cli import output
from migsafe.cli.options import Format, output_format
from migsafe.cli.runs import near
from migsafe.errors import MigsafeError, UsageError
from migsafe.rundir import BACKUP, JOURNAL, REPORT, directories, folder
from migsafe.settings import Settings, load

LAST = "last"


@click.command(name="show", short_help="Print the report of one run.")
@click.argument("run", metavar="RUN")
@output_format("text", "json", "markdown")
def command(run: str, format: Format) -> None:
    """Print the report of one run: its directory, its name in the list of `migsafe runs`, or `last`.

    `migsafe show REVISION` is Alembic's, and prints a revision.
    """
    settings = load()
    path = find(run, settings)
    if path is None:
        remedy = "There is none yet; `migsafe upgrade` makes one." if run == LAST else "`migsafe runs` lists them."
        raise UsageError(f"{near(folder(settings))} has no run {run!r}", remedy)
    _print(_content(path), format)


def is_alembics(args: Sequence[str]) -> bool:
    """Whether there is no run of the name that is asked for: then it is a revision."""
    wanted = _first_argument(args)
    return wanted is not None and wanted != LAST and find(wanted, load()) is None


def _first_argument(args: Sequence[str]) -> str | None:
    values = iter(args)
    for argument in values:
        if argument == "--format":
            next(values, None)
        elif not argument.startswith("-"):
            return argument
    return None


def find(run: str, settings: Settings) -> Path | None:
    """The run directory that `run` means, None when it means none."""
    known = directories(settings)
    if run == LAST:
        # `migsafe backup` makes a directory too, without a report.
        return next((path for path in known if (path / REPORT).exists() or (path / JOURNAL).exists()), None)
    named = [path for path in known if path.name == run]
    given = Path(run)
    is_run = given.is_dir() and any((given / name).exists() for name in (REPORT, JOURNAL))
    return named[0] if named else given if is_run else None


def _content(path: Path) -> bytes:
    try:
        return (path / REPORT).read_bytes()
    except FileNotFoundError:
        if (path / BACKUP).exists():
            raise MigsafeError(
                f"{near(path)} is of `migsafe backup`, which writes no report",
                f"To restore it: sh {near(path / 'restore.sh')}",
            ) from None
        raise MigsafeError(
            f"{near(path)} has no {REPORT}: the run crashed or is still running",
            f"Its last lines are in {near(path / JOURNAL)}; the command of that run, typed again, resumes it.",
        ) from None
    except OSError as error:
        raise MigsafeError(
            f"{near(path / REPORT)} cannot be read: {error.strerror}", "Run it as the user who ran it."
        ) from None


def _print(content: bytes, format: Format) -> None:
    # rich and the formats cost 80 ms that other commands need not pay.
    from migsafe.formats import json, markdown, text

    try:
        report = json.read_report(content)
    except msgspec.DecodeError as error:
        raise MigsafeError(
            f"this is no report that can be read: {error}", "Was it written by a newer migsafe?"
        ) from None
    if format == "json":
        print(content.decode(), end="")
    elif format == "markdown":
        print(markdown.report(report), end="")
    else:
        text.report(report, output.console())

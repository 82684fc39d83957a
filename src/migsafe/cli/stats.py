"""`migsafe stats`: what is large in production, in a file that a repository can hold and lint reads in CI."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migsafe.cli.options import Choices, Command, Globals, choices, pass_globals
from migsafe.errors import UsageError
from migsafe.settings import Settings

if TYPE_CHECKING:
    from migsafe.model.statistics import DatabaseStatistics
    from migsafe.postgres.connection import Database

_STALE = 30

DEFAULT = "migsafe-stats.json"


@click.command(name="stats", cls=Command, short_help="Write sizes and rates of a database, for lint without it.")
@choices("url", "config_from", "tag")
@click.option(
    "-o", "--output", "target", default=DEFAULT, show_default=True, metavar="FILE", help="Where to; - is the terminal."
)
@pass_globals
def command(given: Globals, target: str, choices: Choices) -> None:
    """Write row estimates, sizes, rates of writes and reads, and how long transactions last: for lint in CI, which then
    knows what is large. No data, and no names but those of relations. Any role may ask; what it cannot see is null.

    Name the file in `lint.stats` of the settings, and commit it.
    """
    from migsafe.formats.statistics import as_json
    from migsafe.postgres.connection import connect
    from migsafe.postgres.statistics import read_statistics

    with connect(_database(given, choices), read_only=True) as connection:
        found = read_statistics(connection)
    content = as_json(found)
    if target == "-":
        print(content, end="")
        return
    _write(Path(target), content)
    if not given.quiet:
        print(f"Wrote {target}: {len(found.relations)} relations. Commit it, and set lint.stats to it.")
        for note in found.notes:
            print(f"null  {note}")


def _write(path: Path, content: str) -> None:
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", "Name another --output.") from None


def _database(given: Globals, choices: Choices) -> "Database":
    """That of --url, for which no Alembic project is needed, or the one of env.py."""
    from migsafe.cli import output
    from migsafe.postgres.connection import Database, redact

    if choices.url is not None:
        database = Database.from_url(choices.url)
    else:
        from migsafe.cli.opened import opened
        from migsafe.revisions.narrow import of_one_database
        from migsafe.situation import connecting

        environment, _ = opened(given, choices)
        with connecting():
            reading = of_one_database(environment)
        database = Database.from_parameters(reading.connection or {})
    output.redact_with(lambda text: redact(text, database))
    return database


def statistics_for(given: str | None, settings: Settings) -> "DatabaseStatistics | None":
    """What the file says that was given, or is named in the settings; None without one. An old one is said.

    Raises UsageError for one that cannot be read.
    """
    named = settings.lint.stats
    path = Path(given) if given else Path(settings.directory, named) if named else None
    if path is None:
        return None
    found = _read(path)
    age = datetime.now(UTC) - datetime.fromisoformat(found.written)
    if age.days > _STALE:
        print(
            f"{path} is {age.days} days old: what is large may have changed. Write it anew: migsafe stats -o {path}",
            file=sys.stderr,
        )
    return found


def _read(path: Path) -> "DatabaseStatistics":
    from migsafe.formats.statistics import from_json

    try:
        return from_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", f"`migsafe stats -o {path}` writes it.") from None
    except ValueError as error:
        remedy = f"Write it anew, on production: migsafe stats -o {path}"
        raise UsageError(f"{path} is no file of `migsafe stats`: {error}", remedy) from None

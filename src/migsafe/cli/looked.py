"""A plan for the commands that change nothing: from a database's heads, or of a range without any database."""

import msgspec

from migsafe.cli import output
from migsafe.cli.opened import opened
from migsafe.cli.options import Choices, Globals
from migsafe.errors import UsageError
from migsafe.postgres.catalog import read as read_catalog
from migsafe.postgres.connection import Database, connect, redact
from migsafe.preview import Preview, preview, schema_at
from migsafe.revisions.read import Direction, range_of, read
from migsafe.situation import connecting


def look_at(given: Globals, revision: str, choices: Choices, direction: Direction) -> Preview:
    """The plan of `revision`: a target as for `upgrade`, or FROM:TO, which needs no database."""
    environment, settings = opened(given, choices)
    start, target = range_of(environment, revision)
    with connecting():
        reading = read(environment, target, direction=direction, url=choices.url, start=start)
    if reading.unknown_heads:
        raise UsageError(
            f"the database is at {', '.join(reading.unknown_heads)}, which these scripts do not have",
            "Check out the code that has it, or name a range: FROM:TO needs no database.",
        )
    if start is not None:
        catalog = schema_at(environment, start)
        return preview(environment, reading, catalog, scratch_url=settings.scratch_url)
    database = Database.from_parameters(reading.connection or {})
    output.redact_with(lambda text: redact(text, database))
    with connect(database, read_only=True) as connection:
        catalog = msgspec.structs.replace(read_catalog(connection), search_path=reading.search_path)
        version = connection.info.server_version // 10000
    return preview(
        environment,
        reading,
        catalog,
        database=database,
        server_version=version,
        scratch_url=settings.scratch_url,
    )

"""Both ways back of the revisions that a command names."""

import functools

import msgspec

from migsafe.cli import output
from migsafe.cli.opened import opened
from migsafe.cli.options import Choices, Globals
from migsafe.model.inverse import WayBack
from migsafe.revisions.config import Environment
from migsafe.settings import Settings


def look_back(given: Globals, revision: str, choices: Choices) -> tuple[WayBack, ...]:
    """The ways back of the pending revisions up to `revision` over the live schema, or of a range FROM:TO.

    A revision that the database has already is looked at over the schema that those before it make.
    """
    from migsafe.going_back.ways_back import of_range
    from migsafe.revisions.read import range_of

    environment, settings = opened(given, choices)
    start, target = range_of(environment, revision)
    if start is not None:
        found = of_range(environment, settings, start, target)
        if found or not revision.rpartition(":")[2]:
            return found
        return of_range(environment, settings, *_turned(environment, revision))
    if found := _pending(environment, settings, revision, choices):
        return found
    return _alone(environment, settings, revision)


def _turned(environment: Environment, revision: str) -> tuple[tuple[str, ...], str]:
    """FROM:TO the other way round: who thinks of the way back may well name its beginning first."""
    from migsafe.revisions.read import range_of

    start, _, target = revision.rpartition(":")
    end = "" if start == "base" else start
    begin, _ = range_of(environment, f"{target}:{end}")
    return begin or (), end or "base"


def _pending(environment: Environment, settings: Settings, revision: str, choices: Choices) -> tuple[WayBack, ...]:
    from migsafe.going_back.ways_back import of_reading
    from migsafe.postgres.connection import Database, connect, redact
    from migsafe.revisions.narrow import chosen
    from migsafe.revisions.read import read_rounds
    from migsafe.situation import connecting

    with connecting():
        readings = read_rounds(environment, revision, url=choices.url)
    found: list[WayBack] = []
    for reading in chosen(readings, choices.round):
        database = Database.from_parameters(reading.connection or {})
        output.redact_with(functools.partial(redact, database=database))
        one = msgspec.structs.replace(environment, only=reading.round)
        if reading.steps:
            with connect(database, read_only=True) as connection:
                found += of_reading(one, settings, reading, connection, database)
    return tuple(found)


def _alone(environment: Environment, settings: Settings, revision: str) -> tuple[WayBack, ...]:
    """Of one revision by its name; () for head and such."""
    from migsafe.going_back.ways_back import of_revision
    from migsafe.revisions.config import loading

    with loading(environment):
        known = {script.revision for script in environment.script.walk_revisions()}
    named = [each for each in known if each == revision or (len(revision) > 3 and each.startswith(revision))]
    return of_revision(environment, settings, named[0]) if len(named) == 1 else ()

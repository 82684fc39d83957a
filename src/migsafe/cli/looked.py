"""A plan for the commands that change nothing: from a database's heads, or of revisions without any database."""

import itertools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from migsafe.cli import output
from migsafe.cli.opened import opened
from migsafe.cli.options import Choices, Globals
from migsafe.errors import ConnectionFailed, MigsafeError, UsageError
from migsafe.history import known_schema_at
from migsafe.model.catalog import Catalog
from migsafe.preview import Preview, preview, schema_after
from migsafe.revisions.config import Environment, loading
from migsafe.revisions.narrow import chosen
from migsafe.revisions.read import Direction, Reading, range_of, read_rounds, steps_between
from migsafe.settings import Settings

if TYPE_CHECKING:
    from migsafe.postgres.connection import Database
    from migsafe.revisions.render import RenderedStep


class Looked(msgspec.Struct, frozen=True):
    """A plan, and the names of the rounds of env.py that it is for; none where env.py has one round."""

    preview: Preview
    rounds: tuple[str, ...] = ()


def look_at(
    given: Globals, revision: str, choices: Choices, direction: Direction, *, undoing: bool = False
) -> tuple[Looked, ...]:
    """The plan of `revision`: a target as for `upgrade`, or FROM:TO, which needs no database.

    One for each round of env.py (of those that `--round` names), those with the same SQL together. With `undoing` the
    preview has the way back too; for a range that leads upwards, whatever the direction.
    """
    environment, settings = opened(given, choices)
    start, target = range_of(environment, revision)
    if start is not None and undoing and _leads_upwards(environment, start, target):
        direction = "upgrade"
    readings = _read(environment, target, direction=direction, url=choices.url, start=start, back=undoing)
    found: dict[tuple[str, ...], Looked] = {}
    for reading in chosen(readings, choices.round):
        one = msgspec.structs.replace(environment, only=reading.round)
        seen = Looked(_seen(one, reading, settings, start), (reading.round.name,) if reading.round else ())
        same = found.setdefault((*reading.heads, seen.preview.plan.fingerprint), seen)
        if same is not seen:
            found[(*reading.heads, seen.preview.plan.fingerprint)] = Looked(same.preview, same.rounds + seen.rounds)
    return tuple(found.values())


def _seen(environment: Environment, reading: Reading, settings: Settings, start: tuple[str, ...] | None) -> Preview:
    if start is not None:
        catalog = known_schema_at(environment, start, settings)
        return preview(environment, reading, catalog, scratch_url=settings.scratch_url)
    database, catalog = _live(reading)
    return preview(
        environment,
        reading,
        catalog,
        database=database,
        server_version=catalog.server_version,
        scratch_url=settings.scratch_url,
    )


def look_at_some(
    environment: Environment, settings: Settings, revisions: Iterable[str], *, url: str | None, downgrade: bool
) -> tuple[Preview, ...]:
    """The plans of some revisions, each over the schema that those before it make; their downgrade() if so asked.

    What comes before is the database at `url` and the revisions that it does not have yet; without one, all from base
    on. A revision that this database has already is left out. Where env.py has several rounds, each is looked at.
    """
    start = () if url is None else None
    found: dict[str, Preview] = {}
    for reading in _read(environment, "heads", url=url, start=start, back=downgrade):
        one = msgspec.structs.replace(environment, only=reading.round)
        over = (None, Catalog(complete=True)) if url is None else _live(reading)
        for seen in _some_of(one, settings, reading, over, frozenset(revisions), downgrade=downgrade):
            found.setdefault(seen.plan.fingerprint, seen)
    return tuple(found.values())


def _some_of(
    environment: Environment,
    settings: Settings,
    reading: Reading,
    over: "tuple[Database | None, Catalog]",
    wanted: frozenset[str],
    *,
    downgrade: bool,
) -> Iterator[Preview]:
    (database, catalog), heads = over, reading.heads
    for is_wanted, group in itertools.groupby(reading.steps, key=lambda step: step.revision in wanted):
        steps = tuple(group)
        reached = _heads_after(heads, steps)
        if is_wanted:
            part = msgspec.structs.replace(reading, heads=heads, target=reached, steps=steps, back=())
            before = catalog
            if downgrade:
                part, before = _way_back(part, reading), schema_after(steps, catalog)
            yield preview(environment, part, before, database=database, scratch_url=settings.scratch_url)
        catalog = schema_after(steps, catalog)
        # From here on the database is no longer what a scratch server would have to be a copy of.
        heads, database = reached, None


def _way_back(part: Reading, whole: Reading) -> Reading:
    undone = {step.revision for step in part.steps}
    back = tuple(step for step in whole.back if step.revision in undone)
    return msgspec.structs.replace(part, heads=part.target, target=part.heads, steps=back, direction="downgrade")


def _heads_after(heads: tuple[str, ...], steps: "Iterable[RenderedStep]") -> tuple[str, ...]:
    left = set(heads)
    for step in steps:
        left = (left - set(step.down_revisions)) | {step.revision}
    return tuple(sorted(left))


def _leads_upwards(environment: Environment, start: tuple[str, ...], target: str) -> bool:
    try:
        with loading(environment):
            return bool(steps_between(environment, target, "upgrade", start))
    except MigsafeError:
        return False


def _read(environment: Environment, target: str, **how: Any) -> tuple[Reading, ...]:
    try:
        readings = read_rounds(environment, target, **how)
    except ConnectionFailed:
        # What explains a failed connection takes long to load, and is for nothing where no server is asked.
        from migsafe.situation import connecting

        with connecting():
            raise
    if strangers := [head for reading in readings for head in reading.unknown_heads]:
        raise UsageError(
            f"the database is at {', '.join(strangers)}, which these scripts do not have",
            "Check out the code that has it, or name a range: FROM:TO needs no database.",
        )
    return readings


def _live(reading: Reading) -> "tuple[Database, Catalog]":
    from migsafe.postgres.catalog import read as read_catalog
    from migsafe.postgres.connection import Database, connect, redact

    database = Database.from_parameters(reading.connection or {})
    output.redact_with(lambda text: redact(text, database))
    with connect(database, read_only=True) as connection:
        catalog = msgspec.structs.replace(read_catalog(connection), search_path=reading.search_path)
    return database, catalog

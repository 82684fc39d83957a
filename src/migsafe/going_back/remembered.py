"""The schema as it was before an upgrade, kept in its run directory: what a downgrade is held to afterwards."""

from pathlib import Path

import msgspec
import psycopg

from migsafe import rundir
from migsafe.errors import MigsafeError
from migsafe.going_back.ways_back import record
from migsafe.model.catalog import Catalog
from migsafe.model.checks import CheckResult
from migsafe.model.definitions import Known, Recorded
from migsafe.model.inverse import WayBack
from migsafe.model.plan import Plan
from migsafe.postgres.connection import Database, connect
from migsafe.revisions.read import Reading
from migsafe.revisions.rounds import Round
from migsafe.settings import Settings
from migsafe.situation import Situation
from migsafe.undo.same import differences
from migsafe.undo.ways import ways_back

FILE = "before.schema"
CHECK = "schema-as-before"
_LISTED, _SAID = 20, 5


class Before(msgspec.Struct, frozen=True):
    """A database at `heads` before it was upgraded, and the ways back of the revisions that followed."""

    heads: tuple[str, ...]
    database: str
    version_table: str
    recorded: Recorded
    ways: tuple[WayBack, ...] = ()


def remember(directory: Path, situation: Situation) -> tuple[WayBack, ...]:
    """Keep the schema in `directory`, and return the ways back derived of it; of a downgrade nothing is kept.

    Without it the run goes on: the way back is then the revisions' own alone. Raises OSError for a full disk.
    """
    seen = situation.preview
    if seen.plan.direction == "downgrade":
        return ()
    try:
        with connect(situation.database, read_only=True) as connection:
            recorded = record(connection, situation.reading.search_path)
    except (MigsafeError, psycopg.Error):
        return ()
    ways = ways_back(seen.plan, seen.back, Recorded(seen.before, recorded.known))
    plan = seen.plan
    before = Before(plan.current, situation.database.label, plan.version_table, recorded, ways)
    rundir.write(directory / FILE, msgspec.msgpack.encode(before))
    return ways


def recalled(settings: Settings, database: str, version_table: str) -> tuple[tuple[Path, Before], ...]:
    """What runs on that database remember, newest first; a file that cannot be read is passed over."""
    found = []
    for directory in rundir.directories(settings):
        try:
            before = msgspec.msgpack.decode((directory / FILE).read_bytes(), type=Before)
        except (OSError, msgspec.DecodeError):
            continue
        if rundir.same_database(before.database, database) and before.version_table == version_table:
            found.append((directory, before))
    return tuple(found)


def as_before(situation: Situation, settings: Settings) -> tuple[CheckResult, ...]:
    """Whether the schema after a downgrade is the one that was recorded at the same revision; () of an upgrade."""
    return schema_as_before(situation.preview.plan, settings, situation.reading, situation.database)


def still_as_before(plan: Plan, settings: Settings, reading: Reading, database: Database) -> tuple[CheckResult, ...]:
    """The same, asked again later; () where the database has moved on, which the version table tells."""
    return schema_as_before(plan, settings, reading, database) if set(reading.heads) == set(plan.target) else ()


def schema_as_before(plan: Plan, settings: Settings, reading: Reading, database: Database) -> tuple[CheckResult, ...]:
    """What `as_before` answers, of the `plan` of a run on `database`; `reading` is of that database now."""
    if plan.direction != "downgrade":
        return ()
    known = recalled(settings, database.label, plan.version_table)
    match = next(((path, each) for path, each in known if sorted(each.heads) == sorted(plan.target)), None)
    where = ", ".join(plan.target) or "base"
    if match is None:
        message = f"no run here recorded the schema at {where}: whether it is again as it was is not known"
        remedy = (
            "An upgrade records the schema where it begins, and none began there; `migsafe undo-plan` shows what each "
            "downgrade() leaves."
        )
        return (CheckResult(check=CHECK, status="unknown", message=message, group="verify", remedy=remedy),)
    path, before = match
    with connect(database, read_only=True) as connection:
        now = record(connection, reading.search_path)
    return (_compared(before, now, path, where, _of_others(reading.round)),)


def _of_others(one: Round | None) -> frozenset[str]:
    """The schemas of other tenants, which are where they are."""
    others = one.beside if one is not None else ()
    return frozenset(each.rpartition(".")[0] for each in others) - {one.schema if one is not None else ""}


def _compared(before: Before, now: Recorded, path: Path, where: str, apart: frozenset[str]) -> CheckResult:
    bare = before.version_table.rpartition(".")[2]
    one, other = _without(before.recorded, bare, apart), _without(now, bare, apart)
    differing = differences(one, other, in_order=False)
    if not differing:
        order = " (columns in another order)" if differences(one, other) else ""
        message = f"the schema is the one recorded at {where} by the run {path.name}{order}"
        return CheckResult(check=CHECK, status="passed", message=message, group="verify")
    listed = {str(number): text for number, text in enumerate(differing[:_LISTED], 1)}
    rest = f"; and {len(differing) - _SAID} more" if len(differing) > _SAID else ""
    said = "; ".join(differing[:_SAID]) + rest
    has = "; restore.sh of that run has the database as it was" if (path / "restore.sh").exists() else ""
    return CheckResult(
        check=CHECK,
        status="blocked",
        message=f"the schema is not the one recorded at {where} by the run {path.name}: {said}",
        group="verify",
        remedy=f"Set right what is listed, or take it for right{has}.",
        evidence=listed | ({"more": f"{len(differing) - _LISTED} more"} if len(differing) > _LISTED else {}),
    )


def _without(recorded: Recorded, version_table: str, apart: frozenset[str]) -> Recorded:
    """Leave the version table out (at base it need not be there), and what is in the schemas `apart`."""

    def others(name: str) -> bool:
        schema, *rest = name.split(" ")[-1].split(".")
        return schema not in apart and not any(part.startswith(version_table) for part in rest[:1])

    facts = {name: facts for name, facts in recorded.known.facts.items() if others(name)}
    changes = {
        field: {name: thing for name, thing in getattr(recorded.catalog, field).items() if others(name)}
        for field in ("relations", "columns", "constraints", "indexes")
    }
    catalog: Catalog = msgspec.structs.replace(recorded.catalog, **changes)
    return Recorded(catalog, Known(facts, complete=True))

"""A downgrade over revisions that have no downgrade(): the derived one takes its place, and that is said."""

from collections.abc import Iterable

import msgspec

from migsafe.errors import MigsafeError, RevisionError
from migsafe.going_back.remembered import recalled
from migsafe.going_back.ways_back import of_revision
from migsafe.model.inverse import WayBack
from migsafe.postgres.connection import Database
from migsafe.revisions.config import Environment
from migsafe.revisions.derived import give_downgrade, give_placeholder, without_downgrade
from migsafe.revisions.read import Reading
from migsafe.revisions.traits import way_back
from migsafe.settings import Settings
from migsafe.situation import Asked, read_rounds_for


def read_ways(environment: Environment, settings: Settings, asked: Asked) -> tuple[Reading, ...]:
    """`read_rounds_for`, of a downgrade with what is derived for revisions whose downgrade() is missing or empty.

    An empty one that nothing can be derived for is in `left_alone`, unless its upgrade() leaves nothing to undo either.

    Raises RevisionError where one is missing and cannot be derived.
    """
    lacking = without_downgrade(environment) if asked.direction == "downgrade" else {}
    if not lacking:
        return read_rounds_for(environment, asked)
    missing = {name for name, script in lacking.items() if way_back(script.module) == "missing"}
    for script in lacking.values():
        give_placeholder(script)
    readings = read_rounds_for(environment, asked)
    wanted = dict.fromkeys(step.revision for each in readings for step in each.steps if step.revision in lacking)
    if not wanted:
        return readings
    notes, alone = [], []
    for revision in wanted:
        way, source = _found(environment, settings, revision, readings)
        if way is not None and way.derived != "impossible" and way.commands:
            give_downgrade(lacking[revision], way.commands)
            notes.append(f"{revision} has no downgrade() of its own: the derived one is run ({way.derived}, {source})")
        elif revision in missing:
            raise _no_way(revision, way)
        elif way is None or way.derived == "impossible":
            alone.append((revision, _why(way) or "what its upgrade() did cannot be told"))
    again = read_rounds_for(environment, asked) if notes else readings
    return tuple(
        msgspec.structs.replace(each, notes=(*each.notes, *notes), left_alone=_among(each, alone)) for each in again
    )


def _among(reading: Reading, alone: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    here = {step.revision for step in reading.steps}
    return tuple(each for each in alone if each[0] in here)


def _why(way: WayBack | None) -> str:
    undone = way.undone if way is not None else ()
    why = [f"{each.place}: {each.inverse.because}" for each in undone if each.inverse.kind == "impossible"]
    return "; ".join(dict.fromkeys(why))


def _no_way(revision: str, way: WayBack | None) -> RevisionError:
    """Said before anything is begun: the steps before it would be undone, and then there is no way on."""
    why = _why(way)
    said = f": {why}" if why else ""
    return RevisionError(
        f"revision {revision} has no downgrade(), and none can be derived{said}; nothing was changed",
        f"Write it by hand: `migsafe undo-plan {revision}` shows what is known. Or put back the backup of the run that "
        "brought it: restore.sh in its directory (`migsafe runs`).",
    )


def _found(
    environment: Environment, settings: Settings, revision: str, readings: Iterable[Reading]
) -> tuple[WayBack | None, str]:
    """As it was derived before the upgrade, from the live schema; else of what the revisions before say."""
    for reading in readings:
        label = Database.from_parameters(reading.connection or {}).label
        for path, before in recalled(settings, label, reading.version_table):
            for way in before.ways:
                if way.revision == revision:
                    return way, f"from the schema that the run {path.name} recorded"
    try:
        ways = of_revision(environment, settings, revision)
    except MigsafeError:
        return None, ""
    return (ways[0] if ways else None), "from what the revisions before it say"

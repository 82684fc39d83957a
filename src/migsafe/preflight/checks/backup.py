"""Is there, or can there be, something to restore from?"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from migsafe.errors import ToolMissing
from migsafe.model.checks import CheckResult, Status
from migsafe.model.plan import Plan
from migsafe.postgres.binaries import find
from migsafe.postgres.queries import query
from migsafe.postgres.size import database_size
from migsafe.preflight import evidence
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask, reading
from migsafe.preflight.touched import Moment, locks, moments
from migsafe.preflight.wording import duration, size, some
from migsafe.settings import Settings

CHECK = check(
    __name__,
    group="backup",
    why="What a migration deletes, only a backup brings back; one that was never read to its end may be half of one.",
    remedy="Give `--backup dump`, or backup_evidence in the settings: the path of a dump that pg_dump made.",
)


def run(
    *, connection: Connection, plan: Plan, settings: Settings, backup_kind: str, **_: object
) -> Iterator[CheckResult]:
    if backup_kind == "dump":
        yield from _dump(connection, settings)
    elif backup_kind == "evidence":
        yield from _evidence(connection, plan, settings)
    else:
        yield _none(plan)


def _dump(connection: Connection, settings: Settings) -> Iterator[CheckResult]:
    """pg_dump and pg_restore are there, the role may read everything, and the dump has room."""
    version = connection.info.server_version // 10000
    try:
        programs = [str(find(name, version)) for name in ("pg_dump", "pg_restore")]
    except ToolMissing as error:
        yield answer(CHECK, "blocked", f"No dump can be made: {error.message}.", remedy=error.remedy)
        return
    unreadable = ask(connection, "preflight_unreadable")
    yield _stopped(unreadable, connection.info.user) if unreadable else _room(connection, settings, programs)


def _stopped(rows: list[Row], role: str) -> CheckResult:
    names = some(row["relation"] for row in rows)
    grants = [] if all(row["filtered"] for row in rows) else [f"GRANT pg_read_all_data TO {role};"]
    grants += [f"ALTER ROLE {role} BYPASSRLS;"] if any(row["filtered"] for row in rows) else []
    return answer(
        CHECK,
        "blocked",
        f"pg_dump would stop: this role may not read every row of {names}.",
        subject=rows[0]["relation"],
        remedy=f"{' '.join(grants)} Or run migsafe as the owner of the tables.",
        sql=query("preflight_unreadable"),
    )


def _room(connection: Connection, settings: Settings, programs: list[str]) -> CheckResult:
    with reading(connection):
        needed = database_size(connection)
    folder = Path(settings.directory) / settings.runs
    place = next(each for each in (folder, *folder.resolve().parents) if each.exists())
    found = os.statvfs(place)
    free = found.f_bavail * found.f_frsize
    shown = {"database": str(needed), "free": str(free), "pg_dump": programs[0]}
    if free < needed:
        return answer(
            CHECK,
            "blocked",
            f"The database has {size(needed)}, and {place} has {size(free)} free: the dump may not fit.",
            remedy=f"Free {size(needed - free)} there, set runs to a folder on a larger disk, or --backup evidence.",
            evidence=shown,
        )
    message = f"{programs[0]} can dump the database; {size(free)} are free at {place} for at most {size(needed)}."
    return answer(CHECK, "passed", message, evidence=shown)


def _evidence(connection: Connection, plan: Plan, settings: Settings) -> Iterator[CheckResult]:
    if settings.backup_evidence is None:
        yield answer(CHECK, "blocked", "No backup was named: backup_evidence is not set.")
        return
    path = Path(settings.directory) / settings.backup_evidence
    try:
        age = time.time() - evidence.modified(path)
        yield _aged(path, age, settings)
        yield _read(connection, plan, path)
    except FileNotFoundError:
        yield answer(CHECK, "blocked", f"There is no backup at {path}.", subject=str(path))
    except PermissionError:
        remedy = f"Let the user that runs migsafe read {path}."
        yield answer(CHECK, "unknown", f"{path} may not be read.", subject=str(path), remedy=remedy)
    except ToolMissing as error:
        message = f"{path} cannot be read back: {error.message}."
        yield answer(CHECK, "unknown", message, subject=str(path), remedy=error.remedy)


def _aged(path: Path, age: float, settings: Settings) -> CheckResult:
    limit = duration(settings.backup_max_age)
    shown = {"age": f"{age:.0f} s", "backup_max_age": f"{settings.backup_max_age:.0f} s"}
    if age > settings.backup_max_age:
        message = f"{path} is {duration(age)} old; backup_max_age is {limit}."
        remedy = "Make a new backup, or raise backup_max_age if losing that much is agreed."
        return answer(CHECK, "blocked", message, subject=str(path), remedy=remedy, evidence=shown)
    return answer(CHECK, "passed", f"{path} is {duration(age)} old, within {limit}.", subject=str(path), evidence=shown)


def _read(connection: Connection, plan: Plan, path: Path) -> CheckResult:
    wanted = _tables(connection, plan)
    found = evidence.read(path, connection.info.server_version // 10000, wanted)
    missing = sorted(".".join(table) for table in wanted - found.tables)
    if found.unreadable:
        remedy = "Decompress it, or restore it somewhere and give that dump; then run preflight again."
        return _about(path, "unknown", f"{path} was not read: {found.fault}.", remedy)
    if found.fault is not None:
        return _about(path, "blocked", f"{path} ({found.kind}) is damaged: {found.fault}.", "Make a new backup.")
    if missing:
        message = f"{path} ({found.kind}) is whole, but has no rows of {some(missing)}."
        return _about(path, "blocked", message, "Make a backup that has these tables with their data.")
    if found.database not in (None, connection.info.dbname):
        message = (
            f"{path} ({found.kind}) is whole, and is a dump of database {found.database}, not {connection.info.dbname}."
        )
        return _about(path, "warned", message, "Make sure that it is the backup of this database.")
    return _about(path, "passed", f"{path} ({found.kind}) was read to its end; it has every touched table.", None)


def _about(path: Path, status: Status, message: str, remedy: str | None) -> CheckResult:
    return answer(CHECK, status, message, subject=str(path), remedy=remedy)


def _tables(connection: Connection, plan: Plan) -> frozenset[evidence.Table]:
    """Tables whose rows the plan could harm: all that it locks against writers, or writes to."""
    names = {lock.relation for lock in locks(plan) if lock.mode.blocks_writes}
    names |= {
        name for moment in moments(plan) for write in moment.effects.writes if (name := moment.now(write.relation))
    }
    rows = ask(connection, "preflight_tables", relations=sorted(names))
    return frozenset((row["schema"], row["name"]) for row in rows)


def _none(plan: Plan) -> CheckResult:
    lost = [label for moment in moments(plan) for label in _destroyed(moment)]
    if lost:
        message = f"There will be no backup, and the plan destroys {some(lost)}."
        return answer(CHECK, "warned", message, evidence={"destroys": ", ".join(lost)})
    return answer(CHECK, "warned", "There will be no backup; the plan is not known to destroy anything.")


def _destroyed(moment: Moment) -> list[str]:
    """What is on the server now and will be gone; what the plan itself makes does not count."""
    gone = moment.effects.destroys
    return [f"{each.kind} {each.label}" for each in gone if moment.now(each.of or each.name) is not None]

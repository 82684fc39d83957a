"""Is there, or can there be, something to restore from?"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from migsafe import rundir
from migsafe.errors import ToolMissing
from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.postgres.binaries import find
from migsafe.postgres.queries import query
from migsafe.postgres.size import database_size
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask, reading
from migsafe.preflight.backups.dumped import from_dump, read_about
from migsafe.preflight.backups.listed import cluster, from_command, from_file
from migsafe.preflight.backups.recognise import is_text_of_a_tool
from migsafe.preflight.touched import Moment, moments
from migsafe.preflight.wording import size, some
from migsafe.settings import Settings

CHECK = check(
    __name__,
    group="backup",
    why="What a migration deletes, only a backup brings back; one that was never read to its end may be half of one.",
    remedy="Give `--backup dump`, or in the settings backup_evidence (a dump of pg_dump, or the JSON of pgBackRest, "
    "Barman or WAL-G) or backup_command, which prints such JSON.",
    privilege="EXECUTE ON FUNCTION pg_control_system()",
)


def run(
    *, connection: Connection, plan: Plan, settings: Settings, backup_kind: str, **_: object
) -> Iterator[CheckResult]:
    if backup_kind == "dump":
        results = _dump(connection, settings)
    elif backup_kind == "evidence":
        results = _evidence(connection, plan, settings)
    else:
        results = iter((_none(plan, settings),))
    for result in results:
        required = settings.backup_required and result.status == "unknown"
        yield msgspec.structs.replace(result, status="blocked") if required else result


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
    if settings.backup_command is not None:
        yield from from_command(CHECK, connection, settings)
    if settings.backup_evidence is not None:
        yield from _at(Path(settings.directory) / settings.backup_evidence, connection, plan, settings)
    elif settings.backup_command is None:
        own = _own_dump(connection, settings)
        if own is not None:
            yield from _at(own, connection, plan, settings)
        else:
            where = rundir.folder(settings)
            yield answer(
                CHECK,
                "blocked",
                f"No backup was named: backup_evidence is not set, and {where} has no recent dump of this database.",
            )


def _at(path: Path, connection: Connection, plan: Plan, settings: Settings) -> Iterator[CheckResult]:
    """What is to be said of the file or folder that was named."""
    try:
        if not path.is_dir() and _is_text(path):
            yield from from_file(CHECK, path, connection, settings)
        else:
            yield from from_dump(CHECK, path, connection, plan, settings)
    except FileNotFoundError:
        yield answer(CHECK, "blocked", f"There is no backup at {path}.", subject=str(path))
    except PermissionError:
        remedy = f"Let the user that runs migsafe read {path}."
        yield answer(CHECK, "unknown", f"{path} may not be read.", subject=str(path), remedy=remedy)
    except ToolMissing as error:
        message = f"{path} cannot be read back: {error.message}."
        yield answer(CHECK, "unknown", message, subject=str(path), remedy=error.remedy)


def _is_text(path: Path) -> bool:
    with path.open("rb") as file:
        return is_text_of_a_tool(file.read(64))


def _own_dump(connection: Connection, settings: Settings) -> Path | None:
    """The newest dump that migsafe itself made of this database, within backup_max_age.

    Of this cluster too, as far as this role may see which one that is.
    """
    identifier = cluster(connection).identifier
    for folder in rundir.directories(settings):
        about = read_about(folder / rundir.BACKUP)
        if about is None or about.database != connection.info.dbname:
            continue
        same = identifier in (None, about.system_identifier)
        if same and time.time() - about.ended.timestamp() <= settings.backup_max_age:
            return folder / rundir.BACKUP
    return None


def _none(plan: Plan, settings: Settings) -> CheckResult:
    lost = [label for moment in moments(plan) for label in _destroyed(moment)]
    if settings.backup_required:
        return answer(CHECK, "blocked", "There will be no backup, and backup_required is set.")
    if lost:
        message = f"There will be no backup, and the plan destroys {some(lost)}."
        return answer(CHECK, "warned", message, evidence={"destroys": ", ".join(lost)})
    return answer(CHECK, "warned", "There will be no backup; the plan is not known to destroy anything.")


def _destroyed(moment: Moment) -> list[str]:
    """What is on the server now and will be gone; what the plan itself makes does not count."""
    gone = moment.effects.destroys
    return [f"{each.kind} {each.label}" for each in gone if moment.now(each.of or each.name) is not None]

"""Whether a dump is good enough: read to its end, recent, of this database, with the rows of the tables at stake."""

import datetime
import re
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from migsafe.model.checks import Check, CheckResult, Status
from migsafe.model.plan import Plan
from migsafe.preflight import evidence
from migsafe.preflight.answer import answer
from migsafe.preflight.asking import Connection, ask
from migsafe.preflight.backups.listed import cluster
from migsafe.preflight.touched import locks, moments
from migsafe.preflight.wording import duration, size, some
from migsafe.settings import Settings

ABOUT = "backup.json"
# The header has the local time of who made the dump, and not where that was.
_ZONES = 14 * 3600.0
_HALF = 0.5


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a dump of migsafe's own says of itself: `ended` in ISO 8601, `bytes` by file."""

    database: str
    ended: datetime.datetime
    system_identifier: str | None = None
    bytes: dict[str, int] = {}


def from_dump(
    check: Check, path: Path, connection: Connection, plan: Plan, settings: Settings
) -> Iterator[CheckResult]:
    """Answers about the dump at `path`. Raises OSError, and ToolMissing without pg_restore."""
    about = read_about(path)
    written = evidence.modified(path)
    yield _aged(check, path, time.time() - (min(written, about.ended.timestamp()) if about else written), settings)
    if about is not None:
        yield from _own(check, path, about, connection)
    yield from _content(check, connection, plan, path, settings)
    yield from _shrunk(check, path)


def read_about(path: Path) -> About | None:
    """What `backup.json` in the folder says, None when there is none that can be read."""
    try:
        return msgspec.json.decode((path / ABOUT).read_bytes(), type=About)
    except (OSError, msgspec.DecodeError):
        return None


def _aged(check: Check, path: Path, age: float, settings: Settings) -> CheckResult:
    limit = duration(settings.backup_max_age)
    shown = {"age": f"{age:.0f} s", "backup_max_age": f"{settings.backup_max_age:.0f} s"}
    if age > settings.backup_max_age:
        message = f"{path} is {duration(age)} old; backup_max_age is {limit}."
        remedy = "Make a new backup, or raise backup_max_age if losing that much is agreed."
        return answer(check, "blocked", message, subject=str(path), remedy=remedy, evidence=shown)
    return answer(check, "passed", f"{path} is {duration(age)} old, within {limit}.", subject=str(path), evidence=shown)


def _own(check: Check, path: Path, about: About, connection: Connection) -> Iterator[CheckResult]:
    """What only migsafe's own dumps tell: their cluster, and how long each file was."""
    now = cluster(connection).identifier
    if now is None:
        message = f"{path} is of cluster {about.system_identifier}; which one this is, this role may not see."
        grant = f"GRANT EXECUTE ON FUNCTION pg_control_system() TO {connection.info.user};"
        yield _about(check, path, "unknown", message, grant)
    elif about.system_identifier not in (None, now):
        message = f"{path} is of cluster {about.system_identifier}, and this is {now}."
        yield _about(check, path, "blocked", message, "Name a backup of this cluster.")
    for name, count in about.bytes.items():
        found = (path / name).stat().st_size if (path / name).exists() else None
        if found != count and name != ABOUT:
            said = "is missing" if found is None else f"has {found} bytes instead of {count}"
            yield _about(check, path, "blocked", f"{path} is damaged: {name} {said}.", "Make a new backup.")


def _content(check: Check, connection: Connection, plan: Plan, path: Path, settings: Settings) -> Iterator[CheckResult]:
    wanted = _tables(connection, plan)
    server = connection.info.server_version // 10000
    found = evidence.read(path, server, wanted)
    missing = sorted(".".join(table) for table in wanted - found.tables)
    if found.unreadable:
        remedy = "Decompress it, or restore it somewhere and give that dump; then run preflight again."
        yield _about(check, path, "unknown", f"{path} was not read: {found.fault}.", remedy)
    elif found.fault is not None:
        yield _about(check, path, "blocked", f"{path} ({found.kind}) is damaged: {found.fault}.", "Make a new backup.")
    elif missing:
        message = f"{path} ({found.kind}) is whole, but has no rows of {some(missing)}."
        yield _about(check, path, "blocked", message, "Make a backup that has these tables with their data.")
    else:
        doubts = [*_foreign(found, connection, server), *_older_inside(found, settings)]
        for status, doubt, remedy in doubts:
            yield _about(check, path, status, f"{path} ({found.kind}) is whole, {doubt}.", remedy)
        if not doubts:
            message = (
                f"{path} ({found.kind}) was read to its end and has the rows of {some(_names(wanted)) or 'no table'}."
            )
            yield _about(check, path, "passed", message)


def _foreign(found: evidence.Evidence, connection: Connection, server: int) -> Iterator[tuple[Status, str, str]]:
    """A dump has no system identifier: database and version are all that binds it."""
    if found.database not in (None, connection.info.dbname):
        message = f"and is a dump of database {found.database}, not {connection.info.dbname}"
        yield "warned", message, "Is this the backup that belongs to this database?"
    if found.version is not None and found.version != server:
        message = f"and was dumped from PostgreSQL {found.version}, and this server is {server}"
        yield "warned", message, "Was it taken before the server was upgraded, or is it of another one?"


def _older_inside(found: evidence.Evidence, settings: Settings) -> Iterator[tuple[Status, str, str]]:
    """A copy is as new as the copying; the header of an archive has when it was made."""
    age = time.time() - found.created - _ZONES if found.created is not None else 0.0
    if age > settings.backup_max_age:
        limit = duration(settings.backup_max_age)
        message = f"and its header says that it was made at least {duration(age)} ago; backup_max_age is {limit}"
        yield "blocked", message, "The file is a later copy of an old dump: make a new backup."


def _shrunk(check: Check, path: Path) -> Iterator[CheckResult]:
    """A dump much smaller than the one before it in the same folder has lost something: names differ in numbers."""
    pattern = re.sub(r"\d+", "#", path.name)
    alike = (each for each in path.resolve().parent.iterdir() if re.sub(r"\d+", "#", each.name) == pattern)
    written = evidence.modified(path)
    earlier = [each for each in alike if each.name != path.name and evidence.modified(each) < written]
    if earlier:
        last = max(earlier, key=evidence.modified)
        before, now = evidence.length(last), evidence.length(path)
        if now < before * _HALF:
            message = f"{path} has {size(now)}; {last.name}, the one before it, has {size(before)}."
            yield _about(check, path, "warned", message, "Was so much deleted, or is it a dump of something else?")


def _about(check: Check, path: Path, status: Status, message: str, remedy: str | None = None) -> CheckResult:
    return answer(check, status, message, subject=str(path), remedy=remedy)


def _names(tables: frozenset[evidence.Table]) -> list[str]:
    return sorted(".".join(table) for table in tables)


def _tables(connection: Connection, plan: Plan) -> frozenset[evidence.Table]:
    """Tables whose rows the plan could harm: all that it locks against writers, or writes to."""
    names = {lock.relation for lock in locks(plan) if lock.mode.blocks_writes}
    names |= {
        name for moment in moments(plan) for write in moment.effects.writes if (name := moment.now(write.relation))
    }
    rows = ask(connection, "preflight_tables", relations=sorted(names))
    return frozenset((row["schema"], row["name"]) for row in rows)

"""Does what the plan writes fit on the server's disks?"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from psycopg import errors

from migsafe.model.catalog import Catalog
from migsafe.model.checks import CheckResult, Status
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.postgres.size import database_size
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, reading
from migsafe.preflight.free import FileSystem, Free, free
from migsafe.preflight.providers import recognised
from migsafe.preflight.space import WAL, Item, Space, needed
from migsafe.preflight.wording import size, some
from migsafe.settings import Settings

CHECK = check(
    __name__,
    group="space",
    why="A rewrite needs the table and its indexes a second time, an index build its sort files, and both their WAL; "
    "a full disk stops the server, not only the migration.",
    remedy="Free space or enlarge the disk before the upgrade.",
    privilege="pg_read_all_settings",
)

# Estimates are estimates: rows come while the build runs.
MARGIN = 1.3
# What should remain of a file system: from here on monitoring wakes people up.
RESERVE = 0.1


def run(
    *, connection: Connection, plan: Plan, settings: Settings, catalog: Catalog, backup_kind: str, **_: object
) -> Iterator[CheckResult]:
    space = needed(connection, plan, catalog)
    if space.missing:
        message = f"The plan writes much to {some(space.missing)}, which is not there to be measured."
        yield answer(CHECK, "unknown", message, remedy="Is an earlier revision missing? Otherwise the revision fails.")
    if space.items:
        known = _in_its_words(_free(connection, settings, space), connection, settings)
        if backup_kind == "dump":
            space = _with_dump(connection, settings, space, known)
        yield judge(space, known, settings)


def _free(connection: Connection, settings: Settings, space: Space) -> Free:
    try:
        return free(connection, settings, space.places)
    except errors.InsufficientPrivilege:
        return Free(
            (),
            "data_directory is hidden from this role",
            f"GRANT {CHECK.privilege} TO {connection.info.user}; if the server runs on this machine; otherwise set "
            "disk_command (a command that prints the free bytes), prometheus_url or declared_free.",
        )


def _in_its_words(known: Free, connection: Connection, settings: Settings) -> Free:
    """A managed service has its own place where the free bytes are to be read."""
    service = recognised(connection, settings) if not known.systems else None
    return known if service is None else msgspec.structs.replace(known, remedy=service.provider.disk)


def _with_dump(connection: Connection, settings: Settings, space: Space, known: Free) -> Space:
    """`space` with the dump before the run, where that goes to a disk of the server's."""
    folder = Path(settings.directory) / settings.runs
    device = next(each for each in (folder, *folder.resolve().parents) if each.exists()).stat().st_dev
    place = next((min(each.holds or {WAL}) for each in known.systems if each.device == device), None)
    if place is None:
        return space
    with reading(connection):
        bytes_ = database_size(connection)
    dump = Item(f"dump into {folder}, on the same disk", bytes_, placed=((place, bytes_),))
    return msgspec.structs.replace(space, items=(*space.items, dump))


def judge(space: Space, known: Free, settings: Settings) -> CheckResult:
    """The answer for what is needed and what is free: where that is the worst, if there are several file systems."""
    if not known.systems:
        message = f"The plan needs up to {_of(space.items, None, space)}; what is free is not known: {known.source}."
        return _said("unknown", message, known, space.bytes, None, remedy=known.remedy)
    answers = [_judge(space, known, system, settings) for system in known.systems]
    return min(answers, key=lambda each: ("blocked", "warned", "passed").index(each.status))


def _judge(space: Space, known: Free, system: FileSystem, settings: Settings) -> CheckResult:
    needs = _bytes(space.items, system)
    wanted = round(needs * MARGIN) + settings.min_free
    held = round(_bytes(space.held, system) * MARGIN)
    left = system.available - round(needs * MARGIN)
    plan_needs = f"The plan needs up to {_of(space.items, system, space)}{_where(space, known, system)}"
    available, rule = size(system.available), f"{size(wanted)} with a margin of 30 % and min_free"
    if system.available < wanted:
        message = f"{plan_needs}; {available} are free, less than {rule}."
        remedy = f"Free or add {size(wanted - system.available)} on the server's disk{_where(space, known, system)}."
        return _said("blocked", message, known, needs, system, wanted, remedy)
    if system.available < wanted + held:
        kept = some(f"{each.what} ({size(each.wal)})" for each in space.held)
        message = f"{plan_needs}; {available} are free, which is less than that together with {kept}."
        remedy = "That WAL is on the disk already, and grows until it is taken away: " + _take_away(space.held)
        return _said("warned", message, known, needs, system, wanted, remedy)
    if system.total is not None and left < system.total * RESERVE:
        message = f"{plan_needs}; {available} are free, and less than 10 % of {size(system.total)} may remain."
        return _said("warned", message, known, needs, system, wanted)
    return _said("passed", f"{plan_needs}; {available} are free, {rule} are wanted.", known, needs, system, wanted)


def _take_away(held: tuple[Item, ...]) -> str:
    slots = [each.what.rpartition(" ")[2] for each in held if "slot" in each.what]
    if not slots:
        return "see wal-archiving."
    drop = f"SELECT pg_drop_replication_slot('{slots[0]}');"
    return f"let the reader of {some(slots)} catch up, or where nobody reads it any more: {drop}"


def _bytes(items: Iterable[Item], system: FileSystem | None) -> int:
    if system is None or system.holds is None:
        return sum(item.bytes for item in items)
    placed = (pair for item in items for pair in (item.placed or ((WAL, item.wal),)))
    return sum(count for place, count in placed if place in (system.holds or ()))


def _of(items: tuple[Item, ...], system: FileSystem | None, space: Space) -> str:
    """`3.1 GB (rewrite of public.orders 3.1 GB)`, and by tablespace where more than one is written to."""
    parts = ((item.what, _bytes((item,), system)) for item in items)
    listed = some((f"{what} {size(count)}" for what, count in parts if count), at_most=4)
    names = {place: space.tablespaces.get(place, "") for place in space.places if place != WAL}
    by_place = ""
    if len(names) > 1 and system is None:
        each = (f"{name} {size(_in(items, place))}" for place, name in names.items())
        by_place = f"; by tablespace: {', '.join(each)}, WAL {size(_in(items, WAL))}"
    return f"{size(_bytes(items, system))} ({listed}{by_place})"


def _in(items: Iterable[Item], place: int) -> int:
    return sum(count for item in items for where, count in item.placed if where == place)


def _where(space: Space, known: Free, system: FileSystem) -> str:
    """Which of several file systems."""
    if len(known.systems) < 2 or system.holds is None:
        return ""
    names = ("WAL" if place == WAL else f"tablespace {space.tablespaces.get(place, place)}" for place in system.holds)
    return f" where {' and '.join(sorted(names))} is"


def _said(
    status: Status,
    message: str,
    known: Free,
    needs: int,
    system: FileSystem | None,
    wanted: int | None = None,
    remedy: str | None = None,
) -> CheckResult:
    shown = {"needed": str(needs), "free": str(system.available if system else None), "from": known.source}
    if wanted is not None:
        shown["wanted with margin"] = str(wanted)
    return answer(CHECK, status, message, remedy=remedy, evidence=shown, sql=query("preflight_sizes"))

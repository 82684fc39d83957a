"""How many bytes a plan takes on the server's disks before it gives any back."""

from collections.abc import Iterable

import msgspec

from migsafe.model.catalog import Catalog, Index
from migsafe.model.effects import Build
from migsafe.model.plan import Plan
from migsafe.preflight.asking import Connection, ask
from migsafe.preflight.touched import Moment, moments

# Measured on 15 and 18 with a table of 79 MB and a key of 11 MB: a rewrite wrote 103 MB of WAL, an index build 0.9 of
# the index, an UPDATE of every row 260 MB, and doubled table and indexes.
REWRITE_WAL = 103 / 90
BUILD_WAL = 0.9
UPDATE_WAL = 260 / 90
# A build sorts in temporary files about as large as the index.
SORT = 1.0
# Item pointer, index tuple header with alignment, pages filled to 90 % (nbtree.h).
TUPLE_OVERHEAD = 4 + 12
FILL = 0.9

# Where WAL is, beside the oids of tablespaces.
WAL = 0

Placed = tuple[tuple[int, int], ...]


class Item(msgspec.Struct, frozen=True):
    """What one statement takes: `files` for new data files, `temporary` for sorting, `wal`, all in bytes.

    `placed` is the same by place: (oid of a tablespace, or WAL, bytes).
    """

    what: str
    files: int
    temporary: int = 0
    wal: int = 0
    placed: Placed = ()

    @property
    def bytes(self) -> int:
        return self.files + self.temporary + self.wal


class Space(msgspec.Struct, frozen=True):
    """What a plan takes at most. `tablespaces` are names by oid; `missing` relations without a size.

    `held` is WAL that is kept already, for slots that lag and for the archive: it is on the disk now, and grows.
    """

    items: tuple[Item, ...] = ()
    tablespaces: dict[int, str] = {}
    missing: tuple[str, ...] = ()
    held: tuple[Item, ...] = ()

    @property
    def bytes(self) -> int:
        return sum(item.bytes for item in self.items)

    @property
    def places(self) -> tuple[int, ...]:
        """Where the plan writes."""
        return tuple(sorted({place for item in self.items for place, _ in item.placed}))


class Sizes(msgspec.Struct, frozen=True):
    """A relation on disk: `table` with its TOAST and `indexes`, bytes by tablespace; `rows` None if never analysed."""

    table: dict[int, int]
    indexes: dict[int, int]
    rows: float | None

    @property
    def total(self) -> dict[int, int]:
        return {place: self.table[place] + self.indexes[place] for place in self.table}


class _Disk(msgspec.Struct, frozen=True):
    """Sizes by relation, and the tablespaces for new files and for temporary ones."""

    sizes: dict[str, Sizes]
    default: int
    temporary: int


def needed(connection: Connection, plan: Plan, catalog: Catalog) -> Space:
    """What rewrites, index builds and updates of whole tables take, added up over the plan.

    Old files go at commit and WAL with time; adding up is what a slot or a slow archive would make of it.
    """
    work = [moment for moment in moments(plan) if _writes_much(moment)]
    names = {name for moment in work for name in _relations(moment)}
    if not names:
        return Space()
    sizes = _sizes(connection, names)
    spaces = ask(connection, "preflight_tablespaces")
    disk = _Disk(
        sizes,
        default=next(row["oid"] for row in spaces if row["is_default"]),
        temporary=next(row["oid"] for row in spaces if row["is_temporary"]),
    )
    items = tuple(item for moment in work for item in _items(connection, moment, disk, catalog))
    indexes = {build.index for moment in work for build in moment.effects.builds}
    missing = tuple(sorted(names - set(sizes) - indexes))
    held = tuple(_held(connection)) if items else ()
    return Space(items, {row["oid"]: row["name"] for row in spaces}, missing, held)


def _sizes(connection: Connection, names: Iterable[str]) -> dict[str, Sizes]:
    found: dict[str, Sizes] = {}
    for row in ask(connection, "preflight_sizes", relations=sorted(names)):
        sizes = found.setdefault(row["relation"], Sizes({}, {}, row["rows"]))
        sizes.table[row["tablespace"]] = row["bytes"]
        sizes.indexes[row["tablespace"]] = row["index_bytes"]
    return found


def _held(connection: Connection) -> Iterable[Item]:
    for row in ask(connection, "preflight_held_wal"):
        if row["bytes"]:
            state = "active" if row["active"] else "inactive"
            yield Item(f"WAL held by the {state} slot {row['slot']}", 0, wal=row["bytes"])
    row = ask(connection, "preflight_archiving")[0]
    behind = behind_archive(row)
    if behind:
        yield Item("WAL not archived yet", 0, wal=behind * row["segment_size"])


def behind_archive(row: dict[str, object]) -> int | None:
    """Segments between the last one archived and the one being written; None where that cannot be told."""
    if row["mode"] == "off" or row["current"] is None:
        return None
    return segments_between(str(row["last"] or ""), str(row["current"]), int(str(row["segment_size"])))


def segments_between(old: str, new: str, segment_size: int) -> int | None:
    """How many WAL segments of one timeline lie from `old` to `new`; None for other timelines, or what is no segment.

    A name is 24 hexadecimal digits: timeline, then log and segment of 4 GB together (xlog_internal.h).
    """
    try:
        numbers = [
            (int(name[:8], 16), int(name[8:16], 16) * (2**32 // segment_size) + int(name[16:24], 16))
            for name in (old, new)
            if len(name) >= 24
        ]
    except ValueError:
        return None
    if len(numbers) < 2 or numbers[0][0] != numbers[1][0]:
        return None
    return numbers[1][1] - numbers[0][1]


def _writes_much(moment: Moment) -> bool:
    effects = moment.effects
    return bool(effects.rewrites or effects.builds or any(write.whole for write in effects.writes))


def _relations(moment: Moment) -> set[str]:
    """Names of now of what is rewritten, indexed or updated, and of indexes that are built anew."""
    effects = moment.effects
    found = {moment.now(name) for name in effects.rewrites}
    found |= {moment.now(name) for build in effects.builds for name in (build.table, build.index)}
    found |= {moment.now(write.relation) for write in effects.writes if write.whole}
    return {name for name in found if name is not None}


def _items(connection: Connection, moment: Moment, disk: _Disk, catalog: Catalog) -> list[Item]:
    effects, items = moment.effects, []
    rewritten = _without_parts([moment.now(name) for name in effects.rewrites], catalog)
    for name in (each for each in rewritten if each in disk.sizes):
        items.append(_written(f"rewrite of {name}", disk.sizes[name], REWRITE_WAL))
    tables = _without_parts([moment.now(build.table) for build in effects.builds], catalog)
    for build in effects.builds:
        table = moment.now(build.table)
        if table in disk.sizes and table in tables and build.table not in effects.rewrites:
            items.append(_build(connection, build, moment, disk))
    for write in effects.writes:
        updated = moment.now(write.relation) or ""
        if write.whole and write.command == "UPDATE" and updated in disk.sizes:
            items.append(_written(f"update of every row of {updated}", disk.sizes[updated], UPDATE_WAL))
    return items


def _without_parts(names: list[str | None], catalog: Catalog) -> list[str]:
    """Each relation once; a partition whose parent is there is in the parent's size."""
    known = dict.fromkeys(name for name in names if name is not None)
    relations = catalog.relations
    return [
        name for name in known if not (name in relations and any(parent in known for parent in relations[name].parents))
    ]


def _written(what: str, sizes: Sizes, wal_factor: float) -> Item:
    """Table and indexes once more, each where it is."""
    files = sum(sizes.total.values())
    wal = round(files * wal_factor)
    return Item(what, files, wal=wal, placed=(*sizes.total.items(), (WAL, wal)))


def _build(connection: Connection, build: Build, moment: Moment, disk: _Disk) -> Item:
    size, place = _index_size(connection, build, moment, disk.sizes), disk.default
    if build.index in disk.sizes:
        place = next(iter(disk.sizes[build.index].table))
    temporary, wal = round(size * SORT), round(size * BUILD_WAL)
    placed = ((place, size), (disk.temporary, temporary), (WAL, wal))
    return Item(f"build of {build.index}", size, temporary, wal, placed)


def _index_size(connection: Connection, build: Build, moment: Moment, sizes: dict[str, Sizes]) -> int:
    """The size of the index as it is, as its columns' statistics say, or at most that of its table with TOAST."""
    if build.index in sizes:
        return sum(sizes[build.index].table.values())
    name = moment.now(build.table) or ""
    table = sizes[name]
    made = next((each for each in moment.effects.creates if isinstance(each, Index) and each.name == build.index), None)
    bound = sum(table.table.values())
    if made is None or build.method != "btree" or None in made.columns or table.rows is None:
        return bound
    columns = [name for name in (*made.columns, *made.included) if name is not None]
    widths = ask(connection, "preflight_widths", relation=name, columns=columns)
    if len(widths) < len(set(columns)):
        return bound
    width: float = sum(row["width"] for row in widths) + TUPLE_OVERHEAD
    return min(round(table.rows * width / FILL), bound)

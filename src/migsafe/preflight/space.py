"""How many bytes a plan takes on the server's disk before it gives any back."""

import msgspec

from migsafe.model.catalog import Catalog, Index
from migsafe.model.effects import Build
from migsafe.model.plan import Plan
from migsafe.preflight.asking import Connection, Row, ask
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


class Item(msgspec.Struct, frozen=True):
    """What one statement takes: `files` for new data files, `temporary` for sorting, `wal`, all in bytes."""

    what: str
    files: int
    temporary: int = 0
    wal: int = 0

    @property
    def bytes(self) -> int:
        return self.files + self.temporary + self.wal


class Space(msgspec.Struct, frozen=True):
    """What a plan takes at most. `tablespaces` are oids, 0 the default one; `missing` relations without a size."""

    items: tuple[Item, ...] = ()
    tablespaces: tuple[int, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        return sum(item.bytes for item in self.items)


def needed(connection: Connection, plan: Plan, catalog: Catalog) -> Space:
    """What rewrites, index builds and updates of whole tables take, added up over the plan.

    Old files go at commit and WAL with time; adding up is what a slot or a slow archive would make of it.
    """
    work = [moment for moment in moments(plan) if _writes_much(moment)]
    names = {name for moment in work for name in _relations(moment)}
    if not names:
        return Space()
    rows = {row["relation"]: row for row in ask(connection, "preflight_sizes", relations=sorted(names))}
    items = tuple(item for moment in work for item in _items(connection, moment, rows, catalog))
    tablespaces = sorted({oid for row in rows.values() for oid in row["tablespaces"]})
    indexes = {build.index for moment in work for build in moment.effects.builds}
    return Space(items, tuple(tablespaces), tuple(sorted(names - set(rows) - indexes)))


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


def _items(connection: Connection, moment: Moment, rows: dict[str, Row], catalog: Catalog) -> list[Item]:
    effects, items = moment.effects, []
    rewritten = _without_parts([moment.now(name) for name in effects.rewrites], catalog)
    for row in (rows[name] for name in rewritten if name in rows):
        total = row["bytes"] + row["index_bytes"]
        items.append(Item(f"rewrite of {row['relation']}", total, wal=round(total * REWRITE_WAL)))
    tables = _without_parts([moment.now(build.table) for build in effects.builds], catalog)
    for build in effects.builds:
        table = moment.now(build.table)
        if table in rows and table in tables and build.table not in effects.rewrites:
            items.append(_build(build, _index_size(connection, build, moment, rows)))
    for write in effects.writes:
        row_ = rows.get(moment.now(write.relation) or "")
        if write.whole and write.command == "UPDATE" and row_ is not None:
            total = row_["bytes"] + row_["index_bytes"]
            items.append(Item(f"update of every row of {row_['relation']}", total, wal=round(total * UPDATE_WAL)))
    return items


def _without_parts(names: list[str | None], catalog: Catalog) -> list[str]:
    """Each relation once; a partition whose parent is there is in the parent's size."""
    known = dict.fromkeys(name for name in names if name is not None)
    relations = catalog.relations
    return [
        name for name in known if not (name in relations and any(parent in known for parent in relations[name].parents))
    ]


def _build(build: Build, size: int) -> Item:
    return Item(f"build of {build.index}", size, temporary=round(size * SORT), wal=round(size * BUILD_WAL))


def _index_size(connection: Connection, build: Build, moment: Moment, rows: dict[str, Row]) -> int:
    """The size of the index as it is, as its columns' statistics say, or at most that of its table with TOAST."""
    if build.index in rows:
        return int(rows[build.index]["bytes"])
    table = rows[moment.now(build.table) or ""]
    made = next((each for each in moment.effects.creates if isinstance(each, Index) and each.name == build.index), None)
    bound = int(table["bytes"])
    if made is None or build.method != "btree" or None in made.columns or table["rows"] is None:
        return bound
    columns = [name for name in (*made.columns, *made.included) if name is not None]
    widths = ask(connection, "preflight_widths", relation=table["relation"], columns=columns)
    if len(widths) < len(set(columns)):
        return bound
    width: float = sum(row["width"] for row in widths) + TUPLE_OVERHEAD
    return min(round(float(table["rows"]) * width / FILL), bound)

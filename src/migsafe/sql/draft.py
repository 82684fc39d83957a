"""The effects of one statement while they are being gathered."""

from collections.abc import Iterable
from typing import Any

import msgspec

from migsafe.model.after import after
from migsafe.model.catalog import Catalog, Column, Constraint, Index, Relation
from migsafe.model.effects import Altered, Build, CatalogObject, Effects, Need, Object, Rename, Setting, Write
from migsafe.model.locks import Lock, LockMode
from migsafe.model.lookup import Lookup, lookup
from migsafe.sql.names import is_system

AS = LockMode.ACCESS_SHARE
RS = LockMode.ROW_SHARE
RX = LockMode.ROW_EXCLUSIVE
SUE = LockMode.SHARE_UPDATE_EXCLUSIVE
S = LockMode.SHARE
SRE = LockMode.SHARE_ROW_EXCLUSIVE
X = LockMode.EXCLUSIVE
AE = LockMode.ACCESS_EXCLUSIVE


class Draft:
    """What one statement does, added up; `effects()` freezes it.

    `catalog` is the schema that the statement finds, `version` the server's major version, `called` the functions
    whose bodies were read already: each counts once, however often it is called; `queries` the names that WITH gives
    to queries, which are no relations. Locks on relations that
    the statement creates itself, on system catalogs and on temporary relations are not kept.
    """

    def __init__(self, catalog: Catalog, version: int, called: set[str] | None = None) -> None:
        self.catalog = catalog
        self.version = version
        self.called: set[str] = called if called is not None else set()
        self.command = ""
        self.in_transaction = True
        self.concurrently = False
        self.nothing_to_do = False
        self.if_not_exists: str | None = None
        self.queries: frozenset[str] = frozenset()
        self.unknown: str | None = None
        self.new: set[str] = set()
        self._locks: dict[str, LockMode] = {}
        self._kinds: dict[str, str] = {}
        self._transient: dict[str, LockMode] = {}
        self._lists: dict[str, dict[Any, None]] = {}

    @property
    def ways(self) -> Lookup:
        return lookup(self.catalog)

    # Locks.

    def lock(self, name: str, mode: LockMode, kind: str | None = None, transient: bool = False) -> None:
        """Lock a relation; the strongest mode counts. `transient`: released before the statement ends."""
        if name in self.new or is_system(name) or name.startswith("pg_temp."):
            return
        known = self.catalog.relations.get(name)
        if known and known.persistence == "temporary":
            return
        held = self._locks.get(name)
        if not transient:
            self._transient.pop(name, None)
        elif held is None or held.strength < mode.strength:
            self._transient[name] = mode
        if held is None or held.strength < mode.strength:
            self._locks[name] = mode
        if kind and name not in self._kinds:
            self._kinds[name] = kind

    def holds(self, name: str, mode: LockMode) -> bool:
        """Whether the relation is locked already, in that mode or a stronger one."""
        held = self._locks.get(name)
        return held is not None and held.strength >= mode.strength

    def lock_indexes(self, table: str, mode: LockMode, transient: bool = False) -> None:
        for index in self.indexes(table):
            self.lock(index.name, mode, transient=transient)

    def plan_indexes(self, table: str, mode: LockMode) -> None:
        """Lock what planning a query opens of a table: since 16 the indexes of a partitioned one too (measured)."""
        if self.version >= 16 or not self.is_partitioned(table):
            self.lock_indexes(table, mode)

    def kind(self, name: str) -> str:
        """The kind of a relation or index as in Lock; a table when nothing is known."""
        relation = self.catalog.relations.get(name)
        if relation:
            return relation.kind
        index = self.catalog.indexes.get(name)
        if index:
            return "partitioned index" if self.is_partitioned(index.relation) else "index"
        return self._kinds.get(name, "table")

    # What is there.

    def relation(self, name: str) -> Relation | None:
        return self.catalog.relations.get(name)

    def columns(self, relation: str) -> dict[str, Column]:
        return dict(self.catalog.columns.get(relation, {}))

    def column(self, relation: str, name: str) -> Column | None:
        return self.catalog.columns.get(relation, {}).get(name)

    def constraints(self, relation: str) -> tuple[Constraint, ...]:
        return tuple(self.catalog.constraints.get(relation, {}).values())

    def constraint(self, relation: str, name: str) -> Constraint | None:
        return self.catalog.constraints.get(relation, {}).get(name)

    def indexes(self, table: str) -> tuple[Index, ...]:
        return tuple(self.catalog.indexes[name] for name in self.ways.indexes.get(table, ()))

    def index(self, name: str) -> Index | None:
        return self.catalog.indexes.get(name)

    def is_known(self, name: str) -> bool:
        return name in self.catalog.relations or name in self.catalog.indexes

    def knows(self, relation: str) -> bool:
        """Whether all there is to a relation is in the catalog, or that it does not exist."""
        return self.catalog.complete or relation in self.catalog.relations

    def is_partitioned(self, name: str) -> bool:
        relation = self.catalog.relations.get(name)
        return relation is not None and relation.kind == "partitioned table"

    def children(self, name: str) -> tuple[str, ...]:
        return self.ways.children.get(name, ())

    def family(self, name: str) -> tuple[str, ...]:
        """The relation and everything that inherits from it, parents first."""
        found = {name: None}
        queue = [name]
        while queue:
            for child in self.children(queue.pop(0)):
                if child not in found:
                    found[child] = None
                    queue.append(child)
        return tuple(found)

    def references(self, table: str) -> tuple[Constraint, ...]:
        """The foreign keys that reference a table."""
        return tuple(self.catalog.constraints[of][name] for of, name in self.ways.keys.get(table, ()))

    # What happens.

    def _add(self, field: str, value: Any) -> None:
        self._lists.setdefault(field, {})[value] = None

    def has(self, field: str, value: Any) -> bool:
        return value in self._lists.get(field, {})

    def all(self, field: str) -> tuple[Any, ...]:
        return tuple(self._lists.get(field, {}))

    def scan(self, name: str) -> None:
        if not is_system(name) and name not in self.new and self.kind(name) != "foreign table":
            self._add("scans", name)

    def rewrite(self, name: str, reads: bool = True) -> None:
        """Note new data files; `reads`: written row by row, not copied as they are."""
        if name not in self.new:
            self._add("rewrites", name)
            if reads:
                self._add("scans", name)

    def build(self, index: str, table: str, concurrently: bool = False, method: str = "btree") -> None:
        if table not in self.new:
            self._add("builds", Build(index, table, concurrently, method))

    def create(self, thing: CatalogObject) -> None:
        self._add("creates", thing)
        if isinstance(thing, Relation | Index):
            self.new.add(thing.name)

    def doubt(self, name: str) -> None:
        """Note that a relation which IF NOT EXISTS creates may be there already."""
        if not self.catalog.complete and not name.startswith("pg_temp."):
            self._add("perhaps", name)
            self.suppose(f"nothing is done if {name} is there already, with whatever columns it has")

    def amend(self, made: CatalogObject, changed: CatalogObject) -> None:
        """Put `changed` in the place of something that this statement creates."""
        creates = self._lists["creates"]
        self._lists["creates"] = {changed if thing == made else thing: None for thing in creates}

    def alter(self, after_: CatalogObject, before: CatalogObject | None, using: str | None = None) -> None:
        self._add("alters", Altered(after_, before, using))

    def drop(self, kind: str, name: str, of: str | None = None) -> None:
        self._add("drops", Object(kind, name, of))

    def rename(self, old: Object, new: Object) -> None:
        self._add("renames", Rename(old, new))

    def validate(self, name: str, of: str) -> None:
        self._add("validates", Object("constraint", name, of))

    def destroy(self, kind: str, name: str, of: str | None = None) -> None:
        self._add("destroys", Object(kind, name, of))

    def need(self, kind: str, name: str, detail: str | None = None) -> None:
        self._add("needs", Need(kind, name, detail))

    def write(
        self,
        relation: str,
        command: str,
        whole: bool = False,
        few: bool = False,
        columns: Iterable[str] = (),
        narrowed: tuple[bool, bool] = (False, False),
    ) -> None:
        self._add("writes", Write(relation, command, whole, few, tuple(sorted(columns)), *narrowed))

    def act(self, kind: str, name: str, of: str | None = None) -> None:
        """Note one of `Effects.actions`."""
        self._add("actions", Object(kind, name, of))

    def set(self, name: str, value: str | None, local: bool = False) -> None:
        self._add("settings", Setting(name, value, local))

    def set_for_database(self, name: str, value: str | None) -> None:
        self._add("database_settings", Setting(name, value))

    def wait(self, whose: str) -> None:
        self._add("waits_for", whose)

    def truncate(self, name: str) -> None:
        self._add("truncates", name)

    def suppose(self, condition: str | None) -> None:
        """Note a sentence on which the effects, told pessimistically, depend."""
        if condition:
            self._add("conditions", condition)

    def refuse_in_index(self, function: str) -> None:
        self._add("not_immutable", function)

    def skip(self) -> None:
        """Note that IF EXISTS or IF NOT EXISTS found that there is nothing to do."""
        self.nothing_to_do = True

    def give_up(self, why: str) -> None:
        self.unknown = self.unknown or why

    # The result.

    def absorb(self, effects: Effects, command: str | None = None) -> None:
        """Add the effects of a statement inside this one, and let the next one find what it did."""
        for lock in effects.locks:
            self.lock(lock.relation, lock.mode, lock.kind, transient=lock.relation in effects.transient)
        made = {table for table in self.new if table in self.catalog.relations}
        for field in _LISTS:
            for value in getattr(effects, field):
                of = value.table if isinstance(value, Build) else value
                if field not in _WORK or of not in made:
                    self._add(field, value)
        for thing in effects.creates:
            if isinstance(thing, Relation | Index):
                self.new.add(thing.name)
        self.in_transaction = self.in_transaction and effects.in_transaction
        if effects.unknown:
            self.give_up(effects.unknown)
        self.catalog = after(self.catalog, effects)

    def effects(self) -> Effects:
        locks = tuple(Lock(name, self.kind(name), mode) for name, mode in self._locks.items())
        lists: dict[str, Any] = {field: tuple(values) for field, values in self._lists.items()}
        return Effects(
            locks=locks,
            transient=tuple(self._transient),
            command=self.command,
            concurrently=self.concurrently,
            in_transaction=self.in_transaction,
            nothing_to_do=self.nothing_to_do and not any(self.all(field) for field in _CHANGES),
            if_not_exists=self.if_not_exists,
            unknown=self.unknown,
            **lists,
        )


_WORK = ("rewrites", "scans", "builds")
_CHANGES = ("creates", "alters", "drops", "renames", "validates")
_LISTS = tuple(
    name
    for name, default in zip(Effects.__struct_fields__, Effects.__struct_defaults__, strict=True)
    if default == () and name not in ("locks", "transient")
)


def replace(thing: Any, **changes: Any) -> Any:
    return msgspec.structs.replace(thing, **changes)

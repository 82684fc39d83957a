"""Selections from Effects that more than one rule asks for."""

import re
from collections import deque
from collections.abc import Container, Iterable, Iterator
from typing import Any, TypeVar

from migsafe.lint.situation import Situation
from migsafe.model.catalog import Catalog, Column, Constraint, Extension, Function, Index, Relation, Type
from migsafe.model.effects import Build, CatalogObject, Effects, Object
from migsafe.model.locks import Lock, LockMode
from migsafe.model.lookup import lookup
from migsafe.model.statement import Statement
from migsafe.sql.types import user_type

TABLES = ("table", "partitioned table", "foreign table")
RELATIONS = (*TABLES, "view", "materialized view")
_WRITTEN = (*TABLES, "materialized view")
_SLOW = ("hnsw", "ivfflat")
_INDEXED = ("primary key", "unique", "exclude")

Made = TypeVar("Made", Relation, Column, Index, Constraint, Extension, Type, Function)


class _Sorted:
    """What the statement that was asked about last creates, by kind: all rules ask of one after the other."""

    def __init__(self) -> None:
        self.creates: tuple[CatalogObject, ...] = ()
        self.by_kind: dict[type, tuple[Any, ...]] = {}

    def of(self, creates: tuple[CatalogObject, ...], kind: type[Made]) -> tuple[Made, ...]:
        if creates is not self.creates:
            self.creates, self.by_kind = creates, {}
        found = self.by_kind.get(kind)
        if found is None:
            found = self.by_kind[kind] = tuple(made for made in creates if isinstance(made, kind))
        return found


_sorted = _Sorted()


def created(effects: Effects, kind: type[Made]) -> tuple[Made, ...]:
    creates = effects.creates
    return _sorted.of(creates, kind) if creates else ()


def dropped(effects: Effects, *kinds: str) -> tuple[Object, ...]:
    return tuple(gone for gone in effects.drops if gone.kind in kinds) if effects.drops else ()


def altered_columns(effects: Effects) -> Iterator[tuple[Column, Column | None]]:
    """Every altered column as it is afterwards, and as it was where that is known."""
    for altered in effects.alters:
        if isinstance(altered.after, Column):
            yield altered.after, altered.before if isinstance(altered.before, Column) else None


def made_not_null(effects: Effects) -> tuple[Column, ...]:
    if not effects.alters:
        return ()
    return tuple(new for new, old in altered_columns(effects) if new.not_null and not (old and old.not_null))


def retyped(effects: Effects) -> tuple[tuple[Column, Column | None], ...]:
    """Altered columns of another type or collation, or of the same type whose values are computed anew."""
    if not effects.alters:
        return ()
    return tuple((new, old) for new, old in altered_columns(effects) if _is_retyped(effects, new, old))


def _is_retyped(effects: Effects, new: Column, old: Column | None) -> bool:
    if old is None:
        return new.type is not None
    return (new.type, new.collation) != (old.type, old.collation) or (new == old and new.relation in effects.rewrites)


def named(effects: Effects) -> set[str]:
    """Labels of relations, types and columns that are there afterwards because the statement made or renamed them."""
    made = {item.name for item in effects.creates if isinstance(item, Relation | Type)}
    made |= {f"{item.relation}.{item.name}" for item in effects.creates if isinstance(item, Column)}
    return made | {rename.new.label for rename in effects.renames}


def blocking_builds(effects: Effects, situation: Situation) -> tuple[Build, ...]:
    """Indexes built under a lock that makes writes wait, on relations that the application uses."""
    return tuple(build for build in effects.builds if not build.concurrently and situation.live(build.table))


def built_from(builds: tuple[Build, ...]) -> tuple[str, ...]:
    """The tables whose size tells how long the builds take; none of a vector index, slow on few rows too."""
    return () if any(build.method in _SLOW for build in builds) else tuple(build.table for build in builds)


def indexed_constraints(effects: Effects) -> tuple[Constraint, ...]:
    """Created constraints that are kept by an index."""
    return tuple(made for made in created(effects, Constraint) if made.kind in _INDEXED)


def checked_constraints(effects: Effects, situation: Situation, kind: str) -> Iterator[Constraint]:
    """Created constraints of `kind` whose validation reads a live table in full; of partitions only the parent's."""
    made = [one for one in (*created(effects, Constraint), *enforced(effects)) if one.kind == kind]
    for one in made:
        alike = {other.relation for other in made if other.name == one.name}
        is_root = one.validated and one.enforced and topmost(one.relation, alike, situation) == one.relation
        if is_root and read_below(one.relation, effects, situation):
            yield one


def topmost(relation: str, among: Container[str], situation: Situation) -> str:
    """The table that `relation` is a partition or child of, as far up as those in `among` go; else itself."""
    known = situation.catalog.relations.get(relation)
    above = next((parent for parent in known.parents if parent in among), None) if known else None
    return topmost(above, among, situation) if above else relation


def read_below(relation: str, effects: Effects, situation: Situation) -> tuple[str, ...]:
    """The live tables of `relation` and its partitions or children that the statement reads or writes in full."""
    family = set(below(relation, situation))
    return tuple(name for name in read_in_full(effects, situation) if name in family)


def below(relation: str, situation: Situation) -> Iterator[str]:
    """The relation and its partitions and children, theirs too."""
    yield relation
    for child in lookup(situation.catalog).children.get(relation, ()):
        yield from below(child, situation)


def container(effects: Effects) -> Object | None:
    """The schema, extension or type whose DROP took everything else with it."""
    return next(iter(dropped(effects, "schema", "extension", "type", "domain", "function", "owned")), None)


def changes_dimension(new: Column, old: Column | None) -> bool:
    """Whether both types have a dimension, and not the same one."""
    before, after = dimension(old.type if old else None), dimension(new.type)
    return before is not None and after is not None and before != after


def dimension(type_name: str | None) -> int | None:
    """The number in `vector(1536)`, with or without a schema."""
    match = re.fullmatch(r"(?:\w+\.)?(?:vector|halfvec|sparsevec)\((\d+)\)", type_name or "")
    return int(match[1]) if match else None


def kind_of(relation: str, effects: Effects, situation: Situation) -> str | None:
    """The kind of `relation` as the catalog or a lock on it has it; None when neither knows."""
    known = situation.catalog.relations.get(relation)
    locked = next((lock.kind for lock in effects.locks if lock.relation == relation), None)
    return known.kind if known else locked


def follow(statement: Statement, situation: Situation) -> tuple[Statement, ...]:
    """The statements of the plan that run after `statement`."""
    plan = situation.plan
    place = statement.index - plan[0].index if plan else 0
    if 0 <= place < len(plan) and plan[place] is statement:
        return plan[place + 1 :]
    return tuple(other for other in plan if other.index > statement.index)


def indexes_to_come(relation: str, statement: Statement, situation: Situation) -> tuple[Index, ...]:
    """The indexes of `relation` that the statement makes, and the plan after it."""
    if not _plans or _plans[0][0] is not situation.plan:
        _plans.append((situation.plan, _indexes_by_relation(situation.plan)))
    later = [index for number, index in _plans[0][1].get(relation, ()) if number > statement.index]
    return (*(index for index in created(statement.effects, Index) if index.relation == relation), *later)


# Kept for the plan used last: rules ask of every foreign key, and a first revision may make a thousand indexes.
_plans: deque[tuple[tuple[Statement, ...], dict[str, list[tuple[int, Index]]]]] = deque(maxlen=1)


def _indexes_by_relation(plan: tuple[Statement, ...]) -> dict[str, list[tuple[int, Index]]]:
    found: dict[str, list[tuple[int, Index]]] = {}
    for statement in plan:
        for index in created(statement.effects, Index):
            found.setdefault(index.relation, []).append((statement.index, index))
    return found


def read_in_full(effects: Effects, situation: Situation) -> tuple[str, ...]:
    """The live relations whose every row the statement reads or writes anew: their size is what its time depends on."""
    read = dict.fromkeys((*effects.rewrites, *effects.scans, *(build.table for build in effects.builds)))
    return tuple(relation for relation in read if situation.live(relation))


def constraint_of(index: str, catalog: Catalog) -> Constraint | None:
    """The constraint that `index` keeps, or that of the partitioned index it is a part of."""
    known = catalog.indexes.get(index)
    kept = catalog.constraints.get(known.relation, {}).values() if known else ()
    return next((constraint for constraint in kept if constraint.index == index), None)


def enforced(effects: Effects) -> Iterator[Constraint]:
    """Constraints that were NOT ENFORCED and are from now on (ALTER CONSTRAINT … ENFORCED, since 18)."""
    for altered in effects.alters:
        new, old = altered.after, altered.before
        if isinstance(new, Constraint) and isinstance(old, Constraint) and new.enforced and not old.enforced:
            yield new


def final_columns(effects: Effects) -> tuple[tuple[Column, Column | None], ...]:
    """altered_columns(), one of each: several subcommands of one ALTER TABLE may change the same column."""
    if not effects.alters:
        return ()
    last = {(new.relation, new.name): (new, old) for new, old in altered_columns(effects)}
    return tuple(last.values())


def recomputed(effects: Effects) -> tuple[Column, ...]:
    """Generated columns with another expression (SET EXPRESSION)."""
    return tuple(
        new
        for new, old in altered_columns(effects)
        if new.generated and old is not None and new.generated == old.generated and new.default != old.default
    )


def column_pairs(key: Constraint, effects: Effects, situation: Situation) -> Iterator[tuple[Column, Column]]:
    """The columns of a foreign key, each with the one it references, as far as both are known."""
    if key.references is None:
        return
    made = {(column.relation, column.name): column for column in created(effects, Column)}
    for mine, theirs in zip(key.columns, key.referenced_columns, strict=False):
        pair = [
            made.get((relation, name)) or situation.catalog.columns.get(relation, {}).get(name)
            for relation, name in ((key.relation, mine), (key.references, theirs))
        ]
        if pair[0] is not None and pair[1] is not None:
            yield pair[0], pair[1]


def blocked(locks: Iterable[Lock], situation: Situation) -> dict[str, LockMode]:
    """The live tables that `locks` make writers wait for, each with its strongest mode."""
    modes: dict[str, LockMode] = {}
    for lock in locks:
        if lock.mode.blocks_writes and lock.kind in _WRITTEN and situation.live(lock.relation):
            modes[lock.relation] = max(modes.get(lock.relation, lock.mode), lock.mode, key=lambda mode: mode.strength)
    return modes


def together_with(statement: Statement, situation: Situation) -> tuple[Statement, ...]:
    """The later statements of the same transaction: nobody sees what is between them."""
    together = [s for s in situation.step.statements if s.transaction == statement.transaction is not None]
    return tuple(other for other in together if other.index > statement.index)


def leaves(relation: str, statement: Statement, situation: Situation) -> bool:
    """Whether a later statement of the same transaction drops the table: its own rule speaks of what that does."""
    later = together_with(statement, situation)
    return any(gone.name == relation for one in later if one.effects.drops for gone in dropped(one.effects, *TABLES))


def detached(effects: Effects) -> tuple[tuple[str, str], ...]:
    """(partition, its table) of DETACH PARTITION."""
    found = []
    for altered in effects.alters:
        new, old = altered.after, altered.before
        if isinstance(new, Relation) and isinstance(old, Relation) and old.bound and old.parents and not new.bound:
            found.append((new.name, old.parents[0]))
    return tuple(found)


def default_partition(parent: str, catalog: Catalog) -> str | None:
    children = (catalog.relations.get(name) for name in lookup(catalog).children.get(parent, ()))
    return next((child.name for child in children if child and child.is_default_partition), None)


def between_enums(new: Column, old: Column | None, catalog: Catalog) -> tuple[Type, Type] | None:
    """The old and the new type of a column that moves from one enum to another."""
    before = user_type((old.type or "").removesuffix("[]"), catalog) if old else None
    after = user_type((new.type or "").removesuffix("[]"), catalog)
    if before is None or after is None or before == after:
        return None
    return (before, after) if before.kind == after.kind == "enum" else None


def publications_of(table: str, catalog: Catalog) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The publications that name `table`, and those of all tables or of schemas, which may have it."""
    listed = tuple(name for name, tables in catalog.publications.items() if tables is not None and table in tables)
    return listed, tuple(name for name, tables in catalog.publications.items() if tables is None)


def recreated(table: str, situation: Situation) -> bool:
    """Whether batch_alter_table() has made a copy of `table`, which takes its place (alembic/operations/batch.py)."""
    schema, _, name = table.rpartition(".")
    return f"{schema}._alembic_tmp_{name}"[: len(schema) + 51] in situation.catalog.relations

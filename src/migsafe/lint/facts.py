"""Selections from Effects that more than one rule asks for."""

import re
from collections.abc import Iterator
from typing import TypeVar

from migsafe.lint.situation import Situation
from migsafe.model.catalog import Column, Constraint, Extension, Index, Relation, Type
from migsafe.model.effects import Build, Effects, Object

TABLES = ("table", "partitioned table", "foreign table")
RELATIONS = (*TABLES, "view", "materialized view")
_INDEXED = ("primary key", "unique", "exclude")

Made = TypeVar("Made", Relation, Column, Index, Constraint, Extension, Type)


def created(effects: Effects, kind: type[Made]) -> tuple[Made, ...]:
    return tuple(made for made in effects.creates if isinstance(made, kind))


def dropped(effects: Effects, *kinds: str) -> tuple[Object, ...]:
    return tuple(gone for gone in effects.drops if gone.kind in kinds)


def altered_columns(effects: Effects) -> Iterator[tuple[Column, Column | None]]:
    """Every altered column as it is afterwards, and as it was where that is known."""
    for altered in effects.alters:
        if isinstance(altered.after, Column):
            yield altered.after, altered.before if isinstance(altered.before, Column) else None


def made_not_null(effects: Effects) -> tuple[Column, ...]:
    return tuple(new for new, old in altered_columns(effects) if new.not_null and not (old and old.not_null))


def retyped(effects: Effects) -> tuple[tuple[Column, Column | None], ...]:
    """Altered columns of another type or collation, or of the same type whose values are computed anew."""
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


def indexed_constraints(effects: Effects) -> tuple[Constraint, ...]:
    """Created constraints that are kept by an index."""
    return tuple(made for made in created(effects, Constraint) if made.kind in _INDEXED)


def checked_constraints(effects: Effects, situation: Situation, kind: str) -> Iterator[Constraint]:
    """Created constraints of `kind` whose validation reads a live table in full."""
    for made in created(effects, Constraint):
        checks = made.kind == kind and made.validated and made.enforced
        if checks and made.relation in effects.scans and situation.live(made.relation):
            yield made


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

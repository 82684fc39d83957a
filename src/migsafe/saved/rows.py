"""The rows that a statement deletes or overwrites, in the tables that it names and in those behind foreign keys."""

from collections.abc import Iterator

import msgspec

from migsafe.model.lookup import lookup
from migsafe.model.saved import ALIAS, Part
from migsafe.model.statement import Statement
from migsafe.saved.cascades import swept
from migsafe.saved.names import Names
from migsafe.saved.shape import family, key_of, made, stored
from migsafe.sql.selected import Selected, selected

_UNTOLD = "which rows it touches cannot be told beforehand"


def whole(statement: Statement, names: Names, relation: str, kind: str) -> Iterator[Part]:
    """All rows of a table, of each partition for itself: a partitioned table has none of its own."""
    known = names.catalog.relations.get(relation)
    if known is None or known.kind != "table" or known.persistence == "temporary":
        return
    columns = stored(names.catalog, relation)
    key = key_of(names.catalog, relation)
    yield made(
        statement,
        kind="table" if kind == "table" else "rows",
        relation=relation,
        columns=tuple(name for name in columns if name not in key),
        key=key,
        only=True,
        top=relation,
    )


def rows(statement: Statement, names: Names) -> Iterator[Part]:
    """What DELETE, TRUNCATE, UPDATE and MERGE take or overwrite, and what follows through foreign keys."""
    effects = statement.effects
    for name in effects.truncates:
        if known := names.before(name):
            yield from whole(statement, names, known, "rows")
    if not effects.writes:
        return
    derived = _derived(statement, names)
    target = derived.relation if derived is not None else None
    if derived is not None and (known := names.before(target or "")):
        yield from _written(statement, names, derived, known)
    for write in effects.writes:
        known = names.before(write.relation)
        if known is None or write.relation == target or _follows(names, known, target):
            continue
        deletes = write.command == "DELETE" or any(
            d.kind == "rows" and d.name == write.relation for d in effects.destroys
        )
        if deletes:
            yield from _members(statement, names, known, because=_UNTOLD)
        if write.command == "UPDATE" or (write.command == "MERGE" and write.columns):
            yield from _values(statement, names, known, write.columns, None, ALIAS, _UNTOLD)


def _derived(statement: Statement, names: Names) -> Selected | None:
    """Which rows the statement will touch; all when an earlier statement of the plan may decide that."""
    found = selected(statement.sql, names.now_catalog)
    if found is None or found.where is None:
        return found
    if found.reads & names.touched or any(names.before(each) != each for each in found.reads):
        return msgspec.structs.replace(found, where=None, alias=ALIAS)
    return found


def _written(statement: Statement, names: Names, found: Selected, relation: str) -> Iterator[Part]:
    because = "its WHERE depends on what earlier statements change" if found.alias == ALIAS else None
    if found.columns:
        yield from _values(statement, names, relation, found.columns, found.where, found.alias, because)
    else:
        yield from _members(statement, names, relation, found.where, found.alias, because)
    delete = not found.columns
    for key, kind, where, why in swept(
        names.catalog, relation, found.where, found.alias, found.columns if not delete else None
    ):
        if kind == "rows":
            yield from _members(statement, names, key.relation, where, ALIAS, because or why)
        else:
            yield from _values(statement, names, key.relation, key.columns, where, ALIAS, because or why)


def _follows(names: Names, relation: str, target: str | None) -> bool:
    """Whether a foreign key to `target` leads here: then the rows are those that follow from it."""
    seen, waiting = set[str](), [target] if target else []
    ways = lookup(names.catalog)
    while waiting:
        for child, _ in ways.keys.get(names.before(waiting.pop()) or "", ()):
            if child not in seen:
                seen.add(child)
                waiting.append(child)
    return relation in seen


def _members(
    statement: Statement,
    names: Names,
    relation: str,
    where: str | None = None,
    alias: str = ALIAS,
    because: str | None = None,
) -> Iterator[Part]:
    """Whole rows of a table and what inherits from it, each table for itself."""
    for member in family(names.catalog, relation):
        for part in whole(statement, names, member, "rows"):
            yield msgspec.structs.replace(part, where=where, alias=alias, because=because)


def _values(
    statement: Statement,
    names: Names,
    relation: str,
    columns: tuple[str, ...],
    where: str | None,
    alias: str,
    because: str | None,
) -> Iterator[Part]:
    wanted = columns or tuple(stored(names.catalog, relation))
    old = tuple(each[1] for name in wanted if (each := names.column_before(names.now(relation) or relation, name)))
    for member in family(names.catalog, relation):
        held = stored(names.catalog, member)
        lost = tuple(name for name in old if name in held)
        known = names.catalog.relations.get(member)
        if not lost or known is None or known.kind != "table" or known.persistence == "temporary":
            continue
        key = key_of(names.catalog, member, without=lost)
        yield made(
            statement,
            kind="values",
            relation=member,
            columns=lost if key else tuple(held),
            key=key,
            lost=lost,
            where=where,
            alias=alias,
            only=True,
            top=member,
            because=because,
        )

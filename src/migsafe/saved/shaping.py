"""Columns get the way back: added again, or beside one that has their name and another type."""

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import psycopg

from migsafe.model.saved import ColumnDefinition, Manifest
from migsafe.postgres import saved_facts
from migsafe.sql.quote import identifier, literal, qualified

Together = Callable[[tuple[str, ...]], None]


class Place(msgspec.Struct, frozen=True):
    """Where one column of the manifest is now: its relation, and the column that has its name aside, if any."""

    definition: ColumnDefinition
    relation: str
    aside: str | None = None


def relation_now(connection: psycopg.Connection[Any], manifest: Manifest, relation: str) -> str | None:
    """What a relation of before the run is called now; None: it is not there."""
    renamed = [each.part.after for each in manifest.parts if each.part.relation == relation and each.part.after]
    for name in (*renamed, relation):
        if saved_facts.columns_of(connection, qualified(name)):
            return name
    return None


def aside_of(manifest: Manifest, name: str) -> str:
    """The name under which a column waits that took the name of a saved one."""
    return f"{name.encode()[:40].decode(errors='ignore')}_after_{hashlib.sha256(manifest.run.encode()).hexdigest()[:8]}"


def shapes(connection: psycopg.Connection[Any], manifest: Manifest) -> Iterator[tuple[Place, tuple[str, ...]]]:
    """Each saved column with the SQL, for one transaction, that makes room for its values; () when there is."""
    for definition in manifest.columns:
        relation = relation_now(connection, manifest, definition.relation)
        if relation is None or definition.generated:
            continue
        yield _shape(connection, manifest, definition, relation)


def _shape(
    connection: psycopg.Connection[Any], manifest: Manifest, definition: ColumnDefinition, relation: str
) -> tuple[Place, tuple[str, ...]]:
    there = saved_facts.columns_of(connection, qualified(relation))
    aside = aside_of(manifest, definition.name)
    now = there.get(definition.name)
    if aside in there:
        made = () if now is not None else (_add(definition, relation),)
        return Place(definition, relation, aside), made
    if now is None:
        return Place(definition, relation), (_add(definition, relation),)
    if now.type == definition.type and not now.generated:
        return Place(definition, relation), ()
    table, name = qualified(relation), identifier(definition.name)
    if saved_facts.in_constraint(connection, qualified(relation), definition.name):
        # Keys cannot be put aside: nothing would find its rows meanwhile.
        back = f"ALTER TABLE {table} ALTER COLUMN {name} TYPE {definition.type} USING {name}::text::{definition.type}"
        return Place(definition, relation), (back,)
    away = f"ALTER TABLE {table} RENAME COLUMN {name} TO {identifier(aside)}"
    free = f"ALTER TABLE {table} ALTER COLUMN {identifier(aside)} DROP NOT NULL"
    return Place(definition, relation, aside), (away, free, _add(definition, relation))


def _add(definition: ColumnDefinition, relation: str) -> str:
    collation = f" COLLATE {definition.collation}" if definition.collation else ""
    default = f" DEFAULT {definition.default}" if _is_constant(definition.default) else ""
    name = identifier(definition.name)
    return f"ALTER TABLE {qualified(relation)} ADD COLUMN {name} {definition.type}{collation}{default}"


def _is_constant(default: str | None) -> bool:
    """Whether a default needs no call: then adding it touches no row (manual, ALTER TABLE, Notes)."""
    return default is not None and "(" not in default and "CURRENT" not in default.upper()


def default_text(connection: psycopg.Connection[Any], relation: str, column: str) -> str | None:
    """The default that a column has now, as the text of its value; None when it has none, or a call."""
    default = saved_facts.default_of(connection, qualified(relation), column)
    if not _is_constant(default):
        return None
    row = connection.execute(f"SELECT ({default})::text".encode()).fetchone()
    return row[0] if row else None


def generated(connection: psycopg.Connection[Any], manifest: Manifest) -> Iterator[str]:
    """SQL that adds the generated columns which are not there."""
    for each in manifest.columns:
        relation = relation_now(connection, manifest, each.relation)
        if (
            relation is None
            or not each.generated
            or each.name in saved_facts.columns_of(connection, qualified(relation))
        ):
            continue
        how = f"GENERATED ALWAYS AS ({each.default}) {each.generated.upper()}"
        yield f"ALTER TABLE {qualified(relation)} ADD COLUMN {identifier(each.name)} {each.type} {how}"


def dressing(definition: ColumnDefinition, relation: str) -> Iterator[str]:
    """SQL, each for itself, that sets what a column had beside its type: default, comment, storage, grants."""
    table, name, facts = qualified(relation), identifier(definition.name), definition.facts
    column = f"ALTER TABLE {table} ALTER COLUMN {name}"
    if definition.default and not definition.generated and not definition.identity:
        yield f"{column} SET DEFAULT {definition.default}"
    if "storage" in facts:
        yield f"{column} SET STORAGE {facts['storage']}"
    if "compression" in facts:
        yield f"{column} SET COMPRESSION {facts['compression']}"
    if "statistics" in facts:
        yield f"{column} SET STATISTICS {facts['statistics']}"
    if "options" in facts:
        yield f"{column} SET ({facts['options']})"
    if "comment" in facts:
        yield f"COMMENT ON COLUMN {table}.{name} IS {literal(facts['comment'])}"
    for grantee, privilege, grantable in json.loads(facts.get("grants", "[]")):
        who = identifier(grantee) if grantee else "PUBLIC"
        yield f"GRANT {privilege} ({name}) ON {table} TO {who}{' WITH GRANT OPTION' if grantable else ''}"


def not_null(definition: ColumnDefinition, relation: str) -> tuple[tuple[str, ...], ...]:
    """SQL, a transaction each, that forbids NULL without reading the table under a lock that stops writes."""
    table, name = qualified(relation), identifier(definition.name)
    check = identifier(f"migsafe_{definition.name}"[:50] + "_not_null")
    last = [f"ALTER TABLE {table} ALTER COLUMN {name} SET NOT NULL", f"ALTER TABLE {table} DROP CONSTRAINT {check}"]
    return (
        (
            f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {check}",
            f"ALTER TABLE {table} ADD CONSTRAINT {check} CHECK ({name} IS NOT NULL) NOT VALID",
        ),
        (f"ALTER TABLE {table} VALIDATE CONSTRAINT {check}",),
        tuple(last),
    )


def identity(definition: ColumnDefinition, relation: str) -> str:
    """SQL that has the column count by itself again."""
    how = "ALWAYS" if definition.identity == "a" else "BY DEFAULT"
    named = f" (SEQUENCE NAME {qualified(definition.sequence)})" if definition.sequence else ""
    column = f"ALTER TABLE {qualified(relation)} ALTER COLUMN {identifier(definition.name)}"
    return f"{column} ADD GENERATED {how} AS IDENTITY{named}"

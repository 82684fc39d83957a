"""A column: type, nullability, default, identity, generation."""

import re

from msgspec import UNSET

from migsafe.model.catalog import Catalog, Column
from migsafe.sql.quote import literal
from migsafe.verify.defaults import condition
from migsafe.verify.proof import bare, every, fill, schema_of

_IDENTITY = {"a": "always", "d": "by default"}
_GENERATED = {"stored": "s", "virtual": "v"}

# Types whose modifier the server prints as it was written; others (geography(Point)) are printed in another way.
_MODIFIED = re.compile(
    r'(?:\w+\.|"[^"]+"\.)?(numeric|character varying|character|bit varying|bit|timestamp|time|interval|vector|halfvec'
    r"|sparsevec)(?:\((?P<modifier>[\d,\s-]+)\))?(?: with(?:out)? time zone)?(?:\[\])?"
)


def query_of(column: Column, catalog: Catalog) -> tuple[str, str]:
    """The query, and what it expects for a reader. Attributes that are not known are not asked for."""
    asked = [*_type(column), *_nullability(column, catalog), *_value(column, catalog)]
    sql = fill(
        "verify_column",
        schema=schema_of(column.relation),
        relation=literal(bare(column.relation)),
        column=literal(column.name),
        conditions=every(f"({condition})" for condition, _ in asked),
    )
    return sql, ", ".join(phrase for _, phrase in asked) or "there"


def _type(column: Column) -> list[tuple[str, str]]:
    if column.type is None:
        return []
    asked = [(type_condition(column.type), column.type)]
    modified = _MODIFIED.fullmatch(column.type)
    if modified:
        asked[0] = (f"{asked[0][0]}\n       AND {_modifier(modified[1], modified['modifier'])}", column.type)
    return asked


def type_condition(type_name: str) -> str:
    """SQL that compares `type` and `atttypid` with a type; PostgreSQL reads its name."""
    return fill("verify_column_type", type=literal(type_name))


def _modifier(base: str, modifier: str | None) -> str:
    expected = modifier.replace(" ", "") if modifier else {"character": "1", "bit": "1"}.get(base)
    if base == "numeric" and expected and "," not in expected:
        expected += ",0"
    return fill("verify_column_modifier", modifier=literal(expected) if expected else "NULL")


def _nullability(column: Column, catalog: Catalog) -> list[tuple[str, str]]:
    if column.not_null is None:
        return []
    if column.not_null or column.identity or _in_primary_key(column, catalog):
        return [("attnotnull", "not null")]
    return [("NOT attnotnull", "nullable")]


def _in_primary_key(column: Column, catalog: Catalog) -> bool:
    constraints = catalog.constraints.get(column.relation, {}).values()
    return any(known.kind == "primary key" and column.name in known.columns for known in constraints)


def _value(column: Column, catalog: Catalog) -> list[tuple[str, str]]:
    if column.generated:
        kind = _GENERATED.get(column.generated, column.generated)
        return [(f"attgenerated = {literal(kind)}", f"generated, {column.generated} (its expression is not compared)")]
    if column.identity:
        kind = {"always": "a", "by default": "d"}.get(column.identity, column.identity)
        return [(f"attidentity = {literal(kind)}", f"identity {_IDENTITY.get(kind, kind)}")]
    if column.default is UNSET:
        return []
    asked = condition(column.default, column.type, catalog)
    return [(f"attidentity = '' AND attgenerated = '' AND {asked[0]}", asked[1])]

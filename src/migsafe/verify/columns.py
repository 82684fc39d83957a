"""A column: type, nullability, default, identity, generation."""

import re

from msgspec import UNSET

from migsafe.model.catalog import Catalog, Column
from migsafe.sql.quote import literal
from migsafe.verify import defaults, sameness
from migsafe.verify.proof import Asked, fill

_IDENTITY = {"a": "always", "d": "by default"}
_GENERATED = {"stored": "s", "virtual": "v"}

# Types whose modifier the server prints as it was written; others (geography(Point)) are printed in another way.
_MODIFIED = re.compile(
    r'(?:\w+\.|"[^"]+"\.)?(numeric|character varying|character|bit varying|bit|timestamp|time|interval|vector|halfvec'
    r"|sparsevec)(?:\((?P<modifier>[\d,\s-]+)\))?(?: with(?:out)? time zone)?(?:\[\])?"
)


def asked(column: Column, catalog: Catalog, whole: bool) -> Asked:
    """What is asked of a column. Attributes that are not known are not asked for."""
    value, first = _value(column, catalog)
    pairs = [*_type(column), *_collation(column, whole), *_nullability(column, catalog), *value]
    return Asked(
        tuple(f"({condition})" for condition, _ in pairs), ", ".join(phrase for _, phrase in pairs if phrase), first
    )


def _type(column: Column) -> list[tuple[str, str]]:
    if column.type is None:
        return []
    pairs = [(type_condition(column.type), column.type)]
    modified = _MODIFIED.fullmatch(column.type)
    if modified:
        pairs[0] = (f"{pairs[0][0]}\n       AND {_modifier(modified[1], modified['modifier'])}", column.type)
    return pairs


def _collation(column: Column, whole: bool) -> list[tuple[str, str]]:
    if column.collation:
        name = column.collation.rsplit(".", 1)[-1]
        return [(f"collated = {literal(name)}", f"collate {name}")]
    return [("collated IS NULL", "")] if whole else []


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


def _value(column: Column, catalog: Catalog) -> tuple[list[tuple[str, str]], str | None]:
    if column.generated:
        return _generated(column, catalog)
    if column.identity:
        kind = {"always": "a", "by default": "d"}.get(column.identity, column.identity)
        return [(f"attidentity = {literal(kind)}", f"identity {_IDENTITY.get(kind, kind)}")], None
    if column.default is UNSET:
        return [], None
    plain = "attidentity = '' AND attgenerated = ''"
    if column.default and defaults.is_same_everywhere(column.default, column.type, catalog):
        written = [sameness.Expression(column.default, column.type)]
        first = sameness.expressions("column", column.name, column.relation, written, catalog, reads=False)
        return [(f"{plain} AND {sameness.HOLDS}", f"default {column.default}")], first
    condition, words = defaults.condition(column.default, column.type, catalog)
    return [(f"{plain} AND {condition}", words)], None


def _generated(column: Column, catalog: Catalog) -> tuple[list[tuple[str, str]], str | None]:
    kind = f"attgenerated = {literal(_GENERATED.get(column.generated or '', column.generated or ''))}"
    written = column.default if isinstance(column.default, str) else None
    if written is None or not sameness.is_of_columns(written, column.relation, catalog):
        return [(kind, f"generated, {column.generated} (its expression is not compared)")], None
    expression = [sameness.Expression(written, column.type)]
    first = sameness.expressions("column", column.name, column.relation, expression, catalog, reads=True)
    return [(kind, f"generated always as ({written}) {column.generated}"), (sameness.HOLDS, "")], first

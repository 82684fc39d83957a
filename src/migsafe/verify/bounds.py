"""A partition's bound: compared as text where the server prints it as it was written."""

import re

from migsafe.model.catalog import Catalog, Relation
from migsafe.sql.quote import literal

_NUMBERS = re.compile(r"(smallint|integer|bigint)")
_STRINGS = re.compile(r"(text|character varying|citext)(\(\d+\))?")
_VALUES = {
    _NUMBERS: re.compile(r"-?\d+|MINVALUE|MAXVALUE|NULL"),
    _STRINGS: re.compile(r"'(?:[^'\\]|'')*'|MINVALUE|MAXVALUE|NULL"),
    re.compile("date"): re.compile(r"'\d{4}-\d\d-\d\d'|MINVALUE|MAXVALUE|NULL"),
}
_VALUE = re.compile(r"'(?:[^']|'')*'(?:::\w+)?|[^\s,()]+\([^)]*\)|[^\s,()]+")
_UNQUOTED = re.compile(r"(?<!')\b(minvalue|maxvalue)\b(?!')")


def condition(relation: Relation, catalog: Catalog) -> str | None:
    """SQL over `bound`; None where the session or the type decides how a value is printed."""
    bound = _UNQUOTED.sub(lambda word: word[0].upper(), relation.bound or "")
    if bound == "DEFAULT" or bound.startswith("FOR VALUES WITH"):
        return f"bound = {literal(bound)}"
    parent = catalog.relations.get(relation.parents[0]) if relation.parents else None
    columns = catalog.columns.get(parent.name, {}) if parent else {}
    keys = parent.partition_key if parent else ()
    types = {columns[key].type or "" if key in columns else "" for key in keys if key} if None not in keys else set()
    kinds = [kind for kind in _VALUES if len(types) == 1 and kind.fullmatch(next(iter(types)))]
    values = [word for word in _VALUE.findall(bound) if word not in ("FOR", "VALUES", "FROM", "TO", "IN")]
    if not kinds or not all(_VALUES[kinds[0]].fullmatch(value) for value in values):
        return None
    # Dates are printed as the session's DateStyle has them.
    return f"(current_setting('DateStyle') !~ '^ISO' OR bound = {literal(bound)})"

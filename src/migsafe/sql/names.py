"""Names of statements as the catalog spells them: `schema.name`, found along the search path."""

from collections.abc import Mapping
from typing import Any

from migsafe.model.catalog import Catalog
from migsafe.sql.nodes import pb
from migsafe.sql.parse import strings

SYSTEM = ("pg_catalog.", "information_schema.", "pg_toast.")
_LONGEST = 63


def relation(name: pb.RangeVar, catalog: Catalog) -> str:
    """The relation that a name stands for; the first schema of the path when nothing by that name is known."""
    if name.schemaname:
        return f"{name.schemaname}.{name.relname}"
    return found(name.relname, catalog, catalog.relations, catalog.indexes)


def found(name: str, catalog: Catalog, *known: Mapping[str, Any]) -> str:
    """A bare name looked up in `known` along the search path, before which stand pg_temp and pg_catalog."""
    for schema in ("pg_temp", "pg_catalog", *catalog.search_path):
        if any(f"{schema}.{name}" in things for things in known):
            return f"{schema}.{name}"
    return f"pg_catalog.{name}" if name.startswith("pg_") else created(name, catalog)


def created(name: str, catalog: Catalog) -> str:
    """Where a new object with a bare name goes: the first schema of the search path."""
    return f"{catalog.search_path[0] if catalog.search_path else 'public'}.{name}"


def new_relation(name: pb.RangeVar, catalog: Catalog) -> str:
    """The name of a relation about to be created; temporary ones are in pg_temp."""
    if name.relpersistence == "t":
        return f"pg_temp.{name.relname}"
    return f"{name.schemaname}.{name.relname}" if name.schemaname else created(name.relname, catalog)


def listed(parts: Any, catalog: Catalog, *known: Mapping[str, Any]) -> str:
    """A name given as a list of String nodes, looked up in `known` when it is bare."""
    names = strings(parts)
    return ".".join(names[-2:]) if len(names) > 1 else found(names[-1], catalog, *known)


def split(name: str) -> tuple[str, str]:
    """Schema and bare name of `schema.name`."""
    schema, _, bare = name.partition(".")
    return schema, bare


def bare(name: str) -> str:
    return split(name)[1]


def is_system(name: str) -> bool:
    return name.startswith(SYSTEM)


def chosen(first: str, second: str, label: str, taken: Any) -> str:
    """The name PostgreSQL gives to a constraint, index or sequence that has none (makeObjectName in indexcmds.c).

    `first`, `second` and `label` are joined by `_` and cut to 63 bytes, longest part first; a number is appended
    until `taken(name)` is false.
    """
    for attempt in range(10_000):
        name = _joined(first, second, f"{label}{attempt or ''}")
        if not taken(name):
            return name
    return _joined(first, second, label)


def _joined(first: str, second: str, label: str) -> str:
    room = _LONGEST - len(label.encode()) - 1 - (1 if second else 0)
    one, two = len(first.encode()), len(second.encode())
    while one + two > room:
        if one > two:
            one -= 1
        else:
            two -= 1
    parts = [_cut(first, one), *([_cut(second, two)] if second else []), label]
    return "_".join(parts)


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")


def truncated(name: str) -> str:
    """`name` as the server stores it: at most 63 bytes."""
    return name if len(name) < 16 else _cut(name, _LONGEST)

"""What rows the tables of a database take: columns, types, keys, checks and bounds, read in one go."""

from typing import Any

import msgspec
import psycopg

from migsafe.postgres.queries import query

Connection = psycopg.Connection[Any]


class Type(msgspec.Struct, frozen=True):
    """A row of pg_type: `kind` is typtype; `element`, an oid, of what an array, domain or range is made."""

    oid: int
    name: str
    kind: str
    element: int
    labels: tuple[str, ...] = ()
    modifier: int = -1


class Column(msgspec.Struct, frozen=True):
    """A column of a table; `printed` is its type as SQL."""

    name: str
    type: int
    modifier: int
    printed: str
    not_null: bool
    generated: bool


class Check(msgspec.Struct, frozen=True):
    """A CHECK constraint, and the columns in it."""

    name: str
    definition: str
    columns: tuple[str, ...]


class Key(msgspec.Struct, frozen=True):
    """A foreign key: columns here, and those of the table of that oid which they refer to."""

    columns: tuple[str, ...]
    there: int
    others: tuple[str, ...]


class Table(msgspec.Struct, frozen=True):
    """A table that takes rows; `bounds` of its partitions."""

    oid: int
    schema: str
    name: str
    partitioned: bool
    columns: tuple[Column, ...]
    keys: tuple[Key, ...]
    checks: tuple[Check, ...]
    bounds: tuple[str, ...]
    partition_key: tuple[str, ...]


class Tables(msgspec.Struct, frozen=True):
    """All tables by oid, and all types by oid."""

    tables: dict[int, Table]
    types: dict[int, Type]


def read(connection: Connection) -> Tables:
    """Everything that is needed to make rows. Sees what any role sees."""
    columns: dict[int, list[Column]] = {}
    heads: dict[int, tuple[str, str, bool]] = {}
    for oid, schema, name, *column, partitioned in connection.execute(query("rehearse_columns")).fetchall():
        heads[oid] = (schema, name, partitioned)
        columns.setdefault(oid, []).append(Column(*column))
    pairs: dict[tuple[int, int, int], list[tuple[str, str]]] = {}
    for key, oid, column_name, there, other in connection.execute(query("rehearse_keys")).fetchall():
        pairs.setdefault((key, oid, there), []).append((column_name, other))
    keys: dict[int, list[Key]] = {}
    for (_, oid, there), found in pairs.items():
        keys.setdefault(oid, []).append(Key(tuple(here for here, _ in found), there, tuple(far for _, far in found)))
    checks: dict[int, list[Check]] = {}
    for oid, check_name, definition, names in connection.execute(query("rehearse_checks")).fetchall():
        checks.setdefault(oid, []).append(Check(check_name, definition, tuple(names)))
    bounds: dict[int, tuple[list[str], tuple[str, ...]]] = {}
    for oid, bound, names in connection.execute(query("rehearse_bounds")).fetchall():
        bounds.setdefault(oid, ([], tuple(names)))[0].append(bound)
    tables = {
        oid: Table(
            oid=oid,
            schema=schema,
            name=name,
            partitioned=partitioned,
            columns=tuple(columns[oid]),
            keys=tuple(keys.get(oid, ())),
            checks=tuple(checks.get(oid, ())),
            bounds=tuple(bounds[oid][0]) if oid in bounds else (),
            partition_key=bounds[oid][1] if oid in bounds else (),
        )
        for oid, (schema, name, partitioned) in heads.items()
    }
    rows = connection.execute(query("rehearse_types")).fetchall()
    return Tables(tables, {row[0]: Type(row[0], row[1], row[2], row[3], tuple(row[4]), row[5]) for row in rows})

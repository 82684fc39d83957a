"""What a scratch database holds, small as it is: its objects, and the values of every column."""

import re

import msgspec
from psycopg import sql

from migsafe.postgres.described import describe
from migsafe.postgres.fitting import Connection, Table, read

_PLACE = re.compile(r"^\d+; ")


class Contents(msgspec.Struct, frozen=True):
    """`objects`: definition by `kind name`, columns without their place; `order`: the place of columns.

    `rows`: by `schema.table` how many; `values`: by `schema.table.column` a text of all its values, whatever the order,
    empty where every one is NULL.
    """

    objects: dict[str, str]
    order: dict[str, str]
    rows: dict[str, int]
    values: dict[str, str]


def contents(connection: Connection, leave: frozenset[str] = frozenset()) -> Contents:
    """Everything in the database but the tables `leave` (`schema.name`)."""
    objects, order = {}, {}
    for kind, name, definition in describe(connection):
        if any(_belongs(name, definition, each) for each in leave):
            continue
        place = _PLACE.match(definition) if kind == "column" else None
        if place is not None:
            order[name] = place[0]
        # A downgrade() that indents a function's body in another way has brought it back.
        objects[f"{kind} {name}"] = " ".join((definition[place.end() :] if place is not None else definition).split())
    rows, values = _rows(connection, leave)
    return Contents(objects, order, rows, values)


def _belongs(name: str, definition: str, table: str) -> bool:
    """Whether an object is `table`, of it, or about it (`owner table public.t`)."""
    return name.split(" ")[-1] == table or name.startswith(f"{table}.") or f" ON {table} USING " in definition


def _rows(connection: Connection, leave: frozenset[str]) -> tuple[dict[str, int], dict[str, str]]:
    tables = {f"{each.schema}.{each.name}": each for each in read(connection).tables.values()}
    tables = {label: table for label, table in tables.items() if label not in leave}
    if not tables:
        return {}, {}
    # One query for all tables: a round trip for each is what would take the time.
    asked = sql.SQL("\nUNION ALL ").join(_summed(label, table) for label, table in tables.items())
    rows: dict[str, int] = {}
    values: dict[str, str] = {}
    for label, count, sums in connection.execute(asked).fetchall():
        rows[label] = count
        columns = tables[label].columns
        values |= {f"{label}.{each.name}": text or "" for each, text in zip(columns, sums, strict=True)}
    return rows, values


def _summed(label: str, table: Table) -> sql.Composed:
    all_of_it = "md5(string_agg(md5(coalesce({0}::text, 'NULL ')), '' ORDER BY {0}::text COLLATE \"C\"))"
    each = f"CASE WHEN count({{0}}) > 0 THEN {all_of_it} END"
    sums = sql.SQL(", ").join(sql.SQL(each).format(sql.Identifier(column.name)) for column in table.columns)
    return sql.SQL("SELECT {}, count(*), ARRAY[{}]::text[] FROM {}").format(
        sql.Literal(label), sums, sql.Identifier(table.schema, table.name)
    )

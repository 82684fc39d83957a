"""Makes a few rows in every table of a scratch database, with every constraint of it kept."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec
import psycopg
from psycopg import sql

from migsafe.postgres.fitting import Connection, Key, Table, Tables, read
from migsafe.postgres.queries import query
from migsafe.rehearse.insert import Row, insert, tried
from migsafe.rehearse.values import value

ROWS = 3
# In the second row every column is NULL that may be.
_SPARSE = 2
# A key to a key to a key; beyond it there is a circle.
_DEEPEST = 8

# The rows of a table by their number.
Rows = dict[int, Row]
# The rows that a table took, or why it took none.
Taken = Rows | str
Remembered = dict[Any, Taken]


def fill(
    connection: Connection,
    leave: frozenset[str] = frozenset(),
    remembered: Remembered | None = None,
    *,
    nulls: bool = True,
) -> dict[str, str]:
    """Rows for every table that has none; `leave` are `schema.name` to pass over. What could not be made, and why.

    Values depend on type and number only, but for what a CHECK wants: row 2 of a table refers to row 2 of another, as
    that is. Triggers do not fire and keys are not checked meanwhile, where the role may say so (superuser). The
    connection must be in autocommit. `remembered`, kept from call to call, saves trying again what a table took or
    refused. Without `nulls` no row has a NULL where a value is known.
    """
    tables = read(connection)
    known = {} if remembered is None else remembered
    failed: dict[str, str] = {}
    with suppress(psycopg.errors.InsufficientPrivilege):
        connection.execute("SET session_replication_role = replica")
    try:
        listed = [each for each in _those_referred_to_first(tables) if _label(each) not in leave]
        empty = {each.oid for each in _empty(connection, listed)}
        referred = {key.there for each in listed for key in each.keys}
        there: dict[int, Rows] = {}
        for table in listed:
            if table.oid in empty:
                rows = {n: _row(table, tables, n, there, nulls) for n in range(1, ROWS + 1)}
                found = _taken(connection, table, rows, known)
                if isinstance(found, str):
                    failed[_label(table)] = found
                else:
                    there[table.oid] = found
            elif table.oid in referred:
                there[table.oid] = _present(connection, table)
        failed |= _without_orphans(connection, tables)
    finally:
        with suppress(psycopg.errors.InsufficientPrivilege):
            connection.execute("RESET session_replication_role")
    connection.execute(query("rehearse_sequences"))
    return failed


def _those_referred_to_first(tables: Tables) -> list[Table]:
    """Every table after those that its keys refer to; in a circle, as it comes."""
    found: dict[int, Table] = {}
    begun = set[int]()

    def add(oid: int) -> None:
        if oid in begun or oid not in tables.tables:
            return
        begun.add(oid)
        for key in tables.tables[oid].keys:
            add(key.there)
        found[oid] = tables.tables[oid]

    for oid in tables.tables:
        add(oid)
    return list(found.values())


def _taken(connection: Connection, table: Table, rows: Rows, known: Remembered) -> Taken:
    """The rows that the table takes now, of `rows` or like them; the reason why it takes none."""
    key = (msgspec.json.encode(table), *(tuple(row.items()) for row in rows.values()))
    before = known.get(key)
    if isinstance(before, dict) and tried(connection, table, tuple(before.values())) is not None:
        before = None
    found = known[key] = _first(connection, table, rows) if before is None else before
    return found


def _first(connection: Connection, table: Table, rows: Rows) -> Taken:
    if not _unknown(table, rows) and tried(connection, table, tuple(rows.values())) is None:
        return rows
    made: Rows = {}
    reasons: list[str] = []
    for n, row in rows.items():
        unknown = _unknown(table, {n: row})
        found = f"no value is known for the type of {', '.join(unknown)}" if unknown else None
        done = found or insert(connection, table, row, n)
        if isinstance(done, str):
            reasons.append(done)
        else:
            made[n] = done
    return made or reasons[0]


def _unknown(table: Table, rows: Rows) -> list[str]:
    """Columns that need a value, and there is none."""
    wanted = (each.name for each in table.columns if each.not_null and not each.generated)
    return [name for name in wanted if any(row.get(name) is None for row in rows.values())]


def _present(connection: Connection, table: Table) -> Rows:
    """Rows that are there already, as text."""
    names = [each.name for each in table.columns]
    texts = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names)
    asked = sql.SQL("SELECT {} FROM {} LIMIT {}").format(texts, _name(table), sql.Literal(ROWS))
    found = connection.execute(asked).fetchall()
    return {n: dict(zip(names, texts, strict=True)) for n, texts in enumerate(found, 1)}


def _without_orphans(connection: Connection, tables: Tables) -> dict[str, str]:
    """Take rows away that refer to what could not be made; the tables that are empty then, and why."""
    emptied: dict[str, str] = {}
    gone = 1
    while gone:
        gone = 0
        for table in tables.tables.values():
            for key in table.keys:
                if key.there in tables.tables:
                    found = connection.execute(_orphans(table, key, tables.tables[key.there])).rowcount
                    gone += found
                    if found and table in _empty(connection, [table]):
                        emptied[_label(table)] = f"no row could be made in {_label(tables.tables[key.there])}"
    return emptied


def _orphans(table: Table, key: Key, there: Table) -> sql.Composed:
    pairs = list(zip(key.columns, key.others, strict=True))
    same = (sql.SQL("far.{} = near.{}").format(sql.Identifier(far), sql.Identifier(near)) for near, far in pairs)
    given = (sql.SQL("near.{} IS NOT NULL").format(sql.Identifier(near)) for near, _ in pairs)
    return sql.SQL("DELETE FROM {} near WHERE {} AND NOT EXISTS (SELECT FROM {} far WHERE {})").format(
        _name(table), sql.SQL(" AND ").join(given), _name(there), sql.SQL(" AND ").join(same)
    )


def _empty(connection: Connection, tables: list[Table]) -> list[Table]:
    if not tables:
        return []
    each = sql.SQL("SELECT {}::bigint WHERE NOT EXISTS (SELECT FROM {})")
    asked = sql.SQL(" UNION ALL ").join(each.format(sql.Literal(table.oid), _name(table)) for table in tables)
    empty = {oid for (oid,) in connection.execute(asked).fetchall()}
    return [table for table in tables if table.oid in empty]


def _row(table: Table, tables: Tables, n: int, there: Mapping[int, Rows], nulls: bool) -> Row:
    row: Row = {}
    for column in table.columns:
        if column.generated:
            continue
        sparse = nulls and n == _SPARSE and not column.not_null and column.name not in table.partition_key
        row[column.name] = None if sparse else _value(table, column.name, tables, n, there)
    return row


def _value(table: Table, name: str, tables: Tables, n: int, there: Mapping[int, Rows], depth: int = 0) -> str | None:
    """The value of a column, or of the one that it refers to, however far away that is."""
    key = next((key for key in table.keys if name in key.columns and key.there in tables.tables), None)
    if key is not None and depth < _DEEPEST:
        far = key.others[key.columns.index(name)]
        if (referred := _referred(key, n, there)) is not None:
            return referred[far]
        return _value(tables.tables[key.there], far, tables, n, there, depth + 1)
    column = next(each for each in table.columns if each.name == name)
    if column.type not in tables.types:
        return None
    return value(tables.types[column.type], column.modifier, n, tables.types)


def _referred(key: Key, n: int, there: Mapping[int, Rows]) -> Row | None:
    """The row that row `n` refers to by `key`: number `n` of those that are there, or any."""
    rows = there.get(key.there, {})
    whole = {number: row for number, row in rows.items() if all(row.get(far) is not None for far in key.others)}
    return whole.get(n) or next(iter(whole.values()), None)


def _label(table: Table) -> str:
    return f"{table.schema}.{table.name}"


def _name(table: Table) -> sql.Identifier:
    return sql.Identifier(table.schema, table.name)

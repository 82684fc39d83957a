"""Makes a few rows in every table of a scratch database, with every constraint of it kept."""

import itertools
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, LiteralString

import msgspec
import psycopg
from psycopg import sql

from migsafe.postgres.fitting import Check, Connection, Key, Table, Tables, read
from migsafe.postgres.queries import query
from migsafe.rehearse.values import value

ROWS = 3
# With the second row every column is NULL that may be.
_SPARSE = 2
_TRIES = 200
# A key to a key to a key; beyond it there is a circle.
_DEEPEST = 8
_LITERAL = re.compile(r"'((?:[^']|'')*)'|(?<![\w.])(-?\d+(?:\.\d+)?)")
_USUAL = (
    *("0", "1", "-1", "100", "a", "", "a@b.cc", "https://a.b/c", "true", "false", "{}"),
    # What is checked by a pattern most: digests and keys in hexadecimal.
    *("A" * length for length in (8, 16, 40)),
    *("a" * length for length in (32, 40, 64, 128)),
)

Row = dict[str, str | None]
# The rows that a table took, or why it took none.
Taken = tuple[Row, ...] | str
Remembered = dict[Any, Taken]


def fill(
    connection: Connection, leave: frozenset[str] = frozenset(), remembered: Remembered | None = None
) -> dict[str, str]:
    """Rows for every table that has none; `leave` are `schema.name` to pass over. What could not be made, and why.

    Values depend on type and number only: row 2 of a table refers to row 2 of another, whichever is made first.
    Triggers do not fire and keys are not checked meanwhile, where the role may say so (superuser). The connection must
    be in autocommit. `remembered`, kept from call to call, saves trying again what a table took or refused.
    """
    tables = read(connection)
    known = {} if remembered is None else remembered
    failed: dict[str, str] = {}
    with suppress(psycopg.errors.InsufficientPrivilege):
        connection.execute("SET session_replication_role = replica")
    try:
        for table in _empty(connection, [each for each in tables.tables.values() if _label(each) not in leave]):
            key = (msgspec.json.encode(table), *_row(table, tables, 1).items())
            found = known[key] = _again(connection, table, known.get(key)) or _first(connection, table, tables)
            if isinstance(found, str):
                failed[_label(table)] = found
        failed |= _without_orphans(connection, tables)
    finally:
        with suppress(psycopg.errors.InsufficientPrivilege):
            connection.execute("RESET session_replication_role")
    connection.execute(query("rehearse_sequences"))
    return failed


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


def _again(
    connection: Connection, table: Table, known: "tuple[Row, ...] | str | None"
) -> "tuple[Row, ...] | str | None":
    """What the table took or refused before, when it still does; None when it has to be found out."""
    if known is None or isinstance(known, str):
        return known
    return known if _tried(connection, table, known) is None else None


def _first(connection: Connection, table: Table, tables: Tables) -> Taken:
    """The rows that the table took; the reason why it took none."""
    all_at_once = tuple(_row(table, tables, n) for n in range(1, ROWS + 1))
    if _tried(connection, table, all_at_once) is None:
        return all_at_once
    made: list[Row] = []
    reasons: list[str] = []
    for n in range(1, ROWS + 1):
        found = _insert(connection, table, tables, n)
        if isinstance(found, str):
            reasons.append(found)
        else:
            made.append(found)
    return tuple(made) if made else reasons[0]


def _insert(connection: Connection, table: Table, tables: Tables, n: int) -> Row | str:
    """Insert row `n`, trying other values where a CHECK or a partition refuses; the row, or what stands against it."""
    first = _row(table, tables, n)
    unknown = [each.name for each in table.columns if first.get(each.name) is None and each.not_null]
    unknown = [name for name in unknown if name in first]
    if unknown:
        return f"no value is known for the type of {', '.join(unknown)}"
    reason = ""
    tried = itertools.chain([first], _others(table, first, n))
    for row in itertools.islice(tried, _TRIES):
        error = _tried(connection, table, (row,))
        if error is None:
            return row
        reason = reason or " ".join(str(error.diag.message_primary or error).split())
        if not isinstance(error, psycopg.errors.CheckViolation | psycopg.DataError):
            return reason
    return reason


def _tried(connection: Connection, table: Table, rows: tuple[Row, ...]) -> psycopg.Error | None:
    printed = {each.name: each.printed for each in table.columns}
    names = tuple(rows[0])
    values = sql.SQL(", ").join(
        sql.SQL("({})").format(sql.SQL(", ").join(_literal(row[name], printed[name]) for name in names)) for row in rows
    )
    statement = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES {}").format(
        _name(table), sql.SQL(", ").join(map(sql.Identifier, names)), values
    )
    if not names:
        statement = sql.SQL("INSERT INTO {} DEFAULT VALUES").format(_name(table))
    try:
        connection.execute(statement)
    except psycopg.Error as error:
        return error
    return None


def _literal(text: str | None, type_name: str) -> sql.Composable:
    # A type's name as format_type() prints it is SQL.
    return sql.NULL if text is None else sql.SQL(f"{{}}::{_escaped(type_name)}").format(sql.Literal(text))


def _escaped(text: str) -> LiteralString:
    return text.replace("{", "{{").replace("}", "}}")


def _row(table: Table, tables: Tables, n: int) -> Row:
    row: Row = {}
    for column in table.columns:
        if column.generated:
            continue
        sparse = n == _SPARSE and not column.not_null and column.name not in table.partition_key
        row[column.name] = None if sparse else _value(table, column.name, tables, n)
    return row


def _value(table: Table, name: str, tables: Tables, n: int, depth: int = 0) -> str | None:
    """The value of a column, or of the one that it refers to, however far away that is."""
    there = next((key for key in table.keys if name in key.columns and key.there in tables.tables), None)
    if there is not None and depth < _DEEPEST:
        far = there.others[there.columns.index(name)]
        return _value(tables.tables[there.there], far, tables, n, depth + 1)
    column = next(each for each in table.columns if each.name == name)
    if column.type not in tables.types:
        return None
    return value(tables.types[column.type], column.modifier, n, tables.types)


def _others(table: Table, first: Row, n: int) -> Iterator[Row]:
    """Rows with other values for the columns of CHECKs and of the partition key: what their texts name, first."""
    nullable = {each.name for each in table.columns if not each.not_null}
    choices = [(check, _candidates(check.definition)) for check in table.checks]
    if table.partition_key:
        bounds = " ".join(table.bounds)
        choices.append((Check("partition", bounds, table.partition_key), _candidates(bounds)))
    named: dict[str, list[str | None]] = {}
    for check, candidates in choices:
        for column in check.columns:
            if column in first:
                known = named.setdefault(column, [first[column]])
                known += [each for each in candidates[n - 1 :] + candidates[: n - 1] if each not in known]
                known += [None] if column in nullable and None not in known else []
    single = ({**first, column: text} for column, texts in named.items() for text in texts[1:])
    yield from single
    for texts in itertools.product(*(values[:6] for values in named.values())):
        yield {**first, **dict(zip(named, texts, strict=True))}


def _candidates(text: str) -> list[str]:
    """Constants of an expression, and what is just beside numbers."""
    found: list[str] = []
    for word, number in _LITERAL.findall(text):
        near = [number, *_beside(number)] if number else [word.replace("''", "'")]
        found += [each for each in near if each not in found]
    return found + [each for each in _USUAL if each not in found]


def _beside(number: str) -> list[str]:
    return [str(int(number) + 1), str(int(number) - 1)] if number.lstrip("-").isdigit() else []


def _label(table: Table) -> str:
    return f"{table.schema}.{table.name}"


def _name(table: Table) -> sql.Identifier:
    return sql.Identifier(table.schema, table.name)

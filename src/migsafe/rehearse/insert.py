"""Inserts a row, with other values where a CHECK or a partition refuses the first ones."""

import itertools
import re
from collections.abc import Iterator
from typing import LiteralString

import psycopg
from psycopg import sql

from migsafe.postgres.fitting import Check, Connection, Table

_TRIES = 200
_LITERAL = re.compile(r"'((?:[^']|'')*)'|(?<![\w.])(-?\d+(?:\.\d+)?)")
_USUAL = (
    *("0", "1", "-1", "100", "a", "", "a@b.cc", "https://a.b/c", "true", "false", "{}"),
    # What is checked by a pattern most: digests and keys in hexadecimal.
    *("A" * length for length in (8, 16, 40)),
    *("a" * length for length in (32, 40, 64, 128)),
)
_PARTITION = "partition"

Row = dict[str, str | None]


def insert(connection: Connection, table: Table, first: Row, n: int) -> Row | str:
    """Insert row `n`, `first` or one that is like it; the row, or what stands against it.

    One CHECK after the other is seen to: the server says which refuses, and tells of the next when that one is kept.
    """
    row, error = first, tried(connection, table, (first,))
    reason = "" if error is None else " ".join(str(error.diag.message_primary or error).split())
    seen, left = set[str](), _TRIES
    while error is not None:
        check = _refusing(table, error)
        if check is None or check.name in seen:
            return _any(connection, table, first, n) or reason
        seen.add(check.name)
        kept = list[tuple[Row, psycopg.Error | None]]()
        for other in itertools.islice(_others(table, row, (check,), n), left):
            left -= 1
            found = tried(connection, table, (other,))
            if found is None or (_refusing(table, found) or check).name not in seen:
                kept.append((other, found))
            # Row 2 takes the second value that is kept: there may be a key on it.
            if kept and (found is None or len(kept) == n):
                break
        if not kept:
            return _any(connection, table, first, n) or reason
        row, error = kept[-1]
    return row


def tried(connection: Connection, table: Table, rows: tuple[Row, ...]) -> psycopg.Error | None:
    """Insert `rows` in one statement; the error if there is one, and then none of them is in."""
    printed = {each.name: each.printed for each in table.columns}
    names = tuple(rows[0])
    values = sql.SQL(", ").join(
        sql.SQL("({})").format(sql.SQL(", ").join(_literal(row[name], printed[name]) for name in names)) for row in rows
    )
    into = sql.Identifier(table.schema, table.name)
    statement = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES {}").format(
        into, sql.SQL(", ").join(map(sql.Identifier, names)), values
    )
    if not names:
        statement = sql.SQL("INSERT INTO {} DEFAULT VALUES").format(into)
    try:
        connection.execute(statement)
    except psycopg.Error as error:
        return error
    return None


def _any(connection: Connection, table: Table, first: Row, n: int) -> Row | None:
    """For checks that the server does not name (those of a domain) and such that hang together: all columns at once."""
    for row in itertools.islice(_others(table, first, _checks(table), n), _TRIES):
        error = tried(connection, table, (row,))
        if error is None:
            return row
        if not isinstance(error, psycopg.errors.CheckViolation | psycopg.DataError):
            return None
    return None


def _refusing(table: Table, error: psycopg.Error) -> Check | None:
    if not isinstance(error, psycopg.errors.CheckViolation):
        return None
    name = error.diag.constraint_name or _PARTITION
    return next((each for each in _checks(table) if each.name == name), None)


def _checks(table: Table) -> tuple[Check, ...]:
    if not table.partition_key:
        return table.checks
    return (*table.checks, Check(_PARTITION, " ".join(table.bounds), table.partition_key))


def _literal(text: str | None, type_name: str) -> sql.Composable:
    # A type's name as format_type() prints it is SQL.
    return sql.NULL if text is None else sql.SQL(f"{{}}::{_escaped(type_name)}").format(sql.Literal(text))


def _escaped(text: str) -> LiteralString:
    return text.replace("{", "{{").replace("}", "}}")


def _others(table: Table, first: Row, checks: tuple[Check, ...], n: int) -> Iterator[Row]:
    """Rows with other values for the columns of `checks`: what their texts name, first."""
    nullable = {each.name for each in table.columns if not each.not_null}
    named: dict[str, list[str | None]] = {}
    for check in checks:
        candidates = _candidates(check.definition)
        for column in check.columns:
            if column in first:
                known = named.setdefault(column, [first[column]])
                known += [each for each in candidates[n - 1 :] + candidates[: n - 1] if each not in known]
                known += [None] if column in nullable and None not in known else []
    yield from ({**first, column: text} for column, texts in named.items() for text in texts[1:])
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

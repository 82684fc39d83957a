"""What a database holds, object by object and row by row, in texts that are equal where the databases are."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from migsafe.postgres.queries import query

Connection = psycopg.Connection[Any]
Object = tuple[str, str, str]
"""Kind (`table`, `column`, `owner`…), quoted name, and what it is like."""

_MODULUS = 1 << 128
# pg_dump's own (pg_dump.c, setup_connection), and the time zone that migsafe gives it.
_SETTINGS: Mapping[str, str] = {
    "search_path": "",
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "extra_float_digits": "3",
    "row_security": "off",
    "quote_all_identifiers": "off",
}


def describe(connection: Connection) -> tuple[Object, ...]:
    """Every object of the database that pg_dump would save. Any role sees all of it."""
    with _settled(connection):
        return tuple(connection.execute(query("backup_catalog")).fetchall())


def facts(connection: Connection) -> dict[str, Any]:
    """Name, version, encoding and locale, roles and tablespaces in use; `identifier` of the cluster, None if hidden."""
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(query("backup_facts")).fetchone()
    assert found is not None
    return found | {"identifier": identifier(connection)}


def identifier(connection: Connection) -> str | None:
    """The cluster's system identifier; None when this role may not see it."""
    try:
        with connection.transaction():
            row = connection.execute(query("backup_cluster")).fetchone()
    except psycopg.errors.InsufficientPrivilege:
        return None
    return str(row[0]) if row is not None else None


def target(connection: Connection) -> dict[str, Any]:
    """What there is to know of a database to restore into: the columns of the query, and `identifier`."""
    with connection.cursor(row_factory=dict_row) as cursor, _settled(connection):
        found = cursor.execute(query("backup_target")).fetchone()
    assert found is not None
    return found | {"identifier": identifier(connection)}


def count(connection: Connection, schema: str, name: str) -> int:
    """Rows of one table, without those of its children. Raises psycopg.Error when there is no such table."""
    with _settled(connection):
        statement = sql.SQL("SELECT pg_catalog.count(*) FROM ONLY {}").format(sql.Identifier(schema, name))
        row = connection.execute(statement).fetchone()
    assert row is not None
    return int(row[0])


def sequence(connection: Connection, name: str) -> tuple[int, bool]:
    """`last_value` and `is_called` of a sequence, by its quoted name. Raises psycopg.Error when there is none."""
    with _settled(connection):
        row = connection.execute(f"SELECT last_value, is_called FROM {name}".encode()).fetchone()
    assert row is not None
    return int(row[0]), bool(row[1])


def copied(connection: Connection, columns: str, encoding: str) -> str:
    """The checksum of what COPY prints of `columns` (`public.users (id, name)`), in the `encoding` of the dump.

    It is the same as of the dump's text of the same rows, in whatever order.
    """
    with _settled(connection):
        connection.execute("SELECT pg_catalog.set_config('client_encoding', %s, true)", (encoding,))
        with connection.cursor() as cursor, cursor.copy(f"COPY {columns} TO STDOUT".encode()) as rows:
            return checksum(bytes(row) for row in rows)


def checksum(rows: Iterable[bytes]) -> str:
    """A checksum that does not depend on the order of `rows`, which are lines of COPY's text format."""
    total = 0
    for row in rows:
        total = add(total, row)
    return text_of(total)


def add(total: int, row: bytes) -> int:
    """`total`, from 0, with one more row in it."""
    return (total + int.from_bytes(hashlib.blake2b(row, digest_size=16).digest())) % _MODULUS


def text_of(total: int) -> str:
    """A checksum in hex."""
    return f"{total:032x}"


@contextmanager
def _settled(connection: Connection) -> Iterator[None]:
    """A transaction (or a part of the open one) in which texts are as pg_dump prints them."""
    with connection.transaction():
        for name, value in _SETTINGS.items():
            connection.execute("SELECT pg_catalog.set_config(%s, %s, true)", (name, value))
        yield

"""What a half-done revision has already made durable, kept in the database beside the version table.

The table `migsafe_progress` exists only between the first durable part of a revision and the commit that moves the
version (decision 014): a revision of one transaction never sees it, and neither does autogenerate.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
import psycopg
from psycopg import sql

TABLE = "migsafe_progress"


class Done(msgspec.Struct, frozen=True):
    """Statement `number` (from 0) of a revision; `digest` over its text and values.

    `finished` is False for an autocommit statement that was started and never reported back.
    """

    number: int
    digest: str
    finished: bool


def load(connection: psycopg.Connection[Any], schema: str | None, revision: str) -> dict[int, Done]:
    """What is recorded of `revision`, by number; empty when there is no such table."""
    table = _table(schema)
    name = table.as_string(None)
    found = connection.execute("SELECT pg_catalog.to_regclass(%s) IS NOT NULL", (name,)).fetchone()
    if not found or not found[0]:
        return {}
    rows = connection.execute(
        sql.SQL("SELECT number, digest, finished FROM {} WHERE revision = %s").format(table), (revision,)
    ).fetchall()
    return {number: Done(number, digest, finished) for number, digest, finished in rows}


def record_sql(schema: str | None, revision: str, done: Iterable[Done]) -> list[str]:
    """SQL that records `done`, without parameters so that every driver sends it alike."""
    table = _table(schema)
    create = sql.SQL(
        "CREATE TABLE IF NOT EXISTS {} (revision text, number integer, digest text, finished boolean,"
        " at timestamptz DEFAULT pg_catalog.clock_timestamp(), PRIMARY KEY (revision, number))"
    ).format(table)
    insert = sql.SQL(
        "INSERT INTO {} (revision, number, digest, finished) VALUES {} "
        "ON CONFLICT (revision, number) DO UPDATE SET digest = excluded.digest, finished = excluded.finished"
    )
    rows = sql.SQL(", ").join(
        sql.SQL("({}, {}, {}, {})").format(
            sql.Literal(revision), sql.SQL(str(each.number)), sql.Literal(each.digest), sql.SQL(str(each.finished))
        )
        for each in done
    )
    return [create.as_string(None), insert.format(table, rows).as_string(None)]


def clear_sql(schema: str | None) -> str:
    """SQL that ends the record, in the transaction that moves the version."""
    return sql.SQL("DROP TABLE IF EXISTS {}").format(_table(schema)).as_string(None)


def versions(connection: psycopg.Connection[Any], version_table: str) -> tuple[str, ...]:
    """The rows of the version table, sorted; empty when there is none."""
    table = sql.Identifier(*version_table.split(".", 1))
    found = connection.execute("SELECT pg_catalog.to_regclass(%s) IS NOT NULL", (table.as_string(None),)).fetchone()
    if not found or not found[0]:
        return ()
    return tuple(sorted(row[0] for row in connection.execute(sql.SQL("SELECT version_num FROM {}").format(table))))


def _table(schema: str | None) -> sql.Identifier:
    return sql.Identifier(schema, TABLE) if schema else sql.Identifier(TABLE)

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

    `finished` is False for an autocommit statement that was started and never reported back; `found` is then what the
    catalog had before it, as run/seen.py writes it.
    """

    number: int
    digest: str
    finished: bool
    found: str | None = None


def load(connection: psycopg.Connection[Any], schema: str | None, revision: str) -> dict[int, Done]:
    """What is recorded of `revision`, by number; empty when there is no such table."""
    table = _table(schema)
    name = table.as_string(None)
    found = connection.execute("SELECT pg_catalog.to_regclass(%s) IS NOT NULL", (name,)).fetchone()
    if not found or not found[0]:
        return {}
    rows = connection.execute(
        sql.SQL("SELECT number, digest, finished, found FROM {} WHERE revision = %s").format(table), (revision,)
    ).fetchall()
    return {row[0]: Done(*row) for row in rows}


def record_sql(schema: str | None, revision: str, done: Iterable[Done]) -> list[str]:
    """SQL that records `done`, without parameters so that every driver sends it alike."""
    table = _table(schema)
    create = sql.SQL(
        "CREATE TABLE IF NOT EXISTS {} (revision text, number integer, digest text, finished boolean, pid integer,"
        " found text,"
        " at timestamptz DEFAULT pg_catalog.clock_timestamp(), PRIMARY KEY (revision, number))"
    ).format(table)
    insert = sql.SQL(
        "INSERT INTO {} (revision, number, digest, finished, found, pid) VALUES {} "
        "ON CONFLICT (revision, number) DO UPDATE SET digest = excluded.digest, finished = excluded.finished,"
        " found = excluded.found, pid = excluded.pid, at = excluded.at"
    )
    rows = sql.SQL(", ").join(
        sql.SQL("({}, {}, {}, {}, {}, pg_catalog.pg_backend_pid())").format(
            sql.Literal(revision),
            sql.SQL(str(each.number)),
            sql.Literal(each.digest),
            sql.SQL(str(each.finished)),
            sql.Literal(each.found),
        )
        for each in done
    )
    return [create.as_string(None), insert.format(table, rows).as_string(None)]


def note(connection: psycopg.Connection[Any], schema: str | None, revision: str, number: int, found: str) -> None:
    """Change what is recorded to be found of a statement that goes on."""
    statement = sql.SQL("UPDATE {} SET found = %s WHERE revision = %s AND number = %s").format(_table(schema))
    connection.execute(statement, (found, revision, number))


def forget_sql(schema: str | None, revision: str, number: int) -> str:
    """SQL that takes back the record of one statement: it was started, and did nothing."""
    statement = sql.SQL("DELETE FROM {} WHERE revision = {} AND number = {}")
    return statement.format(_table(schema), sql.Literal(revision), sql.SQL(str(number))).as_string(None)


def finish_sql(schema: str | None, revision: str, number: int) -> str:
    """SQL by which a person says that a statement has done its work."""
    statement = sql.SQL("UPDATE {} SET finished = true WHERE revision = {} AND number = {}")
    return statement.format(_table(schema), sql.Literal(revision), sql.SQL(str(number))).as_string(None)


def still_working(connection: psycopg.Connection[Any], schema: str | None, revision: str, number: int) -> int | None:
    """The pid of the session that started a recorded statement, while that session goes on: its client may be gone.

    A server notices only at the next message that nobody listens any more. A pooler may have given that session to
    `connection`: who can ask has ended what it did before.
    """
    statement = sql.SQL(
        "SELECT a.pid FROM {} AS p JOIN pg_catalog.pg_stat_activity AS a ON a.pid = p.pid AND a.backend_start <= p.at"
        " AND a.datname = pg_catalog.current_database() AND a.state = 'active' AND a.pid <> pg_catalog.pg_backend_pid()"
        " WHERE p.revision = %s AND p.number = %s"
    )
    row = connection.execute(statement.format(_table(schema)), (revision, number)).fetchone()
    return row[0] if row else None


def clear_sql(schema: str | None) -> str:
    """SQL that ends the record, in the transaction that moves the version."""
    return sql.SQL("DROP TABLE IF EXISTS {}").format(_table(schema)).as_string(None)


def versions(connection: psycopg.Connection[Any], version_table: str) -> tuple[str, ...]:
    """The rows of the version table, sorted; empty when there is none. `connection` is in autocommit."""
    statement = sql.SQL("SELECT version_num FROM {}").format(sql.Identifier(*version_table.split(".", 1)))
    try:
        return tuple(sorted(row[0] for row in connection.execute(statement)))
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return ()


def _table(schema: str | None) -> sql.Identifier:
    return sql.Identifier(schema, TABLE) if schema else sql.Identifier(TABLE)

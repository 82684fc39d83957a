"""Saved rows in tables of the schema migsafe_undo, for where no file may hold rows."""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from migsafe.model.report import BackupFile
from migsafe.model.saved import Chunk, Part
from migsafe.saved import reading
from migsafe.saved.copying import Put
from migsafe.sql.quote import identifier, literal

SCHEMA = "migsafe_undo"


class Tables:
    """Chunks as tables of their own, each durable with its commit. `run` is the name of the run directory."""

    def __init__(self, run: str) -> None:
        self.run = run

    def prepare(self, connection: psycopg.Connection[Any]) -> None:
        """Make the schema, and the table that says which run each table is of."""
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}".encode())
        connection.execute(f"CREATE TABLE IF NOT EXISTS {SCHEMA}.runs (name text PRIMARY KEY, run text)".encode())

    def put(
        self,
        connection: psycopg.Connection[Any],
        part: Part,
        types: Sequence[str],
        number: int,
        select: str,
        newer: bool,
    ) -> Put | None:
        name = f"{_short(self.run)}_{number:06}"
        table = f"{SCHEMA}.{identifier(name)}"
        with connection.transaction():
            connection.execute(f"DROP TABLE IF EXISTS {table}".encode())
            rows = connection.execute(f"CREATE TABLE {table} AS {reading.texts(part, select)}".encode()).rowcount
            if not rows:
                connection.execute(f"DROP TABLE {table}".encode())
                return None
            listed = f"INSERT INTO {SCHEMA}.runs VALUES ({literal(name)}, {literal(self.run)}) ON CONFLICT DO NOTHING"
            connection.execute(listed.encode())
        size = connection.execute("SELECT pg_catalog.pg_table_size(%s::regclass)", (table,)).fetchone()
        assert size is not None
        chunk = Chunk(file=BackupFile(path=name, bytes=size[0], sha256=""), rows=rows, newer=newer, table=name)
        return Put(chunk, self._last(connection, part, types, table), size[0])

    def _last(
        self, connection: psycopg.Connection[Any], part: Part, types: Sequence[str], table: str
    ) -> tuple[str, ...]:
        if not part.key:
            return ()
        names = [identifier(name) for name in part.key]
        order = ", ".join(f"{name}::{kind} DESC" for name, kind in zip(names, types, strict=False))
        row = connection.execute(f"SELECT {', '.join(names)} FROM {table} ORDER BY {order} LIMIT 1".encode()).fetchone()
        assert row is not None
        return tuple(row)


def of_run(connection: psycopg.Connection[Any], run: str) -> tuple[str, ...]:
    """The tables that hold rows of a run."""
    found = connection.execute("SELECT pg_catalog.to_regclass(%s) IS NOT NULL", (f"{SCHEMA}.runs",)).fetchone()
    if not found or not found[0]:
        return ()
    rows = connection.execute(
        sql.SQL("SELECT name FROM {} WHERE run = %s ORDER BY name").format(sql.Identifier(SCHEMA, "runs")), (run,)
    )
    return tuple(row[0] for row in rows.fetchall())


def drop(connection: psycopg.Connection[Any], names: tuple[str, ...]) -> None:
    """Drop tables of a run; the schema with the last of them."""
    for name in names:
        with connection.transaction():
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(SCHEMA, name)))
            connection.execute(
                sql.SQL("DELETE FROM {} WHERE name = %s").format(sql.Identifier(SCHEMA, "runs")), (name,)
            )
    left = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(SCHEMA, "runs"))).fetchone()
    if left and left[0] == 0:
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(SCHEMA)))


def _short(run: str) -> str:
    """What of a run's name fits into an identifier: its time, to the millisecond."""
    return run.partition("_")[0].replace(":", "-")

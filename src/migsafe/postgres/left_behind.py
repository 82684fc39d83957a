"""What a run has left in the database: only read, and by a role that may do nothing else."""

import re
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from migsafe.model.status import Leftover
from migsafe.postgres.leftovers import Partition, Worker, finalize_sql, worker_on
from migsafe.postgres.progress import TABLE
from migsafe.postgres.queries import query

_COPIES = (
    # What REINDEX CONCURRENTLY calls the index that it builds, and the old one (manual, REINDEX).
    (re.compile(r"_ccnew\d*$"), "new copy of an index"),
    (re.compile(r"_ccold\d*$"), "old copy of an index"),
)


class Row(msgspec.Struct, frozen=True):
    """A row of migsafe_progress. `number` counts from 0, `at` is ISO 8601 in UTC."""

    revision: str
    number: int
    digest: str
    finished: bool
    at: str


def progress_rows(connection: psycopg.Connection[Any], schema: str | None) -> tuple[Row, ...] | None:
    """What is recorded of half-done revisions, () where the table is not; None where this role may not read it."""
    table = sql.Identifier(schema, TABLE) if schema else sql.Identifier(TABLE)
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(query("status_table"), {"name": table.as_string(None)}).fetchone()
        if found is None or not found["readable"]:
            return () if found is None else None
        statement = sql.SQL(
            "SELECT revision, number, digest, finished,"
            " to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS+00:00') AS at"
            " FROM {} ORDER BY revision, number"
        )
        rows = cursor.execute(statement.format(table)).fetchall()
    return tuple(msgspec.convert(row, Row) for row in rows)


def leftovers(connection: psycopg.Connection[Any]) -> tuple[Leftover, ...]:
    """Invalid indexes, the copies of REINDEX CONCURRENTLY, and partitions that are half detached, of the database."""
    with connection.cursor(row_factory=dict_row) as cursor:
        indexes = cursor.execute(query("status_indexes")).fetchall()
        detaching = cursor.execute(query("status_detaching")).fetchall()
    found = [_index(row, worker_on(connection, row["oid"])) for row in indexes]
    return (*found, *(_partition(row) for row in detaching))


def _index(row: dict[str, Any], worker: Worker | None) -> Leftover:
    kind = next((kind for pattern, kind in _COPIES if pattern.search(row["name"])), "invalid index")
    name = sql.Identifier(*row["name"].split(".", 1)).as_string(None)
    facts = {"kind": kind, "name": row["name"], "relation": row["relation"], "worker": worker.pid if worker else None}
    return msgspec.convert({**facts, "end": f"DROP INDEX CONCURRENTLY {name};"}, Leftover)


def _partition(row: dict[str, Any]) -> Leftover:
    return Leftover(
        kind="partition half detached",
        name=row["child"],
        relation=row["parent"],
        end=f"{finalize_sql(Partition(row['parent'], row['child'], True))};",
    )

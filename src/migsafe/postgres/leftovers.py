"""What a CONCURRENTLY statement that was cut off leaves behind: known by oid, for a name may be somebody else's."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from migsafe.postgres.queries import query

# What REINDEX CONCURRENTLY calls the index that it builds, and the old one once the new has its name (manual, REINDEX).
_NEW = re.compile(r"_ccnew\d*$")
_OLD = re.compile(r"_ccold\d*$")


class IndexFound(msgspec.Struct, frozen=True):
    """An index as it is now; names are `schema.name`, unquoted. `columns` has None for an expression.

    `valid`: queries may use it. `maintained`: every write pays for it.
    """

    oid: int
    name: str
    relation: str
    valid: bool
    maintained: bool
    unique: bool
    method: str
    columns: tuple[str | None, ...]
    definition: str

    @property
    def is_new_copy(self) -> bool:
        """Whether it is named as what REINDEX CONCURRENTLY was building."""
        return not self.valid and _NEW.search(self.name) is not None

    @property
    def is_old_copy(self) -> bool:
        """Whether it is named as what REINDEX CONCURRENTLY has replaced."""
        return not self.valid and _OLD.search(self.name) is not None


class Worker(msgspec.Struct, frozen=True):
    """A session that makes or drops an index, or changes the table of it in another way; `builds`: some index."""

    pid: int
    builds: bool


class Partition(msgspec.Struct, frozen=True):
    """A partition, by name; `pending`: DETACH CONCURRENTLY of it was cut off half-way."""

    parent: str
    child: str
    pending: bool


def find_indexes(
    connection: psycopg.Connection[Any],
    *,
    oids: Iterable[int] = (),
    names: Iterable[str] = (),
    tables: Iterable[str] = (),
) -> tuple[IndexFound, ...]:
    """Indexes by oid, by name (`schema.name`, unquoted), and all of those tables and of their TOAST tables."""
    wanted = {"oids": list(oids), "names": list(names), "tables": list(tables)}
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query("leftover_indexes"), wanted).fetchall()
    return tuple(msgspec.convert(row, IndexFound) for row in rows)


def worker_on(connection: psycopg.Connection[Any], oid: int) -> Worker | None:
    """The session that may be making or dropping index `oid` still, though the run that asked for it is gone.

    pg_locks, and the pids in the progress views, are visible to everybody.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(query("leftover_worker"), {"oid": oid}).fetchone()
    return msgspec.convert(row, Worker) if row else None


def drop_index(connection: psycopg.Connection[Any], index: IndexFound, within: float) -> bool:
    """Drop that invalid index without stopping writes, if it has its name still; whether it is gone.

    No lock_timeout, but `within` seconds for all of it, since it waits for whoever reads the table: what it has not
    come to in that time, the index is invalid after as before. The connection must be in autocommit.
    """
    found = find_indexes(connection, oids=(index.oid,))
    if not found:
        return True
    if found[0].valid:
        return False
    connection.execute(
        "SELECT pg_catalog.set_config('lock_timeout', '0', false),"
        " pg_catalog.set_config('statement_timeout', %s, false)",
        (f"{max(1, round(within * 1000))}ms",),
    )
    name = sql.Identifier(*found[0].name.split(".", 1))
    try:
        connection.execute(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(name))
    except psycopg.errors.QueryCanceled:
        return False
    finally:
        connection.execute("RESET lock_timeout; RESET statement_timeout")
    return True


def partition_oids(
    connection: psycopg.Connection[Any], parent: str, children: Iterable[str]
) -> tuple[tuple[int, int], ...]:
    """The oids of `parent` and of each of `children` that is a partition of it, by name (`schema.name`, unquoted)."""
    rows = connection.execute(query("partition_of"), {"parent": parent, "children": list(children)}).fetchall()
    return tuple((row[0], row[1]) for row in rows)


def partition(connection: psycopg.Connection[Any], parent: int, child: int) -> Partition | None:
    """The partition `child` of `parent`, by oid; None when it is none any more."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(query("partition_state"), {"parent": parent, "child": child}).fetchone()
    return msgspec.convert(row, Partition) if row else None


def finalize_sql(partition: Partition) -> str:
    """SQL that finishes a DETACH CONCURRENTLY that was cut off (manual, ALTER TABLE)."""
    names = (sql.Identifier(*name.split(".", 1)) for name in (partition.parent, partition.child))
    return sql.SQL("ALTER TABLE {} DETACH PARTITION {} FINALIZE").format(*names).as_string(None)

"""A live database → DatabaseStatistics: how large its relations are, and how busy they and it are."""

from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from migsafe.model.statistics import DatabaseStatistics, RelationStatistics
from migsafe.postgres.queries import query
from migsafe.postgres.sqlstate import server_message

Connection = psycopg.Connection[Any]
Row = dict[str, Any]


def read_statistics(connection: Connection) -> DatabaseStatistics:
    """Sizes and counters of the database of `connection`, which must be idle and in autocommit mode.

    Any role may ask. What it cannot see is None, and a note says which GRANT would show it. Sizes are rounded up to two
    digits, rates to two: a file of them changes only where the database does.
    """
    server = _one(connection, "statistics_server")
    transaction, longest, unseen = _activity(connection, server)
    slowest, unknown = _slowest(connection, server)
    rows = connection.cursor(row_factory=dict_row).execute(query("statistics_relations")).fetchall()
    return DatabaseStatistics(
        server_version=server["server_version"].partition(" ")[0],
        written=server["written"],
        since=server["since"],
        longest_transaction=transaction,
        longest_query=longest,
        slowest_statement=slowest,
        notes=(*unseen, *unknown),
        relations=tuple(_relation(row, server["seconds"]) for row in rows),
    )


def _one(connection: Connection, name: str) -> Row:
    row = connection.cursor(row_factory=dict_row).execute(query(name)).fetchone()
    assert row is not None
    return row


def _activity(connection: Connection, server: Row) -> tuple[float | None, float | None, tuple[str, ...]]:
    row = _one(connection, "statistics_activity")
    if row["masked"]:
        role = sql.Identifier(server["role"]).as_string(connection)
        return None, None, (f"longest_transaction, longest_query: sessions are hidden; {_GRANT} TO {role}",)
    return rounded(row["longest_transaction"] or 0), rounded(row["longest_query"] or 0), ()


_GRANT = "GRANT pg_read_all_stats"


def _slowest(connection: Connection, server: Row) -> tuple[float | None, tuple[str, ...]]:
    schema = server["statements_in"]
    if schema is None:
        return None, ("slowest_statement: the extension pg_stat_statements is not in this database",)
    text = sql.SQL(query("statistics_statements")).format(schema=sql.Identifier(schema))
    try:
        row = connection.cursor(row_factory=dict_row).execute(text).fetchone()
    except psycopg.Error as error:
        role = sql.Identifier(server["role"]).as_string(connection)
        remedy = f"; GRANT USAGE ON SCHEMA {schema}, and SELECT on the view, TO {role}"
        lacks = isinstance(error, psycopg.errors.InsufficientPrivilege)
        return None, (f"slowest_statement: {server_message(error).primary}{remedy if lacks else ''}",)
    return (rounded(row["slowest"]) if row and row["slowest"] is not None else None), ()


def _relation(row: Row, seconds: float | None) -> RelationStatistics:
    return RelationStatistics(
        name=row["name"],
        rows=None if row["rows"] is None else rounded_up(row["rows"]),
        bytes=rounded_up(row["bytes"]),
        index_bytes=rounded_up(row["index_bytes"]),
        writes=_rate(row["writes"], seconds),
        reads=_rate(row["reads"], seconds),
    )


def _rate(count: float | None, seconds: float | None) -> float | None:
    return rounded(count / seconds) if count is not None and seconds else None


def rounded(value: float) -> float:
    """Two digits, and none behind the second decimal: 0.0312 is 0.03, 1234.5 is 1200."""
    return float(f"{round(value, 2):.2g}")


def rounded_up(value: float) -> int:
    """At least `value`, in two digits: a table is never told smaller than it is."""
    whole = -int(-value // 1)
    step: int = 10 ** max(0, len(str(whole)) - 2)
    return -(-whole // step) * step

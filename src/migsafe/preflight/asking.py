"""Questions to the server: each in a read-only transaction of its own, with limits."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row

from migsafe.postgres.queries import query

TIMEOUT_SECONDS = 10
# pg_table_size() and pg_get_indexdef() take ACCESS SHARE: preflight must not stand in a queue either.
LOCK_TIMEOUT_SECONDS = 2

Connection = psycopg.Connection[Any]
Row = dict[str, Any]


@contextmanager
def reading(connection: Connection, timeout: float = TIMEOUT_SECONDS) -> Iterator[None]:
    """A transaction that cannot write, does not wait long, and has `timeout` seconds for a statement.

    Everything is LOCAL: a transaction pooler would hand a session's settings to the next client.
    """
    with connection.transaction():
        connection.execute(
            f"SET LOCAL transaction_read_only = on; SET LOCAL statement_timeout = {round(timeout * 1000)};"
            f" SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'"
        )
        yield


def ask(connection: Connection, name: str, /, **parameters: object) -> list[Row]:
    """The rows of the query `name` of postgres/*.sql."""
    with reading(connection), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query(name), parameters).fetchall()

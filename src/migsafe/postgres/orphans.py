"""Our own session of which the connection was lost: the server may go on with it, and it keeps its locks."""

from typing import Any

import psycopg
from psycopg.rows import scalar_row

# `state` and `backend_start` of a session of one's own role are visible to everybody.
_STATE = """
SELECT state FROM pg_catalog.pg_stat_activity
WHERE pid = %(pid)s AND datname = pg_catalog.current_database()
  AND backend_start <= pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => %(seconds)s)
"""
_END = """
SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
WHERE pid = %(pid)s AND datname = pg_catalog.current_database() AND state LIKE 'idle in transaction%%'
  AND backend_start <= pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => %(seconds)s)
"""


def state_of(connection: psycopg.Connection[Any], pid: int, seconds: float) -> str | None:
    """What session `pid` does (`active`, `idle in transaction`…), if it is at least `seconds` old; None: it is gone.

    The age tells it from a new session that got the same pid.
    """
    with connection.cursor(row_factory=scalar_row) as cursor:
        found: str | None = cursor.execute(_STATE, {"pid": pid, "seconds": seconds}).fetchone()
    return found


def end_idle(connection: psycopg.Connection[Any], pid: int, seconds: float) -> None:
    """End session `pid` of ours if it is idle in a transaction: nobody is left who could commit that."""
    connection.execute(_END, {"pid": pid, "seconds": seconds})

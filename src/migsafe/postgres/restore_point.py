"""A mark in the WAL to which a recovery can go back: just before a migration."""

from typing import Any

import msgspec
import psycopg
from psycopg.rows import dict_row

from migsafe.postgres.queries import query

# pg_create_restore_point() takes at most MAXFNAMELEN - 1 bytes (xlogfuncs.c).
LONGEST_NAME = 63


class Mark(msgspec.Struct, frozen=True):
    """A place in the WAL: `lsn`, and `name` when there is a restore point. `because` says why there is none."""

    lsn: str
    name: str | None = None
    because: str | None = None


def mark(connection: psycopg.Connection[Any], name: str, *, without_archive: bool = False) -> Mark:
    """Create the restore point `name` (cut to 63 bytes) where this role and the server allow it; else where WAL is now.

    Where nothing is archived, nothing can be recovered to it: then it is made only `without_archive`.
    Raises psycopg's errors.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(query("preflight_may_mark")).fetchone()
        assert row is not None
        because = _why_not(row, connection.info.user, without_archive)
        if because is None:
            name = name.encode()[:LONGEST_NAME].decode(errors="ignore")
            made = cursor.execute("SELECT pg_create_restore_point(%s)::text AS lsn", (name,)).fetchone()
            assert made is not None
            return Mark(made["lsn"], name)
        function = "pg_last_wal_replay_lsn" if row["in_recovery"] else "pg_current_wal_lsn"
        now = cursor.execute(f"SELECT {function}()::text AS lsn".encode()).fetchone()
        assert now is not None
        return Mark(now["lsn"], because=because)


def _why_not(row: dict[str, Any], user: str, without_archive: bool) -> str | None:
    if row["in_recovery"]:
        return "the server is a standby"
    if row["wal_level"] == "minimal":
        return "wal_level is minimal"
    if row["archive_mode"] == "off" and not without_archive:
        return "archive_mode is off"
    if not row["may"]:
        return f"this role may not: GRANT EXECUTE ON FUNCTION pg_create_restore_point(text) TO {user};"
    return None

"""Which part of a server is full, from the file that it names: `could not extend file "pg_tblspc/16385/…"`."""

import re
from typing import Any

import psycopg

_TABLESPACE = re.compile(r"pg_tblspc/(\d+)/")


def place(connection: psycopg.Connection[Any], message: str) -> str:
    """Where space is needed, for a message of class 53100 (disk_full). Raises psycopg.Error."""
    found = _TABLESPACE.search(message)
    temporary = " (temporary files of a sort or an index build)" if "pgsql_tmp" in message else ""
    if found is not None:
        row = connection.execute(
            "SELECT spcname, pg_catalog.pg_tablespace_location(oid) FROM pg_catalog.pg_tablespace WHERE oid = %s",
            (found[1],),
        ).fetchone()
        if row is not None:
            return f"in tablespace {row[0]} ({row[1]}){temporary}"
    if "pg_wal" in message or "pg_xlog" in message:
        return "where it keeps its WAL (pg_wal)"
    # Hidden from whom is no member of pg_read_all_settings.
    row = connection.execute("SELECT pg_catalog.current_setting('data_directory', true)").fetchone()
    return f"in its data directory{f' ({row[0]})' if row and row[0] else ''}{temporary}"

"""The schema of one database made again in another, without its rows."""

import os
import subprocess
from collections.abc import Iterable, Mapping

from psycopg import sql

from migsafe.errors import ToolMissing
from migsafe.postgres.binaries import find
from migsafe.postgres.connection import Database, connect, redact


def copy_schema(
    source: Database,
    target: Database,
    *,
    version_table: str,
    stand_ins: Mapping[str, str] | None = None,
    rows_of: Iterable[str] = (),
) -> tuple[str, ...]:
    """Make the schema of `source` in `target`, with the rows of `version_table` and of the tables `rows_of`, no others.

    `stand_ins` has SQL by name of an extension that the other server lacks; it is run first, in the extension's
    schema, for those that `source` has. Returns what could not be made, a sentence each. Raises ToolMissing when there
    is no pg_dump for the version of `source`, or when pg_dump fails.
    """
    with connect(source) as connection:
        version = connection.info.server_version // 10000
        installed = connection.execute(
            "SELECT e.extname, n.nspname FROM pg_catalog.pg_extension e"
            " JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace"
        ).fetchall()
    _stand_in(target, dict(installed), stand_ins or {})
    pg_dump, psql = find("pg_dump", version), find("psql", version)
    schema = _dump(str(pg_dump), source, "--schema-only")
    rows = b"".join(
        _known_settings(_dump(str(pg_dump), source, "--data-only", f"--table={_pattern(table)}", strict=False))
        for table in dict.fromkeys((version_table, *rows_of))
    )
    made = subprocess.run(
        [str(psql), "--no-psqlrc", "--quiet", "--no-password"],
        input=_known_settings(schema) + rows,
        env=os.environ | target.environment(),
        capture_output=True,
        check=False,
    )
    errors = (line for line in made.stderr.decode(errors="replace").splitlines() if "ERROR:" in line)
    return tuple(error.partition("ERROR:")[2].strip() for error in errors)


def _pattern(table: str) -> str:
    """Quoted, because pg_dump takes a pattern, which it would fold to lower case."""
    return ".".join(f'"{part}"' for part in table.split(".", 1))


def _known_settings(dump: bytes) -> bytes:
    """Without what only servers from 17 on know: pg_dump sets it from 17 on, whatever the server (measured)."""
    settings, encoding, rest = dump.partition(b"\nSET client_encoding = ")
    return settings.replace(b"\nSET transaction_timeout = 0;", b"") + encoding + rest


def _stand_in(target: Database, installed: Mapping[str, str], stand_ins: Mapping[str, str]) -> None:
    with connect(target) as connection:
        for name in installed.keys() & stand_ins.keys():
            schema = sql.Identifier(installed[name])
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
            connection.execute(sql.SQL("SET search_path = {}").format(schema))
            if stand_ins[name]:
                connection.execute(stand_ins[name].encode())


def _dump(pg_dump: str, source: Database, *options: str, strict: bool = True) -> bytes:
    # A lock that is not to be had within a second means DDL is under way: its schema is nothing to copy.
    done = subprocess.run(
        [pg_dump, "--no-owner", "--no-privileges", "--no-password", "--lock-wait-timeout=1000", *options],
        env=os.environ | source.environment(),
        capture_output=True,
        check=False,
    )
    if done.returncode and strict:
        reason = redact(done.stderr.decode(errors="replace").strip().splitlines()[-1:][0], source)
        raise ToolMissing(f"the schema could not be copied: {reason}")
    return done.stdout if not done.returncode else b""

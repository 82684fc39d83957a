"""Roles and tablespaces belong to the cluster and are in no dump of a database: `globals.sql`, without passwords."""

import os
import subprocess
from pathlib import Path

from migsafe.backup.dump import condensed, environment
from migsafe.errors import ToolMissing
from migsafe.postgres.binaries import find
from migsafe.postgres.connection import Database, redact

GLOBALS = "globals.sql"
TIMEOUT = 300.0


def write_globals(database: Database, folder: Path, server_version: int) -> str | None:
    """Write `folder/globals.sql` with pg_dumpall; returns why there is none, None when it is there. Raises OSError."""
    path = folder / GLOBALS
    try:
        program = find("pg_dumpall", server_version)
    except ToolMissing as error:
        return f"roles and tablespaces are not in it: {error.message}"
    command = [str(program), "--globals-only", "--no-role-passwords", "--no-password"]
    command += [f"--database={database.dbname}"] if database.dbname else []
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.PIPE,
                env=environment(database),
                timeout=TIMEOUT,
                check=False,
            )
            said = done.stderr.decode(errors="replace") if done.returncode != 0 else None
        except subprocess.TimeoutExpired:
            said = f"pg_dumpall had not ended after {TIMEOUT:.0f} s"
    if said is None:
        return None
    path.unlink()
    reason = condensed(said.splitlines()).removeprefix("pg_dumpall: ").removeprefix("error: ")
    return f"roles and tablespaces are not in it: {redact(reason, database)}"

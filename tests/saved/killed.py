"""A child process that saves or restores, to be killed."""

import os
import sys
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from migsafe.postgres.connection import Database
from saved.undoing import Undoing


def main() -> None:
    """What to do and the run directory are arguments, the connection is in the environment."""
    found = {"host": "PGHOST", "port": "PGPORT", "dbname": "PGDATABASE", "user": "PGUSER"}
    database = Database({keyword: os.environ[name] for keyword, name in found.items()})

    def connect(to: Database = database, *, autocommit: bool = True, **_: Any) -> psycopg.Connection[Any]:
        return psycopg.connect(make_conninfo("", **to.parameters), autocommit=autocommit)

    undoing = Undoing(database, connect, Path(sys.argv[2]))
    if sys.argv[1] == "undo":
        undoing.undo()
    else:
        undoing.migrate("ALTER TABLE t DROP COLUMN b", "DELETE FROM n WHERE a > 100")

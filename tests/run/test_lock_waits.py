"""A lock that is not to be had is waited for with nothing held, a bounded time, and who is in the way is named."""

import threading
import time

import psycopg
import pytest

from fix_postgres import Connect
from fix_stories import FIRST_LINE, EnterStory, RunTo, outcomes, wait_for, with_driver, write_chain
from migsafe.model.run import Blocker

ADD_COLUMN = 'op.execute("ALTER TABLE t ADD COLUMN n integer")'
VERSION = "SELECT version_num FROM alembic_version"


def report_on(connect: Connect, table: str = "t") -> psycopg.Connection[tuple[object, ...]]:
    """A session that has read the table and not ended its transaction."""
    report = connect(autocommit=False, application_name="nightly report")
    report.execute(f"SELECT * FROM {table}".encode())
    return report


def test_a_report_is_waited_for_and_the_revision_run_again(
    enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    write_chain(enter_story("generic"), 'op.execute("CREATE TABLE unrelated (id integer)")', ADD_COLUMN)
    connect().execute("CREATE TABLE t (id integer)")
    report = report_on(connect)
    waits: list[tuple[tuple[Blocker, ...], float]] = []
    held: list[object] = []

    def blocked(blockers: tuple[Blocker, ...], pause: float) -> None:
        query = "SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass AND pid <> %s"
        held.append(connect().execute(query, (report.info.backend_pid,)).fetchone())
        waits.append((blockers, pause))
        if len(waits) == 2:
            report.rollback()

    ran = run_to(on_blocked=blocked, lock_timeout=0.05, queue_behind=60.0)
    assert outcomes(ran) == ["done", "done"]
    assert (ran.failure, ran.stopped_at) == (None, None)
    first, second = ran.steps
    assert [len(step.attempts) for step in ran.steps] == [1, 3]
    assert [attempt.sqlstate for attempt in second.attempts] == ["55P03", "55P03", None]
    assert held == [(0,), (0,)]
    (blocker,) = waits[0][0]
    assert (blocker.pid, blocker.application) == (report.info.backend_pid, "nightly report")
    assert (blocker.relation, blocker.mode, blocker.state) == ("public.t", "ACCESS SHARE", "idle in transaction")
    assert second.attempts[0].blocked_by[0].pid == blocker.pid
    assert second.attempts[0].place == f"migrations/versions/f01_written.py:{FIRST_LINE}"
    assert second.attempts[0].statement == "ALTER TABLE t ADD COLUMN n integer"
    assert (first.statements, second.statements) == (1, 1)


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg"])
def test_a_report_that_ends_by_itself_is_outwaited(
    driver: str, enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    write_chain(with_driver(enter_story, driver), ADD_COLUMN)
    connect().execute("CREATE TABLE t (id integer)")
    report = report_on(connect)
    leaving = threading.Timer(0.2, report.rollback)

    def blocked(_blockers: tuple[Blocker, ...], _pause: float) -> None:
        if leaving.ident is None:
            leaving.start()

    ran = run_to(on_blocked=blocked, lock_timeout=0.05, queue_behind=60)
    leaving.join()
    assert outcomes(ran) == ["done"]
    assert len(ran.steps[0].attempts) > 1
    assert {attempt.sqlstate for attempt in ran.steps[0].attempts[:-1]} == {"55P03"}
    assert ran.steps[0].attempts[0].blocked_by[0].pid == report.info.backend_pid


def test_the_blocker_of_one_revision_is_not_looked_for_in_another_with_the_same_line(
    enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    write_chain(enter_story("generic"), 'op.execute("CREATE TABLE other (id integer)")', ADD_COLUMN)
    connect().execute("CREATE TABLE t (id integer)")
    report = report_on(connect)
    ran = run_to(lock_timeout=0.05, deadline=0.1)
    assert [(each.pid, each.relation) for each in ran.steps[1].attempts[-1].blocked_by] == [
        (report.info.backend_pid, "public.t")
    ]


def test_the_blocker_of_a_loop_is_that_of_its_turn(enter_story: EnterStory, run_to: RunTo, connect: Connect) -> None:
    loop = 'for name in ("t", "u"):\n    op.execute(f"ALTER TABLE {name} ADD COLUMN n integer")'
    write_chain(enter_story("generic"), loop)
    for name in ("t", "u"):
        connect().execute(f"CREATE TABLE {name} (id integer)".encode())
    report = report_on(connect, "u")
    ran = run_to(lock_timeout=0.05, deadline=0.1)
    (blocker,) = ran.steps[0].attempts[-1].blocked_by
    assert (blocker.pid, blocker.relation) == (report.info.backend_pid, "public.u")


def test_after_the_deadline_nothing_is_changed(enter_story: EnterStory, run_to: RunTo, connect: Connect) -> None:
    write_chain(enter_story("generic"), 'op.execute("CREATE TABLE made (id integer)")\n' + ADD_COLUMN)
    connect().execute("CREATE TABLE t (id integer)")
    report_on(connect)
    before = time.monotonic()
    ran = run_to(lock_timeout=0.05, deadline=2, queue_behind=60)
    assert time.monotonic() - before < 60
    assert (outcomes(ran), ran.stopped_at) == (["failed"], "deadline")
    place = f"migrations/versions/f00_written.py:{FIRST_LINE + 1}"
    assert ran.failure == f"{place}: a lock could not be had in time: ALTER TABLE t ADD COLUMN n integer"
    assert f"{ran.remedy}".endswith("migsafe upgrade f00 --deadline 30min")
    assert connect().execute("SELECT to_regclass('made'), to_regclass('alembic_version')").fetchone() == (None, None)
    assert len(ran.steps[0].attempts) > 1


def test_an_ordinary_failure_after_the_deadline_is_a_failure(
    enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    write_chain(enter_story("generic"), 'op.execute("SELECT pg_sleep(0.2)")\nop.execute("SELECT 1 / 0")')
    ran = run_to(deadline=0.1)
    assert (outcomes(ran), ran.stopped_at) == (["failed"], None)
    assert "division by zero (SQLSTATE 22012)" in f"{ran.failure}"


def test_a_deadlock_is_tried_again(enter_story: EnterStory, run_to: RunTo, connect: Connect) -> None:
    write_chain(
        enter_story("generic"),
        "op.execute(\"LOCK TABLE a\")\nop.execute(\"DO $$BEGIN EXECUTE concat('LOCK TABLE ', 'b'); END$$\")",
    )
    owner = connect()
    for statement in (
        "CREATE TABLE a (id integer)",
        "CREATE TABLE b (id integer)",
        # Whoever waits last finds the cycle after this time; the other one never looks.
        f"ALTER DATABASE {owner.info.dbname} SET deadlock_timeout = '20ms'",
    ):
        owner.execute(statement.encode())
    other = connect(autocommit=False)
    other.execute("SET deadlock_timeout = '1min'")
    other.execute("LOCK TABLE b")
    threads: list[threading.Thread] = []

    def wants_a() -> None:
        other.execute("LOCK TABLE a")
        other.rollback()

    def told(text: str, _fraction: float | None) -> None:
        if "concat" in text and not threads:
            threads.append(threading.Thread(target=wants_a))
            threads[0].start()
            wait_for(owner, "SELECT FROM pg_locks WHERE NOT granted AND relation = 'a'::regclass")

    ran = run_to(told=told, lock_timeout=10.0)
    threads[0].join()
    assert outcomes(ran) == ["done"]
    assert [attempt.sqlstate for attempt in ran.steps[0].attempts] == ["40P01", None]
    assert "victim of a deadlock: DO $$BEGIN EXECUTE concat" in f"{ran.steps[0].attempts[0].message}"


def test_ctrl_c_between_two_attempts_keeps_what_is_done(
    enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    write_chain(enter_story("generic"), 'op.execute("CREATE TABLE made (id integer)")', ADD_COLUMN)
    connect().execute("CREATE TABLE t (id integer)")
    report_on(connect)

    def blocked(_blockers: tuple[Blocker, ...], _pause: float) -> None:
        raise KeyboardInterrupt

    ran = run_to(on_blocked=blocked, lock_timeout=0.05, queue_behind=60)
    assert (outcomes(ran), ran.stopped_at) == (["done", "failed"], "interrupted")
    assert connect().execute(VERSION).fetchall() == [("f00",)]

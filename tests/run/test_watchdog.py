"""Nobody waits for us longer than the budget, neither behind us in the queue nor for what we hold."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from fix_postgres import Connect, Connection, Role
from fix_stories import EnterStory, RunTo, outcomes, wait_for, with_driver, write_chain
from migsafe.model.run import Blocker

ADD_COLUMN = 'op.execute("ALTER TABLE t ADD COLUMN n integer")'
UNKNOWN = "op.execute(\"DO $$BEGIN EXECUTE concat('ALTER TABLE t ADD COLUMN ', 'n integer'); END$$\")"
LOCKED = "SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass AND mode = 'AccessExclusiveLock'"


@contextmanager
def reader(connect: Connect) -> Iterator[list[float]]:
    """A session that reads t over and over: the seconds that each read took."""
    session, took, over = connect(), list[float](), threading.Event()

    def read() -> None:
        while not over.is_set():
            began = time.monotonic()
            session.execute("SELECT count(*) FROM t")
            took.append(time.monotonic() - began)
            time.sleep(0.005)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield took
    finally:
        over.set()
        thread.join()


def test_an_old_transaction_is_waited_for_outside_the_queue(
    enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    write_chain(enter_story("generic"), ADD_COLUMN)
    connect().execute("CREATE TABLE t (id integer)")
    report = connect(autocommit=False, application_name="nightly report")
    report.execute("SELECT * FROM t")
    time.sleep(0.1)
    seen: list[tuple[list[str | None], object]] = []

    def blocked(blockers: tuple[Blocker, ...], _pause: float) -> None:
        seen.append(([each.application for each in blockers], connect().execute(LOCKED).fetchone()))
        report.rollback()

    ran = run_to(on_blocked=blocked, queue_behind=0.05)
    assert seen == [(["nightly report"], (0,))]
    assert (outcomes(ran), len(ran.steps[0].attempts), ran.notes) == (["done"], 1, ())


def test_who_may_not_see_ages_waits_for_those_who_were_there_first(
    enter_story: EnterStory, run_to: RunTo, connect: Connect, role: Role
) -> None:
    plain = role("plain")
    owner = connect()
    owner.execute(f"GRANT ALL ON SCHEMA public TO {plain.parameters['user']}".encode())
    connect(plain).execute("CREATE TABLE t (id integer)")
    write_chain(enter_story("generic", plain), ADD_COLUMN)
    report = connect(autocommit=False)
    report.execute("SELECT * FROM t")
    waits: list[int] = []

    def blocked(blockers: tuple[Blocker, ...], _pause: float) -> None:
        waits.extend(each.pid for each in blockers)
        report.rollback()

    ran = run_to(on_blocked=blocked)
    assert (outcomes(ran), len(ran.steps[0].attempts)) == (["done"], 1)
    assert waits == [report.info.backend_pid]


def test_what_a_transaction_needs_is_locked_before_its_first_statement(
    enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    body = (
        'op.execute("CREATE TABLE made (id integer)")\nop.execute("LOCK TABLE u IN SHARE MODE")\n'
        + ADD_COLUMN
        + '\nop.execute("ALTER TABLE u ADD COLUMN n integer")\nop.execute("ALTER TABLE made ADD COLUMN n integer")'
    )
    write_chain(enter_story("generic"), body)
    for name in ("t", "u"):
        connect().execute(f"CREATE TABLE {name} (id integer)".encode())
    watching = connect()
    held: dict[str, list[object]] = {}
    query = (
        "SELECT relation::regclass::text || ' ' || mode FROM pg_locks WHERE pid <> pg_backend_pid() AND granted"
        " AND relation IN ('t'::regclass, 'u'::regclass) ORDER BY 1"
    )

    def told(text: str, _fraction: float | None) -> None:
        held[text.rpartition(": ")[2]] = [row[0] for row in watching.execute(query)]

    ran = run_to(told=told)
    assert outcomes(ran) == ["done"]
    # `told` comes before the statement, so the second one sees what the first began with.
    assert held["CREATE TABLE made (id integer)"] == []
    assert held["LOCK TABLE u IN SHARE MODE"] == ["t AccessExclusiveLock", "u AccessExclusiveLock"]


def test_nothing_is_locked_early_that_would_be_held_through_a_long_statement(
    enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    write_chain(enter_story("generic"), 'op.execute("UPDATE u SET id = 1")\n' + ADD_COLUMN)
    for name in ("t", "u"):
        connect().execute(f"CREATE TABLE {name} (id integer)".encode())
    held: dict[str, object] = {}

    def told(text: str, _fraction: float | None) -> None:
        held[text.rpartition(": ")[2]] = connect().execute(LOCKED).fetchone()

    assert outcomes(run_to(told=told)) == ["done"]
    assert held["ALTER TABLE t ADD COLUMN n integer"] == (0,)


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg"])
def test_we_leave_the_queue_when_others_have_waited_behind_us(
    driver: str, enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    write_chain(with_driver(enter_story, driver), UNKNOWN)
    connect().execute("CREATE TABLE t (id integer)")
    report = connect(autocommit=False)
    report.execute("SELECT * FROM t")
    with reader(connect) as took:
        ran = run_to(on_blocked=lambda _blockers, _pause: report.rollback(), lock_timeout=20.0, max_wait=0.1)
    assert outcomes(ran) == ["done"]
    first, last = ran.steps[0].attempts
    assert (first.sqlstate, last.sqlstate) == ("57014", None)
    assert "we left the queue for a lock because behind us 1 session waited for public.t" in f"{first.message}"
    assert max(took) < 10
    assert ran.notes[0].startswith("1 session of others waited for this run, the longest for 0.")


def test_a_statement_that_holds_others_up_against_its_prediction_is_stopped_and_said_so(
    enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    write_chain(enter_story("generic"), f'{ADD_COLUMN}\nop.execute("SELECT pg_sleep(20)")')
    connect().execute("CREATE TABLE t (id integer)")
    with reader(connect) as took:
        ran = run_to(max_wait=0.1)
    assert (outcomes(ran), ran.stopped_at) == (["failed"], None)
    assert [attempt.sqlstate for attempt in ran.steps[0].attempts] == ["57014"] * 3
    assert "while we held the lock: SELECT pg_sleep(20); it was predicted to take a moment" in f"{ran.failure}"
    assert f"{ran.remedy}".endswith("migsafe upgrade f00 --max-wait 5min")
    assert max(took) < 10
    assert connect().execute("SELECT count(*) FROM pg_attribute WHERE attname = 'n'").fetchone() == (0,)


def test_a_foreseen_rewrite_is_stopped_once(enter_story: EnterStory, run_to: RunTo, connect: Connect) -> None:
    # A rewrite whose length does not depend on the machine: the function sleeps for every row.
    connect().execute("CREATE TABLE t (id integer)")
    connect().execute("INSERT INTO t SELECT generate_series(1, 400)")
    connect().execute(
        "CREATE FUNCTION slow(n integer) RETURNS bigint LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(0.05); RETURN n; END $$"
    )
    write_chain(enter_story("generic"), 'op.execute("ALTER TABLE t ALTER COLUMN id TYPE bigint USING slow(id)")')
    with reader(connect) as took:
        ran = run_to(max_wait=0.1)
    assert (outcomes(ran), ran.stopped_at, len(ran.steps[0].attempts)) == (["failed"], None, 1)
    assert "while we held the lock: ALTER TABLE t ALTER COLUMN id TYPE bigint" in f"{ran.failure}"
    assert "predicted" not in f"{ran.failure}"
    assert max(took) < 10


def test_a_session_that_holds_a_lock_and_runs_nothing_is_ended(
    enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    write_chain(enter_story("generic"), f"import time\n{ADD_COLUMN}\ntime.sleep(1)\n{ADD_COLUMN}")
    connect().execute("CREATE TABLE t (id integer)")
    with reader(connect) as took:
        ran = run_to(max_wait=0.05, deadline=1.0)
    assert outcomes(ran) == ["failed"]
    assert "we ended our session because 1 session waited for public.t" in f"{ran.failure}"
    assert max(took) < 0.9


def test_a_budget_that_nobody_needs_stops_nothing(enter_story: EnterStory, run_to: RunTo, connect: Connect) -> None:
    write_chain(enter_story("generic"), f'{ADD_COLUMN}\nop.execute("SELECT pg_sleep(0.3)")')
    connect().execute("CREATE TABLE t (id integer)")
    ran = run_to(max_wait=0.05)
    assert (outcomes(ran), len(ran.steps[0].attempts)) == (["done"], 1)


def test_other_ddl_that_waits_for_us_is_no_application(
    enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    write_chain(enter_story("generic"), f'{ADD_COLUMN}\nop.execute("SELECT pg_sleep(0.5)")')
    connect().execute("CREATE TABLE t (id integer)")
    other, watching = connect(), connect()

    def index() -> None:
        wait_for(watching, "SELECT FROM pg_locks WHERE relation = 't'::regclass AND mode = 'AccessExclusiveLock'")
        other.execute("CREATE INDEX ON t (id)")

    thread = threading.Thread(target=index)
    thread.start()
    ran = run_to(max_wait=0.05)
    thread.join()
    assert (outcomes(ran), [attempt.message for attempt in ran.steps[0].attempts]) == (["done"], [None])


def test_only_a_session_that_is_idle_in_a_transaction_for_long_is_ended(
    enter_story: EnterStory, run_to: RunTo, connect: Connect, role: Role
) -> None:
    write_chain(enter_story("generic"), ADD_COLUMN)
    connect().execute("CREATE TABLE t (id integer)")
    connect().execute("GRANT SELECT ON t TO PUBLIC")
    forgotten = connect(role("app"), autocommit=False, application_name="forgotten shell")
    superuser, busy = connect(autocommit=False), connect(role("busy"), autocommit=False)
    for session in (forgotten, superuser, busy):
        session.execute("SELECT * FROM t")
    working = threading.Thread(target=lambda: busy.execute("SELECT pg_sleep(1)"))
    working.start()
    time.sleep(0.3)
    ran = run_to(terminate_idle=0.1, queue_behind=0.05, on_blocked=lambda _blockers, _pause: _end(superuser, busy))
    working.join()
    assert outcomes(ran) == ["done"]
    (note,) = [note for note in ran.notes if "ended" in note]
    assert note.startswith(f"ended pid {forgotten.info.backend_pid} (forgotten shell, user app_")
    with pytest.raises(psycopg.OperationalError):
        forgotten.execute("SELECT 1")
    superuser.execute("SELECT 1")
    busy.execute("SELECT 1")


@pytest.mark.parametrize("body", ['op.execute("SELECT pg_sleep(20)")', "import time; time.sleep(1)\n" + ADD_COLUMN])
def test_the_time_for_the_whole_run_ends_whatever_goes_on(
    body: str, enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    write_chain(enter_story("generic"), 'op.execute("CREATE TABLE made (id integer)")\n' + body)
    connect().execute("CREATE TABLE t (id integer)")
    began = time.monotonic()
    ran = run_to(timeout=0.6)
    assert time.monotonic() - began < 15
    assert (outcomes(ran), ran.stopped_at) == (["failed"], "timeout")
    assert "the time for the whole run is over; stopped at: " in f"{ran.failure}"
    assert connect().execute("SELECT to_regclass('made')").fetchone() == (None,)


def test_a_concurrent_build_that_the_time_ends_leaves_no_index(
    enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    body = (
        "with op.get_context().autocommit_block():\n"
        '    op.create_index("ix", "t", ["id"], postgresql_concurrently=True)'
    )
    write_chain(enter_story("generic"), body)
    connect().execute("CREATE TABLE t (id integer)")
    old = connect(autocommit=False)
    old.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    old.execute("SELECT 1")
    wakes = threading.Timer(3, old.rollback)
    wakes.start()
    ran = run_to(timeout=1.0)
    wakes.join()
    assert (outcomes(ran), ran.stopped_at) == (["failed"], "timeout")
    assert connect().execute("SELECT to_regclass('ix')").fetchone() == (None,)


def _end(superuser: Connection, busy: Connection) -> None:
    """The superuser ends its transaction itself; the busy one is through when its query is."""
    superuser.rollback()
    busy.rollback()

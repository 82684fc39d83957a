"""CONCURRENTLY: who will be waited for is foretold, who is waited for is named, and it is not waited for ever."""

import re
from typing import Any

import msgspec
import pytest

from fix_postgres import Connect, Connection, Role
from fix_stories import FIRST_LINE, EnterStory, RunTo, outcomes, wait_for, with_driver, write_chain
from migsafe.model.run import Blocker
from migsafe.postgres.building import Progress
from migsafe.postgres.connection import Database
from migsafe.run.beside import patience
from migsafe.run.entry import Manners

IX = 'with op.get_context().autocommit_block():\n    op.create_index("ix", "t", ["id"], postgresql_concurrently=True)'
DRIVERS = ("psycopg", "psycopg2", "asyncpg")
PLACE = f"migrations/versions/f00_written.py:{FIRST_LINE + 1}"

Events = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def table(connect: Connect) -> Connection:
    """A session of the owner of a table t of 1,000 rows."""
    connection = connect()
    connection.execute("CREATE TABLE t (id integer)")
    connection.execute("INSERT INTO t SELECT generate_series(1, 1000)")
    return connection


@pytest.fixture
def old(connect: Connect) -> Connection:
    """A session that has had a snapshot for longer than we queue behind anybody, and has not touched t."""
    session = snapshot(connect, application_name="nightly report")
    aged = "SELECT FROM pg_stat_activity WHERE pid = {} AND xact_start < clock_timestamp() - interval '500 ms'"
    wait_for(connect(), aged.format(session.info.backend_pid))
    return session


def snapshot(connect: Connect, *to: Database, **keywords: Any) -> Connection:
    connection = connect(*to, autocommit=False, **keywords)
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    connection.execute("SELECT 1")
    return connection


def indexes(connection: Connection, table: str = "t") -> list[tuple[Any, ...]]:
    query = "SELECT indexrelid::regclass::text, indisvalid FROM pg_index WHERE indrelid = %s::regclass ORDER BY 1"
    return connection.execute(query, (table,)).fetchall()


@pytest.mark.parametrize("driver", DRIVERS)
def test_who_is_waited_for_is_foretold_and_named(
    driver: str, enter_story: EnterStory, run_to: RunTo, table: Connection, old: Connection
) -> None:
    write_chain(with_driver(enter_story, driver), IX)
    told: list[str] = []
    events: Events = []
    seen: list[Blocker] = []

    pid = old.info.backend_pid

    def emit(event: str, /, **facts: Any) -> None:
        events.append((event, facts))
        if event == "build" and facts["locker"] == pid and seen:
            old.rollback()

    ran = run_to(
        told=lambda text, _fraction: told.append(text),
        on_blocked=lambda blockers, _pause: seen.extend(blockers),
        emit=emit,
    )
    assert (outcomes(ran), ran.failure, len(ran.steps[0].attempts)) == (["done"], None, 1)
    assert indexes(table) == [("ix", True)]
    (sentence,) = [text for text in told if "will wait for" in text]
    assert sentence.startswith("CREATE INDEX CONCURRENTLY public.ix will wait for ")
    assert f"pid {pid} (nightly report, idle in transaction, for " in sentence
    assert (pid, f"SELECT pg_terminate_backend({pid});") in [(each.pid, each.end) for each in seen]
    # The moment that another session of ours looks may be in the count.
    assert any(re.fullmatch(r"public.ix: waiting for old snapshots, \d of \d transactions", text) for text in told)
    (forecast,) = [facts for event, facts in events if event == "forecast"]
    assert pid in [each["pid"] for each in forecast["blockers"]]


@pytest.mark.parametrize("driver", DRIVERS)
def test_it_waits_no_longer_than_it_may_and_leaves_nothing(
    driver: str, enter_story: EnterStory, run_to: RunTo, table: Connection, old: Connection
) -> None:
    write_chain(with_driver(enter_story, driver), IX)
    ran = run_to(concurrently_deadline=0.5)
    assert (outcomes(ran), ran.stopped_at, len(ran.steps[0].attempts)) == (["failed"], "deadline", 1)
    assert f"{ran.failure}".startswith(f"{PLACE}: CREATE INDEX CONCURRENTLY public.ix was cancelled: it had waited ")
    assert f"{ran.failure}".endswith("for other transactions to end (waiting for old snapshots)")
    end = f"SELECT pg_terminate_backend({old.info.backend_pid})"
    assert f"{ran.remedy}".startswith(f"When what it waited for has ended ({end}), run the same command again")
    assert [each.pid for each in ran.steps[0].attempts[0].blocked_by] == [old.info.backend_pid]
    assert (indexes(table), ran.notes) == ([], ())
    old.rollback()
    assert outcomes(run_to()) == ["done"]
    assert indexes(table) == [("ix", True)]


def test_the_deadline_of_the_run_is_the_least_that_it_waits(
    enter_story: EnterStory, run_to: RunTo, table: Connection, old: Connection
) -> None:
    write_chain(enter_story("generic"), IX)
    ran = run_to(deadline=0.4)
    assert (outcomes(ran), ran.stopped_at) == (["failed"], "deadline")
    assert (indexes(table), old.info.transaction_status.name) == ([], "INTRANS")


def test_who_does_not_see_ages_is_told_so(
    enter_story: EnterStory, run_to: RunTo, table: Connection, old: Connection, role: Role
) -> None:
    plain = role("plain")
    table.execute(f"GRANT ALL ON SCHEMA public TO {plain.parameters['user']}".encode())
    table.execute(f"ALTER TABLE t OWNER TO {plain.parameters['user']}".encode())
    write_chain(enter_story("generic", plain), IX)
    told: list[str] = []
    ran = run_to(told=lambda text, _fraction: told.append(text), on_blocked=lambda *_: old.rollback())
    assert outcomes(ran) == ["done"]
    (sentence,) = [text for text in told if "will wait for" in text]
    assert f"pid {old.info.backend_pid} (nightly report)" in sentence
    assert sentence.endswith("; ages are not visible to this role: GRANT pg_read_all_stats")


def test_an_idle_session_in_the_way_is_ended_when_that_was_asked_for(
    enter_story: EnterStory, run_to: RunTo, table: Connection, connect: Connect, role: Role
) -> None:
    write_chain(enter_story("generic"), IX)
    idle = snapshot(connect, role("report"))
    ran = run_to(terminate_idle=0.01)
    assert (outcomes(ran), indexes(table)) == (["done"], [("ix", True)])
    assert any(note.startswith(f"ended pid {idle.info.backend_pid}") for note in ran.notes)


def test_a_prepared_transaction_is_named_with_the_statement_that_ends_it(
    enter_story: EnterStory, run_to: RunTo, table: Connection, connect: Connect
) -> None:
    write_chain(enter_story("generic"), IX)
    writer = connect()
    for statement in ("BEGIN", "INSERT INTO t VALUES (0)", "PREPARE TRANSACTION 'order 7'"):
        writer.execute(statement.encode())
    wait_for(writer, "SELECT FROM pg_prepared_xacts WHERE prepared < clock_timestamp() - interval '500 ms'")
    told: list[str] = []
    seen: list[Blocker] = []

    def blocked(blockers: tuple[Blocker, ...], _pause: float) -> None:
        seen.extend(blockers)
        writer.execute("ROLLBACK PREPARED 'order 7'")

    ran = run_to(told=lambda text, _fraction: told.append(text), on_blocked=blocked)
    assert outcomes(ran) == ["done"]
    assert [(each.pid, each.gid, each.end) for each in seen] == [(0, "order 7", "ROLLBACK PREPARED 'order 7';")]
    assert any("will wait for 1 older transaction to end: prepared transaction 'order 7'" in text for text in told)


@pytest.mark.parametrize(
    "body",
    [
        IX.replace("postgresql_concurrently", "if_not_exists=True, postgresql_concurrently"),
        'op.execute("CREATE INDEX IF NOT EXISTS ix ON t (id)")',
    ],
)
def test_if_not_exists_does_not_take_an_invalid_index_for_one(
    body: str, enter_story: EnterStory, run_to: RunTo, table: Connection
) -> None:
    write_chain(enter_story("generic"), body)
    table.execute("CREATE INDEX ix ON t (id)")
    table.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix'::regclass")
    ran = run_to()
    assert outcomes(ran) == ["failed"]
    assert "public.ix on public.t is there already, but invalid, and not this revision's" in f"{ran.failure}"
    assert f"{ran.remedy}".endswith("REINDEX INDEX CONCURRENTLY public.ix;")
    assert indexes(table) == [("ix", False)]
    table.execute("REINDEX INDEX CONCURRENTLY ix")
    assert outcomes(run_to()) == ["done"]


def test_what_took_long_may_wait_as_long_unless_the_settings_say_otherwise() -> None:
    manners = Manners(lock_timeout=0.5, max_wait=0.25, queue_behind=0.5, ends=0.0, deadline=600.0)
    assert (patience(manners, 20.0), patience(manners, 10_800.0)) == (600.0, 10_800.0)
    fixed = msgspec.structs.replace(manners, concurrently_deadline=60.0)
    assert (patience(fixed, 20.0), patience(fixed, 10_800.0)) == (60.0, 60.0)


def test_the_fraction_of_a_build_never_falls() -> None:
    phases = [
        Progress(True, phase="waiting for writers before build", lockers_done=0, lockers_total=2),
        Progress(False, phase="building index: scanning table", blocks_done=1, blocks_total=4),
        Progress(False, phase="building index: scanning table", blocks_done=4, blocks_total=4),
        Progress(False, phase="building index: sorting live tuples", blocks_done=4, blocks_total=4),
        Progress(False, phase="building index: loading tuples in tree", tuples_done=1, tuples_total=2),
        Progress(True, phase="waiting for writers before validation", lockers_done=1, lockers_total=1, tuples_total=2),
        Progress(False, phase="index validation: scanning index", blocks_done=1, blocks_total=2),
        Progress(False, phase="index validation: scanning table", blocks_done=1, blocks_total=2),
        Progress(True, phase="waiting for old snapshots", lockers_done=0, lockers_total=1),
    ]
    fractions = [each.fraction for each in phases]
    known = [each for each in fractions if each is not None]
    assert known == sorted(known)
    # When others will have ended, nobody knows.
    assert [each.waiting for each in phases] == [each is None for each in fractions]
    assert phases[1].done == ("blocks", 1, 4)
    assert phases[-1].done == ("transactions", 0, 1)
    assert Progress(True).fraction is None

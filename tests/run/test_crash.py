"""kill -9 in the middle: the next run says what it found, carries on, and ends where the first was going."""

import os
import subprocess
from pathlib import Path

import pytest

from fix_postgres import Connect
from fix_stories import FIRST_LINE, EnterStory, RunTo, Start, outcomes, wait_for, write_chain
from migsafe import rundir
from migsafe.model.run import Blocker
from migsafe.postgres.connection import Database
from migsafe.settings import Settings

CREATE = 'op.execute("CREATE TABLE t (id integer)")\nop.execute("INSERT INTO t SELECT generate_series(1, 100)")'
VERSION = "SELECT version_num FROM alembic_version"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(directory=str(tmp_path))


@pytest.fixture
def journal(settings: Settings) -> Path:
    """Where the run that will be killed writes."""
    return rundir.create(settings, (), ("f01",)) / rundir.JOURNAL


def killed(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.wait(timeout=30)


def test_a_transactional_revision(
    enter_story: EnterStory,
    run_to: RunTo,
    connect: Connect,
    start_run: Start,
    settings: Settings,
    journal: Path,
    database: Database,
) -> None:
    # What the plan cannot know waits in the queue; for the rest we wait outside.
    unknown = "DO $$BEGIN EXECUTE concat('LOCK TABLE ', 'held'); END$$"
    body = f'op.execute("ALTER TABLE t ADD COLUMN a integer")\nop.execute("{unknown}")'
    write_chain(enter_story("generic"), CREATE, body)
    connect().execute("CREATE TABLE held (id integer)")
    holder = connect(autocommit=False)
    holder.execute("LOCK TABLE held")
    child = start_run(journal)
    wait_for(connect(), "SELECT FROM pg_locks WHERE relation = 'held'::regclass AND NOT granted")
    (running,) = rundir.crashed(settings, database.label)
    assert running.alive
    killed(child)
    (crashed,) = rundir.crashed(settings, database.label)
    assert (crashed.alive, crashed.directory) == (False, str(journal.parent))
    assert {key: crashed.last[key] for key in ("event", "revision", "number", "place", "sql", "pid")} == {
        "event": "statement",
        "revision": "f01",
        "number": 1,
        "place": f"migrations/versions/f01_written.py:{FIRST_LINE + 1}",
        "sql": unknown,
        "pid": child.pid,
    }
    assert connect().execute(VERSION).fetchall() == [("f00",)]
    holder.rollback()
    ran = run_to()
    assert (outcomes(ran), ran.steps[0].resumed) == (["done"], 0)
    assert connect().execute("SELECT count(a) FROM t").fetchone() == (0,)


def test_an_index_build_that_the_server_goes_on_with(
    enter_story: EnterStory,
    run_to: RunTo,
    connect: Connect,
    start_run: Start,
    settings: Settings,
    journal: Path,
    database: Database,
) -> None:
    body = (
        'op.execute("ALTER TABLE t ADD COLUMN a integer")\n'
        "with op.get_context().autocommit_block():\n"
        '    op.create_index("ix", "t", ["id"], postgresql_concurrently=True)\n'
        '    op.create_index("ix_a", "t", ["a"], postgresql_concurrently=True)'
    )
    write_chain(enter_story("generic"), CREATE, body)
    assert outcomes(run_to("f00")) == ["done"]
    old = connect(autocommit=False, application_name="old snapshot")
    old.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    old.execute("SELECT 1")
    child = start_run(journal)
    connection = connect()
    wait_for(connection, "SELECT FROM pg_locks WHERE locktype = 'virtualxid' AND NOT granted")
    killed(child)
    last = rundir.crashed(settings, database.label)[0].last
    assert (last["event"], last["revision"], last["number"]) == ("statement", "f01", 1)
    assert f"{last['sql']}".startswith("CREATE INDEX CONCURRENTLY ix ON t")

    # The server has not noticed yet: what it is building is waited for, not dropped, and not for ever.
    ran = run_to(deadline=1)
    assert (outcomes(ran), ran.stopped_at) == (["partial"], "deadline")
    builder = connection.execute("SELECT pid FROM pg_locks WHERE locktype = 'virtualxid' AND NOT granted").fetchone()
    assert builder is not None
    assert f"public.ix is still being built by the session with pid {builder[0]}" in f"{ran.failure}"
    assert ran.remedy == f"Wait for it, or end it: SELECT pg_cancel_backend({builder[0]})"
    assert builder[0] in [blocker.pid for blocker in ran.steps[0].attempts[-1].blocked_by]

    def blocked(_blockers: tuple[Blocker, ...], _pause: float) -> None:
        old.rollback()

    ran = run_to(on_blocked=blocked)
    assert (outcomes(ran), ran.failure) == (["done"], None)
    assert ran.steps[0].resumed == 2
    assert connection.execute(VERSION).fetchall() == [("f01",)]
    valid = "SELECT indexrelid::regclass::text, indisvalid FROM pg_index WHERE indrelid = 't'::regclass ORDER BY 1"
    assert connection.execute(valid).fetchall() == [("ix", True), ("ix_a", True)]
    assert connection.execute("SELECT to_regclass('migsafe_progress')").fetchone() == (None,)


def test_an_index_build_that_dies_with_its_session(
    enter_story: EnterStory, run_to: RunTo, connect: Connect, start_run: Start, journal: Path
) -> None:
    body = (
        "with op.get_context().autocommit_block():\n"
        '    op.create_index("ix", "t", ["id"], postgresql_concurrently=True)'
    )
    write_chain(enter_story("generic"), CREATE, body)
    assert outcomes(run_to("f00")) == ["done"]
    old = connect(autocommit=False)
    old.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    old.execute("SELECT 1")
    child = start_run(journal)
    connection = connect()
    wait_for(connection, "SELECT FROM pg_locks WHERE locktype = 'virtualxid' AND NOT granted")
    killed(child)
    connection.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'virtualxid' AND NOT granted")
    wait_for(connection, "SELECT FROM pg_index WHERE indexrelid = 'ix'::regclass AND NOT indisvalid")
    old.rollback()
    told: list[str] = []
    ran = run_to(told=lambda text, _fraction: told.append(text))
    assert (outcomes(ran), ran.steps[0].resumed) == (["done"], 0)
    assert "dropping public.ix: an interrupted build left it invalid" in told
    assert connection.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix'::regclass").fetchone() == (True,)
    assert connection.execute("SELECT to_regclass('migsafe_progress')").fetchone() == (None,)


def test_a_run_that_ended_is_no_crash(enter_story: EnterStory, settings: Settings, database: Database) -> None:
    path = rundir.create(settings, (), ("f01",))
    (path / rundir.JOURNAL).write_text(
        '{"event": "started", "database": "' + database.label + f'", "pid": {os.getpid()}}}\n{{"event": "ended"}}\n'
    )
    assert rundir.crashed(settings, database.label) == ()

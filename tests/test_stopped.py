"""Ctrl-C, SIGTERM and --timeout, wherever the run is: what runs is cancelled, the state said, nothing left behind."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fix_migsafe import Migsafe, last_report
from fix_postgres import Connect, Connection
from fix_stories import EnterStory, wait_for, with_driver, write_chain
from migsafe import rundir
from migsafe.errors import TimeIsUp
from migsafe.postgres import advisory
from migsafe.postgres.connection import Database
from migsafe.settings import Settings
from migsafe.stopped import limited

SLEEPS = (
    "SELECT FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND state = 'active' AND pid <> pg_backend_pid()"
)
SLEEP = 'op.execute("CREATE TABLE made (id integer)")\nop.execute("SELECT pg_sleep(60)")'
BUILD = (
    'with op.get_context().autocommit_block():\n    op.create_index("ix", "t", ["id"], postgresql_concurrently=True)'
)
Begin = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def begin() -> Iterator[Begin]:
    """`begin(folder, "upgrade head --yes")`: the command line in a child process, ended after the test."""
    begun: list[subprocess.Popen[str]] = []

    def start(folder: Path, words: str) -> subprocess.Popen[str]:
        begun.append(
            subprocess.Popen(
                [sys.executable, "-c", "from migsafe.cli import main; main()", *words.split()],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return begun[-1]

    yield start
    for child in begun:
        child.kill()
        child.communicate()


def ended(child: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code and what was said."""
    said, _ = child.communicate(timeout=60)
    return child.returncode, said


def nobody_left(connection: Connection) -> None:
    """Until every session but ours is gone: none was left with a statement or a lock."""
    wait_for(
        connection,
        "SELECT WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
        " AND backend_type = 'client backend' AND pid <> pg_backend_pid())",
    )


@pytest.mark.parametrize(
    ("driver", "number"),
    [
        ("psycopg", signal.SIGINT),
        ("psycopg2", signal.SIGTERM),
        ("asyncpg", signal.SIGINT),
        ("asyncpg", signal.SIGTERM),
    ],
)
def test_in_a_statement_of_a_transaction(
    driver: str, number: int, enter_story: EnterStory, begin: Begin, connect: Connect
) -> None:
    folder = with_driver(enter_story, driver)
    write_chain(folder, SLEEP)
    watch = connect()
    child = begin(folder, "upgrade head --yes --backup none")
    wait_for(watch, SLEEPS)
    child.send_signal(number)
    code, said = ended(child)
    assert code == 130, said
    assert "Interrupted after" in said
    assert "Nothing was changed." in said
    assert "migsafe upgrade f00" in said
    nobody_left(watch)
    assert watch.execute("SELECT to_regclass('made')").fetchone() == (None,)
    report = last_report(folder)
    assert (report["outcome"], report["steps"][0]["outcome"]) == ("interrupted", "failed")


def test_in_a_concurrent_build_and_once_more_in_the_clearing_up(
    enter_story: EnterStory, begin: Begin, connect: Connect, migsafe: Migsafe
) -> None:
    folder = enter_story("generic")
    write_chain(folder, 'op.execute("CREATE TABLE t (id integer)")', BUILD)
    old = connect(autocommit=False, application_name="old snapshot")
    old.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    old.execute("SELECT 1")
    watch = connect()
    waits = "SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT granted AND query LIKE '{} INDEX%'"
    child = begin(folder, "upgrade head --yes --backup none")
    wait_for(watch, waits.format("CREATE"))
    # The reader makes the drop of what is left wait, too.
    old.execute("SELECT FROM t")
    child.send_signal(signal.SIGINT)
    wait_for(watch, waits.format("DROP"))
    child.send_signal(signal.SIGINT)
    code, said = ended(child)
    assert code == 130, said
    assert "Interrupted after" in said
    assert "Durable: 1 revision (f00)." in said
    assert last_report(folder)["steps"][0]["outcome"] == "done"
    old.rollback()
    nobody_left_but = "SELECT WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE '% INDEX CONCURRENTLY%' "
    wait_for(watch, f"{nobody_left_but} AND state = 'active' AND pid <> pg_backend_pid())")
    assert migsafe(folder, "status").returncode == 4
    again = migsafe(folder, "upgrade head --yes --backup none")
    assert again.returncode == 0, again.stdout + again.stderr
    assert watch.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix'::regclass").fetchone() == (True,)
    assert migsafe(folder, "status").returncode == 0


def test_while_it_waits_for_a_lock_outside_of_the_queue(
    enter_story: EnterStory, begin: Begin, connect: Connect
) -> None:
    folder = enter_story("generic")
    write_chain(folder, 'op.execute("ALTER TABLE t ADD COLUMN n integer")')
    watch = connect()
    watch.execute("CREATE TABLE t (id integer)")
    report = connect(autocommit=False, application_name="nightly report")
    report.execute("SELECT FROM t")
    child = begin(folder, "upgrade head --yes --backup none --events events.jsonl")
    assert child.stdout is not None
    for line in child.stdout:
        if "waits for pid" in line:
            break
    child.send_signal(signal.SIGTERM)
    code, said = ended(child)
    assert code == 130, said
    assert "Nothing was changed." in said


def test_while_it_waits_for_another_runner(
    enter_story: EnterStory, begin: Begin, connect: Connect, database: Database
) -> None:
    folder = enter_story("generic")
    write_chain(folder, SLEEP)
    holder = connect(application_name="the first runner")
    holder.execute("SELECT pg_advisory_lock(%s)", (advisory.key(database.dbname, "public.alembic_version"),))
    child = begin(folder, "upgrade head --yes --backup none")
    assert child.stdout is not None
    seen = []
    for line in child.stdout:
        seen.append(line)
        if "another migration runs" in line:
            break
    child.send_signal(signal.SIGINT)
    code, said = ended(child)
    assert code == 130, said
    assert f"waits for pid {holder.info.backend_pid} (the first runner, user postgres, idle for " in "".join(seen)
    assert "holds the runner lock" in "".join(seen)
    assert "another migration runs; the database is at base" in "".join(seen)
    assert "nothing was changed" in said
    assert not rundir.folder(Settings(directory=str(folder))).exists()


@pytest.mark.parametrize(
    ("number", "code", "why"),
    [
        (signal.SIGTERM, 130, "interrupted by the operator while"),
        (signal.SIGALRM, 75, "the time for the whole run (1 h) was over while"),
    ],
)
def test_in_the_backup(
    number: int, code: int, why: str, enter_story: EnterStory, begin: Begin, connect: Connect
) -> None:
    folder = enter_story("generic")
    write_chain(folder, SLEEP)
    watch = connect()
    watch.execute("CREATE TABLE locked (id integer)")
    locker = connect(autocommit=False)
    locker.execute("LOCK TABLE locked")
    child = begin(folder, "upgrade head --yes --backup dump --timeout 1h")
    dumping = "SELECT FROM pg_locks WHERE NOT granted AND relation = 'locked'::regclass"
    wait_for(watch, dumping)
    child.send_signal(number)
    assert (found := ended(child))[0] == code, found[1]
    assert why in found[1]
    assert "Nothing was changed." in found[1]
    wait_for(watch, f"SELECT WHERE NOT EXISTS ({dumping})")
    assert list(rundir.folder(Settings(directory=str(folder))).glob("*/backup*")) == []


def test_the_time_for_the_whole_run_ends_the_wait_for_another_runner(
    enter_story: EnterStory, migsafe: Migsafe, connect: Connect, database: Database
) -> None:
    folder = enter_story("generic")
    write_chain(folder, SLEEP)
    holder = connect(application_name="the first runner")
    holder.execute("SELECT pg_advisory_lock(%s)", (advisory.key(database.dbname, "public.alembic_version"),))
    # Wherever it is by then, it never gets any further.
    done = migsafe(folder, "upgrade head --yes --backup none --timeout 2s")
    assert done.returncode == 75, done.stdout + done.stderr
    assert "the time for the whole run (2.0 s) was over while " in done.stderr
    assert "nothing was changed" in done.stderr


def test_the_time_is_over_in_the_second_revision_which_does_not_even_ask_the_server(
    enter_story: EnterStory, begin: Begin, connect: Connect
) -> None:
    folder = enter_story("generic")
    # It is rendered for the plan, too, and must be quick there.
    running = 'any("revisions/apply" in frame.filename for frame in traceback.extract_stack())'
    body = f'op.execute("CREATE TABLE made (id integer)")\nimport time, traceback\nif {running}: time.sleep(60)'
    write_chain(folder, 'op.execute("CREATE TABLE t (id integer)")', body)
    watch = connect()
    child = begin(folder, "upgrade head --yes --backup none --timeout 1h")
    wait_for(watch, "SELECT FROM pg_stat_activity WHERE query LIKE 'CREATE TABLE made%' AND state LIKE 'idle in tr%'")
    child.send_signal(signal.SIGALRM)
    code, said = ended(child)
    assert code == 4, said
    assert [step["outcome"] for step in last_report(folder)["steps"]] == ["done", "failed"]
    assert "the time for the whole run is over" in f"{last_report(folder)['failure']}"
    assert watch.execute("SELECT to_regclass('t') IS NULL, to_regclass('made') IS NULL").fetchone() == (False, True)


def test_a_run_whose_lock_session_was_ended_is_alone_again_before_it_goes_on(
    enter_story: EnterStory, begin: Begin, connect: Connect
) -> None:
    folder = enter_story("generic")
    write_chain(
        folder,
        'op.execute("CREATE TABLE held (id integer)")',
        "op.execute(\"DO $$BEGIN EXECUTE concat('LOCK TABLE ', 'held'); END$$\")",
        'op.execute("CREATE TABLE made (id integer)")',
    )
    assert begin(folder, "upgrade f00 --yes --backup none").wait(timeout=60) == 0
    holder = connect(autocommit=False)
    holder.execute("LOCK TABLE held")
    watch = connect()
    child = begin(folder, "upgrade head --yes --backup none --lock-timeout 30s --max-wait 60s --events -")
    wait_for(watch, "SELECT FROM pg_locks WHERE relation = 'held'::regclass AND NOT granted")
    watch.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'migsafe lock'"
        " AND datname = current_database()"
    )
    holder.rollback()
    code, said = ended(child)
    assert code == 0, said
    assert '"event": "reconnected"' in said
    assert watch.execute("SELECT to_regclass('made') IS NOT NULL").fetchone() == (True,)


def test_a_limit_leaves_the_alarm_of_the_program_as_it_was() -> None:
    mine: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _frame: mine.append(number))
    try:
        with pytest.raises(TimeIsUp), limited(0.01):
            threading.Event().wait(30)
        os.kill(os.getpid(), signal.SIGALRM)
        assert mine == [signal.SIGALRM]
    finally:
        signal.signal(signal.SIGALRM, before)


def test_outside_of_the_main_thread_nothing_is_raised() -> None:
    done: list[bool] = []

    def work() -> None:
        with limited(0.01):
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]

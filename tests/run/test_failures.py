"""What a revision dies of is told with its line and the server's own words; what came before it stays."""

import signal
from pathlib import Path

import pytest

from fix_postgres import Connect
from fix_stories import FIRST_LINE, EnterStory, RunTo, Start, outcomes, wait_for, with_driver, write_chain
from migsafe.errors import ConnectionFailed
from migsafe.journal import read as read_journal
from migsafe.postgres.connection import Database

VERSION = "SELECT version_num FROM alembic_version"
DRIVERS = ("psycopg", "psycopg2", "asyncpg")


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_failing_statement_is_named_with_its_line_and_the_first_revision_stays(
    driver: str, enter_story: EnterStory, run_to: RunTo, connect: Connect, tmp_path: Path
) -> None:
    write_chain(
        with_driver(enter_story, driver),
        'op.execute("CREATE TABLE t (id integer UNIQUE)")\nop.execute("INSERT INTO t VALUES (1)")',
        'op.execute("ALTER TABLE t ADD COLUMN n integer")\n'
        'op.get_bind().execute(sa.text("INSERT INTO t VALUES (:id)"), {"id": 1})',
        'op.execute("DROP TABLE t")',
    )
    ran = run_to(journal=tmp_path / "journal")
    place = f"migrations/versions/f01_written.py:{FIRST_LINE + 1}"
    assert (outcomes(ran), ran.stopped_at) == (["done", "failed", "not-reached"], None)
    assert ran.failure == (
        f'{place}: duplicate key value violates unique constraint "t_id_key" (SQLSTATE 23505); '
        "detail: Key (id)=(1) already exists."
    )
    assert ran.remedy == "Mend the revision or the data, then run the same command again: migsafe upgrade f02"
    (attempt,) = ran.steps[1].attempts
    assert (attempt.sqlstate, attempt.place) == ("23505", place)
    assert f"{attempt.statement}".startswith("INSERT INTO t VALUES (")
    assert connect().execute(VERSION).fetchall() == [("f00",)]
    assert connect().execute(
        "SELECT count(*) FROM pg_attribute WHERE attname = 'n' AND attrelid = 't'::regclass"
    ).fetchone() == (0,)
    events = [entry["event"] for entry in read_journal(tmp_path / "journal")]
    assert events == [
        "revision",
        "statement",
        "statement",
        "revision-done",
        "revision",
        "statement",
        "statement",
        "failed",
    ]


def test_the_hint_of_the_server_is_passed_on(enter_story: EnterStory, run_to: RunTo) -> None:
    write_chain(enter_story("generic"), 'op.execute("SELECT lower(1)")')
    assert "; hint: " in f"{run_to().failure}"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('raise ValueError("product 7 is priced in GBP")', "ValueError: product 7 is priced in GBP"),
        ('import sys; sys.exit("no")', "SystemExit: no"),
        ("assert False", "AssertionError: "),
    ],
)
def test_an_exception_of_the_revision_is_named_with_its_line(
    body: str, said: str, enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    write_chain(enter_story("generic"), f'op.execute("CREATE TABLE t (id integer)")\n\n\n{body}')
    ran = run_to()
    assert outcomes(ran) == ["failed"]
    assert ran.failure == f"migrations/versions/f00_written.py:{FIRST_LINE + 3}: {said}"
    assert connect().execute("SELECT to_regclass('t')").fetchone() == (None,)


def test_a_server_that_goes_away_is_told_as_that(enter_story: EnterStory, run_to: RunTo) -> None:
    write_chain(enter_story("generic"), 'op.execute("SELECT pg_terminate_backend(pg_backend_pid())")')
    ran = run_to()
    assert outcomes(ran) == ["failed"]
    assert "the connection to the server was lost during: SELECT pg_terminate_backend" in f"{ran.failure}"
    assert "carries on where this one stopped: migsafe upgrade f00" in f"{ran.remedy}"


CUT = """
op.execute("SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM cuts, pg_stat_activity"
    " WHERE pid = pg_backend_pid() OR application_name = 'the lock' ORDER BY pid = pg_backend_pid()) AS both_of_us")
"""


@pytest.mark.parametrize("passing", [True, False])
def test_a_server_that_is_not_back_yet_when_the_lock_of_the_run_is_taken_again_is_waited_for(
    passing: bool, enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    connect().execute("CREATE TABLE cuts AS SELECT 1 AS n")
    write_chain(enter_story("generic"), CUT)
    lock = connect(application_name="the lock")
    tries: list[float] = []

    def is_alone() -> bool:
        return len(tries) > 1 or connect().execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %s)", (lock.info.backend_pid,)
        ).fetchone() == (True,)

    def alone_again(seconds: float) -> None:
        tries.append(seconds)
        if len(tries) == 1:
            raise ConnectionFailed("the server is in recovery", passing=passing)
        connect().execute("DELETE FROM cuts")

    ran = run_to(is_alone=is_alone, alone_again=alone_again)
    if passing:
        assert (outcomes(ran), len(tries)) == (["done"], 2), ran.failure
    else:
        assert (outcomes(ran), len(tries)) == (["failed"], 1)
        assert "it could not be made again: the server is in recovery" in f"{ran.failure}"


def test_a_revision_longer_than_sessions_may_be_idle_is_no_failure(
    enter_story: EnterStory, run_to: RunTo, connect: Connect, database: Database
) -> None:
    write_chain(enter_story("generic"), 'op.execute("SELECT pg_sleep(0.3)")')
    connect().execute(f"ALTER DATABASE {database.dbname} SET idle_session_timeout = '100ms'".encode())
    assert outcomes(run_to()) == ["done"]


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])  # psycopg2 lets Ctrl-C wait until lock_timeout
def test_ctrl_c_while_a_lock_is_waited_for(
    driver: str, enter_story: EnterStory, connect: Connect, start_run: Start, tmp_path: Path
) -> None:
    write_chain(
        with_driver(enter_story, driver),
        'op.execute("CREATE TABLE made (id integer)")',
        "op.execute(\"DO $$BEGIN EXECUTE concat('LOCK TABLE ', 't'); END$$\")",
    )
    connect().execute("CREATE TABLE t (id integer)")
    report = connect(autocommit=False)
    report.execute("SELECT * FROM t")
    child = start_run(tmp_path / "journal")
    wait_for(connect(), "SELECT 1 FROM pg_locks WHERE relation = 't'::regclass AND NOT granted")
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=30)
    assert out.startswith("done failed interrupted interrupted by the operator")
    assert connect().execute(VERSION).fetchall() == [("f00",)]

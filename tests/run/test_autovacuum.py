"""A long autovacuum does not keep a revision out: the server cancels it, if somebody waits for that long enough."""

from collections.abc import Iterator

import pytest

from fix_postgres import PROGRAMS, Connect, Connection
from fix_stories import EnterStory, RunTo, outcomes, wait_for, write_chain
from migsafe.postgres.cluster import running
from migsafe.postgres.connection import Database

WORKING = "SELECT FROM pg_stat_progress_vacuum WHERE relid = 't'::regclass"
ADD_COLUMN = 'op.execute("ALTER TABLE t ADD COLUMN n{0} integer")'
CREATE_INDEX = (
    'with op.get_context().autocommit_block():\n    op.create_index("ix{0}", "t", ["id"], postgresql_concurrently=True)'
)
SLOW = (
    "autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 100,"
    " autovacuum_vacuum_cost_limit = 1"
)


@pytest.fixture
def vacuuming() -> Iterator[Database]:
    """The database of a server that vacuums of itself, a second after it was left alone, and pauses at every page."""
    settings = {"autovacuum": "on", "autovacuum_naptime": "1s", "deadlock_timeout": "100ms"}
    # The least that it may be.
    settings |= {"autovacuum_freeze_max_age": "100000"}
    with running(PROGRAMS, settings=settings) as database:
        yield database


def fill(connection: Connection) -> None:
    """A table of 700 pages."""
    connection.execute(f"CREATE TABLE t (id integer, note text) WITH ({SLOW})".encode())
    connection.execute("INSERT INTO t SELECT g, repeat('x', 1000) FROM generate_series(1, 5000) g")


def test_it_is_cancelled_without_anybody_queueing(
    enter_story: EnterStory, run_to: RunTo, vacuuming: Database, connect: Connect
) -> None:
    connection = connect(vacuuming)
    fill(connection)
    connection.execute("DELETE FROM t WHERE id % 2 = 0")
    bodies = [ADD_COLUMN.format(1), CREATE_INDEX.format(2)]
    write_chain(enter_story("generic", vacuuming), *bodies)
    for target in ("f00", "f01"):
        wait_for(connection, WORKING)
        worker = connection.execute("SELECT pid FROM pg_stat_progress_vacuum").fetchone()
        ran = run_to(target, queue_behind=0.05)
        assert (outcomes(ran), ran.failure, ran.notes) == (["done"], None, ())
        assert connection.execute("SELECT FROM pg_stat_progress_vacuum WHERE pid = %s", worker).fetchone() is None


def test_one_that_prevents_wraparound_is_named_and_left_alone(
    enter_story: EnterStory, run_to: RunTo, vacuuming: Database, connect: Connect
) -> None:
    connection = connect(vacuuming)
    fill(connection)
    # A block with an exception handler that writes takes a transaction id.
    burn = "BEGIN INSERT INTO burnt VALUES (1); EXCEPTION WHEN division_by_zero THEN NULL; END;"
    connection.execute("CREATE TABLE burnt (id integer)")
    connection.execute(f"DO $$BEGIN FOR i IN 1..101000 LOOP {burn} END LOOP; END$$".encode())
    write_chain(enter_story("generic", vacuuming), ADD_COLUMN.format(1))
    wait_for(connection, f"{WORKING} AND pid IN (SELECT pid FROM pg_stat_activity WHERE query LIKE '%wraparound)')")
    worker = connection.execute("SELECT pid FROM pg_stat_progress_vacuum WHERE relid = 't'::regclass").fetchone()
    ran = run_to(queue_behind=0.05, deadline=1.0)
    assert (outcomes(ran), ran.stopped_at) == (["failed"], "deadline")
    (blocker,) = ran.steps[0].attempts[-1].blocked_by
    assert (blocker.pid, blocker.end) == ((worker or (None,))[0], None)
    assert blocker.caution == "autovacuum to prevent wraparound: it would begin anew; let it finish"
    assert connection.execute("SELECT FROM pg_stat_progress_vacuum WHERE pid = %s", worker).fetchone() is not None

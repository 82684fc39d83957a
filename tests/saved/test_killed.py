"""kill -9 in the middle of saving and of restoring: nothing is lost, and the same command comes to the end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fix_postgres import Connect, Connection
from migsafe.postgres.connection import Database
from saved.undoing import VERSIONS, Undoing

ROWS = 3_000


def child(undoing: Undoing, verb: str) -> subprocess.Popen[bytes]:
    """`undoing.migrate` or `undoing.undo` in another process, stopped by a trigger of the test's own lock."""
    here = Path(__file__).parent
    return subprocess.Popen(
        [sys.executable, "-c", "from saved.killed import main; main()", verb, str(undoing.directory)],
        env=os.environ | undoing.database.environment() | {"PYTHONPATH": str(here.parent)},
    )


def killed_when(connection: Connection, process: subprocess.Popen[bytes], query: str) -> None:
    """Kill -9 as soon as the query has a row."""
    ends = time.monotonic() + 60
    while connection.execute(query.encode()).fetchone() is None:
        assert process.poll() is None, "the child ended before it could be killed"
        assert time.monotonic() < ends, f"still no row: {query}"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)


@pytest.fixture
def undoing(database: Database, connect: Connect, tmp_path: Path) -> Undoing:
    made = Undoing(database, connect, tmp_path / "run")
    made.run(
        *VERSIONS,
        "CREATE TABLE t (id int PRIMARY KEY, a text, b text NOT NULL)",
        f"INSERT INTO t SELECT n, 'a', 'b' || n FROM generate_series(1, {ROWS}) n",
        "CREATE TABLE n (a int, b text)",
        "INSERT INTO n SELECT n, 'b' || n % 5 FROM generate_series(1, 200) n",
    )
    return made


DESTROYS = ("ALTER TABLE t DROP COLUMN b", "DELETE FROM n WHERE a > 100")


def test_in_the_middle_of_saving(undoing: Undoing, connect: Connect) -> None:
    before = undoing.rows()
    # The second part waits for this lock, when the first is saved.
    holder = connect(autocommit=False)
    holder.execute("LOCK TABLE n IN ACCESS EXCLUSIVE MODE")
    process = child(undoing, "migrate")
    killed_when(connect(), process, "SELECT FROM pg_locks WHERE relation = 'n'::regclass AND NOT granted")
    holder.rollback()
    assert undoing.rows() == before
    assert not (undoing.directory / "saved" / "manifest.json").exists()
    undoing.migrate(*DESTROYS)
    done = undoing.undo()
    assert (undoing.rows() | {"public.alembic_version": undoing.before["public.alembic_version"]}) == before
    assert done.wholly


def test_in_the_middle_of_restoring(undoing: Undoing, connect: Connect) -> None:
    undoing.migrate(*DESTROYS, rows=500)
    undoing.run("INSERT INTO t VALUES (900001, 'new')", "UPDATE t SET a = 'later' WHERE id = 5")
    # Batches go on until they come to this row.
    undoing.run(
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN new; END'",
        f"CREATE TRIGGER wait BEFORE UPDATE ON t FOR EACH ROW WHEN (new.id = {ROWS - 700}) EXECUTE FUNCTION wait()",
    )
    holder = connect()
    holder.execute("SELECT pg_advisory_lock(4711)")
    process = child(undoing, "undo")
    killed_when(connect(), process, "SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted")
    back = undoing.connection.execute("SELECT count(*) FROM t WHERE b IS NOT NULL").fetchone()
    assert back is not None
    assert 0 < back[0] < ROWS
    assert undoing.connection.execute("SELECT count(*) > 0 FROM migsafe_restore").fetchone() == (True,)
    holder.execute("SELECT pg_advisory_unlock(4711)")
    undoing.run("DROP TRIGGER wait ON t", "DROP FUNCTION wait()")
    undoing.run("UPDATE t SET b = 'newer' WHERE id = 3", "DELETE FROM t WHERE id = 900001")
    done = undoing.undo()
    assert (done.counts.conflicting, done.notes) == (0, ())
    assert undoing.connection.execute("SELECT to_regclass('migsafe_restore')").fetchone() == (None,)
    rows = {row["id"]: (row["a"], row["b"]) for row in undoing.rows()["public.t"]}
    assert len(rows) == ROWS
    assert (rows[3], rows[5], rows[ROWS]) == (("a", "newer"), ("later", "b5"), ("a", f"b{ROWS}"))
    assert undoing.rows()["public.n"] == undoing.before["public.n"]
    assert undoing.shape() == undoing.schema

"""What is recorded of a revision that is half done."""

import threading

from fix_postgres import Connect, Connection
from fix_stories import wait_for
from migsafe.postgres import progress

WAITING = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 9 AND NOT granted"


def begun_by(connection: Connection) -> None:
    for statement in progress.record_sql("public", "f01", [progress.Done(0, "digest", False)]):
        connection.execute(statement.encode())


def test_a_session_that_goes_on_still_works_on_it(connect: Connect) -> None:
    connection, worker = connect(), connect()
    begun_by(worker)
    assert progress.still_working(connection, "public", "f01", 0) is None
    connection.execute("SELECT pg_advisory_lock(9)")
    thread = threading.Thread(target=worker.execute, args=("SELECT pg_advisory_lock(9)",))
    thread.start()
    wait_for(connection, WAITING)
    assert progress.still_working(connection, "public", "f01", 0) == worker.info.backend_pid
    connection.execute("SELECT pg_advisory_unlock(9)")
    thread.join()


def test_who_asks_does_not_still_work_on_it(connect: Connect) -> None:
    """A pooler may give the session of the run before to the one that looks after it."""
    connection = connect()
    begun_by(connection)
    assert progress.still_working(connection, "public", "f01", 0) is None

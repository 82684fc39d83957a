"""A lock held beyond the deadline, a deadlock, a row that violates: what is said, and the run after it is mended."""

import threading

import pytest

from faults.conftest import Begin, Undisturbed, arrived, spread
from faults.revisions import STORIES
from fix_postgres import Connect, Connection
from fix_stories import CreateDatabase, wait_for

EVERY = pytest.param(10_000, id="every", marks=pytest.mark.servers)
# The first statement that wants the lock, by story: what was before it is durable, or there was nothing.
BLOCKED = {"transactional": 75, "autocommit": 4, "mixed": 75, "multi": 75}
# Holds what the other one (which waits already) wants, and wants what that one holds.
DEADLOCK = (
    "DO $do$ BEGIN PERFORM pg_advisory_xact_lock(7);"
    " WHILE NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted) LOOP"
    " PERFORM pg_sleep(0.005); END LOOP; PERFORM pg_advisory_xact_lock(8); END $do$"
)


def wants_it(other: Connection, watching: Connection) -> None:
    wait_for(watching, "SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 7")
    other.execute("SELECT pg_advisory_lock(7)")
    other.execute("SELECT pg_advisory_unlock_all()")


@pytest.mark.parametrize("story", STORIES)
def test_a_lock_that_is_held_beyond_the_deadline(
    story: str, begin: Begin, undisturbed: Undisturbed, connect: Connect
) -> None:
    reference = undisturbed(story)
    trial = begin(story)
    holder = connect(trial.database, autocommit=False, application_name="test")
    holder.execute("LOCK TABLE accounts IN SHARE MODE")
    done = trial.upgrade("--deadline", "300ms")
    assert done.code == BLOCKED[story], done.ending
    assert {attempt["sqlstate"] for attempt in done.attempts} == {"55P03"}
    blocker = done.attempts[-1]["blocked_by"][0]
    assert (blocker["pid"], blocker["mode"]) == (holder.info.backend_pid, "SHARE")
    assert f"pid {holder.info.backend_pid}" in done.out
    nothing = "The locks could not be had before the deadline"
    assert (nothing in done.out) == (done.code == 75)
    assert ("Nothing was changed." in done.ending) == (done.code == 75)
    holder.rollback()
    assert trial.upgrade().code == 0
    arrived(trial, reference)


@pytest.mark.parametrize("many", [1, EVERY])
@pytest.mark.parametrize("story", STORIES)
def test_a_deadlock(
    story: str,
    many: int,
    begin: Begin,
    undisturbed: Undisturbed,
    connect: Connect,
    create_database: CreateDatabase,
) -> None:
    reference = undisturbed(story)
    for at in spread(1, reference.passages, many):
        trial = begin(story, create_database())
        # Whoever waits last finds the cycle after this time; the other one never looks.
        trial.connection.execute(f"ALTER DATABASE {trial.database.dbname} SET deadlock_timeout = '20ms'".encode())
        other = connect(trial.database, application_name="test", options="-c deadlock_timeout=1min")
        other.execute("SELECT pg_advisory_lock(8)")

        watching = connect(trial.database, application_name="test")
        thread = threading.Thread(target=wants_it, args=(other, watching))
        thread.start()
        done = trial.upgrade(strikes={at: DEADLOCK})
        thread.join()
        assert (done.code, set(done.outcomes)) == (0, {"done"}), done.ending
        assert [attempt["sqlstate"] for attempt in done.attempts] == ["40P01"]
        assert "the server chose us as the victim of a deadlock" in done.out
        other.close()
        watching.close()
        trial.connection.execute(f"ALTER DATABASE {trial.database.dbname} RESET ALL".encode())
        arrived(trial, reference)


@pytest.mark.parametrize("story", STORIES)
def test_a_row_that_violates(story: str, begin: Begin, undisturbed: Undisturbed) -> None:
    reference = undisturbed(story)
    trial = begin(story)
    # In the story of several revisions the second one that counts up comes upon it.
    balance = 997 if story == "multi" else 998
    trial.connection.execute("ALTER TABLE accounts ADD CONSTRAINT below CHECK (balance <> 999) NOT VALID")
    trial.connection.execute("UPDATE accounts SET balance = %s WHERE id = 7", (balance,))
    done = trial.upgrade()
    assert done.code == {"transactional": 3, "mixed": 3}.get(story, 4), done.ending
    (attempt,) = done.attempts
    assert attempt["sqlstate"] == "23514"
    assert attempt["place"].startswith("migrations/versions/f0")
    assert attempt["statement"].startswith("UPDATE accounts SET balance = balance + 1")
    assert 'violates check constraint "below" (SQLSTATE 23514)' in done.out
    assert "then run the same command again: migsafe upgrade " in done.out
    mended = 71 if story == "multi" else 70
    trial.connection.execute("UPDATE accounts SET balance = %s WHERE id = 7", (mended,))
    trial.connection.execute("ALTER TABLE accounts DROP CONSTRAINT below")
    assert trial.upgrade().code == 0
    arrived(trial, reference)


@pytest.mark.parametrize("many", [1, EVERY])
@pytest.mark.parametrize("story", STORIES)
def test_an_error_of_any_statement(
    story: str, many: int, begin: Begin, undisturbed: Undisturbed, create_database: CreateDatabase
) -> None:
    reference = undisturbed(story)
    for at in spread(1, reference.passages, many):
        trial = begin(story, create_database())
        done = trial.upgrade(strikes={at: "SELECT 1 / 0"})
        assert done.code in (3, 4), done.ending
        assert [attempt["sqlstate"] for attempt in done.attempts] == ["22012"]
        assert ("Nothing was changed." in done.ending) == (done.code == 3)
        assert trial.upgrade().code == 0
        arrived(trial, reference)

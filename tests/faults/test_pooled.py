"""Sessions that a pool keeps: whatever became of the run, they go to the application as they came."""

import time
from contextlib import ExitStack

import pytest

from faults.conftest import Begin, Undisturbed, arrived, spread
from faults.revisions import STORIES
from faults.strikes import TERMINATE
from fix_pooler import pooler
from fix_postgres import Connect, Connection
from fix_stories import CreateDatabase
from migsafe.postgres.connection import Database
from migsafe.postgres.connection import connect as connect_to

# A lock that is not to be had for a while, another one's deadlock, and what is wrong with the statement.
LATE = "DO $$ BEGIN RAISE lock_not_available; END $$"
VICTIM = "DO $$ BEGIN RAISE deadlock_detected; END $$"
WRONG = "SELECT 1 / 0"
FAULTS = {"nothing": None, "late": LATE, "victim": VICTIM, "wrong": WRONG, "cut": TERMINATE}
CASES = [("mixed", 1), *(pytest.param(story, 6, marks=pytest.mark.servers) for story in STORIES)]

_KEPT = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND application_name <> 'test'
"""
# What is set, locked, prepared, listened to or temporary in a session. Two settings still tell of its last transaction.
_LEFT = """
SELECT format('SET %s = %s', name, setting) FROM pg_settings WHERE source = 'session' AND name NOT LIKE 'transaction%'
UNION ALL SELECT format('%s %s', locktype, mode) FROM pg_locks
    WHERE pid = pg_backend_pid() AND locktype NOT IN ('virtualxid', 'relation')
UNION ALL SELECT statement FROM pg_prepared_statements
UNION ALL SELECT pg_listening_channels()
UNION ALL SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema()
ORDER BY 1
"""
# The revision's own SET, which no Alembic takes back.
_ASKED_FOR = "SET application_name = of a revision"


def left_in_sessions(pooled: Database, connection: Connection) -> set[str]:
    """What the sessions that the pool has kept were left with; all are there a moment after their clients went."""
    ends = time.monotonic() + 20
    while True:
        kept = {row[0] for row in connection.execute(_KEPT)}
        with ExitStack() as opened:
            given = [opened.enter_context(connect_to(pooled)) for _ in kept]
            if {row[0] for each in given for row in each.execute("SELECT pg_backend_pid()")} == kept:
                return {row[0] for each in given for row in each.execute(_LEFT)} - {_ASKED_FOR}
        assert time.monotonic() < ends
        time.sleep(0.05)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("story", "many"), CASES)
def test_are_given_back_as_they_came(
    story: str,
    fault: str,
    many: int,
    begin: Begin,
    undisturbed: Undisturbed,
    create_database: CreateDatabase,
    connect: Connect,
) -> None:
    reference = undisturbed(story)
    action = FAULTS[fault]
    for at in spread(2, reference.passages, many if action else 1):
        database = create_database().replace(host="127.0.0.1")
        with pooler(database, "session") as pooled:
            trial = begin(story, pooled)
            trial.connection.close()
            trial = trial._replace(connection=connect(database, application_name="test"))
            done = trial.upgrade(strikes={at: action} if action else {})
            assert (done.code == 0) == (fault != "wrong"), done.ending
            assert left_in_sessions(pooled, trial.connection) == set()
            assert trial.upgrade().code == 0
            assert left_in_sessions(pooled, trial.connection) == set()
        arrived(trial, reference)

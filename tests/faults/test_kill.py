"""kill -9 of migsafe, between any two of its calls and in the middle of any statement: the next run carries on."""

import os
import signal

import pytest

from faults.conftest import Begin, Child, Done, Fork, Trial, Undisturbed, arrived, spread, uninstalled
from faults.revisions import STORIES
from faults.strikes import HOLD
from fix_stories import CreateDatabase, wait_for

WAITING = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND NOT granted"
SOME = 2
EVERY = pytest.param(10_000, id="every", marks=pytest.mark.servers)


def calls_of(child: Child) -> list[str]:
    """What a child has printed of its calls."""
    return [line for line in child.output.read_text().splitlines() if line.startswith("call ")]


def carried_on(trial: Trial) -> Done:
    """The next run."""
    uninstalled(trial.database)
    done = trial.upgrade()
    assert (done.code, done.attempts) == (0, []), done.ending
    assert "an earlier run (" in done.out
    assert "ended without a word" in done.out
    return done


@pytest.mark.parametrize("many", [SOME, EVERY])
@pytest.mark.parametrize("story", STORIES)
def test_between_two_calls(
    story: str, many: int, begin: Begin, undisturbed: Undisturbed, fork: Fork, create_database: CreateDatabase
) -> None:
    reference = undisturbed(story)
    trial = begin(story, create_database())
    whole = fork(trial, calls=10_000)
    assert whole.ended() == 0
    # After the last COMMIT nothing is left to do.
    commits = [n for n, call in enumerate(calls_of(whole), 1) if call.endswith("COMMIT")]
    for calls in spread(1, commits[-1] - 1, many):
        trial = begin(story, create_database())
        child = fork(trial, calls=calls)
        assert child.ended() == -signal.SIGKILL, child.output.read_text()
        carried_on(trial)
        arrived(trial, reference)


@pytest.mark.parametrize("many", [SOME, EVERY])
@pytest.mark.parametrize("story", STORIES)
def test_in_the_middle_of_a_statement(
    story: str, many: int, begin: Begin, undisturbed: Undisturbed, fork: Fork, create_database: CreateDatabase
) -> None:
    reference = undisturbed(story)
    for at in spread(2, reference.passages, many):
        trial = begin(story, create_database())
        trial.connection.execute("SELECT pg_advisory_lock(42)")
        child = fork(trial, strikes={at: HOLD})
        wait_for(trial.connection, WAITING)
        os.kill(child.pid, signal.SIGKILL)
        assert child.ended() == -signal.SIGKILL
        # The server goes on for a client that is gone, to the end of the statement.
        trial.connection.execute("SELECT pg_advisory_unlock(42)")
        carried_on(trial)
        arrived(trial, reference)

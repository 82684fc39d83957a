"""A connection that is cut is made anew, and the run goes on from what the server has kept."""

import pytest

from faults.conftest import Begin, Undisturbed, arrived, spread
from faults.revisions import STORIES
from faults.strikes import TERMINATE, TERMINATE_ALL, terminate
from faults.wire import Broken, wire
from fix_stories import CreateDatabase

EVERY = pytest.param(10_000, id="every", marks=pytest.mark.servers)
BESIDE = ("migsafe", "migsafe watchdog", "migsafe lock")


@pytest.mark.parametrize("many", [3, EVERY])
@pytest.mark.parametrize("story", STORIES)
def test_the_migrating_one(
    story: str, many: int, begin: Begin, undisturbed: Undisturbed, create_database: CreateDatabase
) -> None:
    reference = undisturbed(story)
    for at in spread(1, reference.passages, many):
        trial = begin(story, create_database())
        done = trial.upgrade(strikes={at: TERMINATE})
        assert (done.code, set(done.outcomes)) == (0, {"done"}), done.ending
        (attempt,) = done.attempts
        assert attempt["sqlstate"] == "57P01"
        assert "the connection to the server was lost during: " in attempt["message"]
        assert attempt["found"].startswith("connected again after ")
        assert "attempt 1 stopped after " in done.out
        assert attempt["found"] in done.out
        arrived(trial, reference)


@pytest.mark.parametrize("many", [1, EVERY])
@pytest.mark.parametrize("application", BESIDE)
@pytest.mark.parametrize("story", STORIES)
def test_one_of_the_others(
    story: str,
    application: str,
    many: int,
    begin: Begin,
    undisturbed: Undisturbed,
    create_database: CreateDatabase,
) -> None:
    reference = undisturbed(story)
    for at in spread(2, reference.passages, many):
        trial = begin(story, create_database())
        done = trial.upgrade(strikes={at: terminate(application)})
        assert (done.code, set(done.outcomes)) == (0, {"done"}), done.ending
        arrived(trial, reference)


@pytest.mark.parametrize("many", [1, EVERY])
@pytest.mark.parametrize("story", STORIES)
def test_all_of_them(
    story: str, many: int, begin: Begin, undisturbed: Undisturbed, create_database: CreateDatabase
) -> None:
    reference = undisturbed(story)
    for at in spread(3, reference.passages, many):
        trial = begin(story, create_database())
        done = trial.upgrade(strikes={at: TERMINATE_ALL})
        assert (done.code, set(done.outcomes)) == (0, {"done"}), done.ending
        arrived(trial, reference)


@pytest.mark.parametrize("broken", ["before", "after"])
def test_while_something_commits(
    broken: Broken, begin: Begin, undisturbed: Undisturbed, create_database: CreateDatabase
) -> None:
    """The server alone knows what became of it: the version table, or the record of the statement."""
    reference = undisturbed("mixed")
    found: list[str] = []
    at = 0
    while len(found) == at:
        at += 1
        with wire(create_database(), at, broken) as (database, line):
            trial = begin("mixed", database)
            done = trial.upgrade(planned=line.arm)
            assert (done.code, set(done.outcomes)) == (0, {"done"}), done.ending
            found += [attempt["found"].partition("; ")[2] for attempt in done.attempts]
            arrived(trial, reference)
    assert any("of revision f01, which goes on from there" in each for each in found)
    known = "revision f01 is in: the answer to its COMMIT was lost, and the version table has it"
    assert (known in found) == (broken == "after")

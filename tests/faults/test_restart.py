"""The server goes down in the middle, and comes back: the run waits for it, and goes on from what it has kept."""

import itertools
from collections.abc import Iterator

import pytest
from psycopg import sql

from faults.conftest import Begin, Undisturbed, arrived, spread
from faults.revisions import STORIES
from faults.server import mortal, once
from fix_postgres import Connect, Connection
from migsafe.postgres.connection import Database
from migsafe.postgres.connection import connect as connect_to

EVERY = pytest.param(10_000, id="every", marks=pytest.mark.servers)
# Of the shell's parent, the server process of our session: the others are told to end, and the server recovers.
CRASH = "kill -9 $PPID; sleep 30"
# In the background, because the server ends whom it has started.
RESTART = "(setsid pg_ctl restart -D $PWD -m immediate -w >/dev/null 2>&1 &); sleep 30"


@pytest.fixture(scope="module")
def server(postgres: Database) -> Iterator[Database]:
    """A server of this module's own."""
    with mortal(postgres) as database:
        yield database


_numbers = itertools.count(1)


def fresh(server: Database) -> Database:
    """A database on it."""
    name = f"struck_{next(_numbers)}"
    with connect_to(server) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return server.replace(dbname=name)


def path_of(connection: Connection) -> str:
    """Where the server's programs are."""
    row = connection.execute("SELECT setting FROM pg_config WHERE name = 'BINDIR'").fetchone()
    assert row is not None
    return str(row[0])


@pytest.mark.parametrize("many", [1, EVERY])
@pytest.mark.parametrize("how", ["restart", "crash"])
@pytest.mark.parametrize("story", STORIES)
def test_in_the_middle_of_a_statement(
    story: str, how: str, many: int, begin: Begin, undisturbed: Undisturbed, server: Database, connect: Connect
) -> None:
    reference = undisturbed(story)
    for at in spread(1, reference.passages, many):
        trial = begin(story, fresh(server))
        command = CRASH if how == "crash" else f"PATH={path_of(trial.connection)}:$PATH; {RESTART}"
        done = trial.upgrade(strikes={at: once(trial.database, command)})
        assert (done.code, set(done.outcomes)) == (0, {"done"}), done.ending
        assert done.attempts[0]["found"].startswith("connected again after ")
        trial = trial._replace(connection=connect(trial.database, application_name="test"))
        arrived(trial, reference)

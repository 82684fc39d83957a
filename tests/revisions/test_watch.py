"""A connection that was watched is the application's again: nothing of ours is left in it."""

from collections.abc import Iterator

import pytest
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, create_engine, text

from fix_postgres import Connect
from migsafe.postgres.connection import Database
from migsafe.revisions.watch import Call, Execute, watching


class Refused(Exception):
    """What a watcher raises."""


class Watcher:
    """Sends `sql` in front of every COMMIT, and then refuses it if that is wanted."""

    def __init__(self, sql: str, *, refuses: bool) -> None:
        self.sql, self.refuses = sql, refuses

    def statement(self, call: Call) -> bool:
        return False

    def begun(self) -> None:
        """Not looked at."""

    def committing(self, execute: Execute) -> None:
        execute(self.sql)
        if self.refuses:
            raise Refused

    def rolled_back(self) -> None:
        """Not looked at."""


@pytest.fixture(params=["psycopg", "psycopg2"])
def engine(request: pytest.FixtureRequest, database: Database) -> Iterator[Engine]:
    """It keeps its connection."""
    made = create_engine(database.url(request.param), pool_size=1)
    yield made
    made.dispose()


def test_what_may_not_be_committed_is_rolled_back_before_a_pool_has_it(engine: Engine, connect: Connect) -> None:
    watcher = Watcher("CREATE TABLE t (id integer)", refuses=True)
    with engine.connect() as connection:
        pid = connection.scalar(text("SELECT pg_backend_pid()"))
        with watching(MigrationContext.configure(connection), watcher, frozenset), pytest.raises(Refused):
            connection.commit()
    other = connect()
    assert other.execute("SELECT state FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone() == ("idle",)
    assert other.execute("SELECT locktype FROM pg_locks WHERE pid = %s", (pid,)).fetchall() == []


def test_nothing_of_ours_stays_prepared(engine: Engine) -> None:
    with engine.connect() as connection:
        with watching(MigrationContext.configure(connection), Watcher("SELECT 'ours'", refuses=False), frozenset):
            for _ in range(8):
                connection.execute(text("SELECT pg_backend_pid()"))
                connection.commit()
        prepared = connection.execute(text("SELECT statement FROM pg_prepared_statements WHERE statement ~ 'ours'"))
        assert prepared.all() == []

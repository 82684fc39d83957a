"""lock_timeout holds for our statements, not for those of others, and not one moment longer."""

from pathlib import Path

import pytest

from fix_postgres import Connect
from fix_stories import EnterStory, RunTo, outcomes, write_chain
from migsafe.postgres.connection import Database

pytestmark = pytest.mark.alembic_matrix

POOLED_ENV = """
from alembic import context
from shop import engine

with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
POOL = """
import sqlalchemy as sa

engine = sa.create_engine({url!r}, pool_size=1, max_overflow=0)
"""
INDEX = (
    'with op.get_context().autocommit_block():\n    op.create_index("{0}", "t", ["id"], postgresql_concurrently=True)'
)
TABLE = 'op.execute("CREATE TABLE t (id integer)")'
COMMENT = 'op.execute("COMMENT ON TABLE t IS NULL")'

DRIVERS = ("psycopg", "psycopg2")


@pytest.fixture
def seen(connect: Connect) -> Connect:
    """Every DDL statement from now on notes its command, and the lock_timeout that it has, in the table seen."""
    for statement in (
        "CREATE TABLE seen (at bigserial, command text, lock_timeout text, statement_timeout text)",
        "CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen (command,"
        " lock_timeout, statement_timeout) VALUES (tg_tag, current_setting('lock_timeout'),"
        " current_setting('statement_timeout')); END $$",
        "CREATE EVENT TRIGGER notes ON ddl_command_start EXECUTE FUNCTION note()",
    ):
        connect().execute(statement.encode())
    return connect


def timeouts(connect: Connect, *commands: str) -> list[tuple[object, ...]]:
    query = "SELECT command, lock_timeout FROM seen WHERE command = ANY(%s) ORDER BY at"
    return connect().execute(query, (list(commands),)).fetchall()


def test_every_statement_has_ours_but_the_concurrent_ones(
    enter_story: EnterStory, run_to: RunTo, seen: Connect
) -> None:
    enter_story("autocommit")
    ran = run_to(lock_timeout=1.5)
    assert (outcomes(ran), ran.failure, ran.notes) == (["done"] * 3, None, ())
    assert timeouts(seen, "CREATE INDEX") == [("CREATE INDEX", "0")] * 3
    assert timeouts(seen, "ALTER TABLE", "COMMENT") == [("ALTER TABLE", "1500ms"), ("COMMENT", "1500ms")]


def test_a_statement_timeout_does_not_cut_a_concurrent_build(
    enter_story: EnterStory, run_to: RunTo, seen: Connect, database: Database
) -> None:
    folder = pooled(enter_story, database, "psycopg", TABLE, INDEX.format("ix"), COMMENT)
    env_py = folder / "migrations" / "env.py"
    configure = "    context.configure("
    setting = '    connection.exec_driver_sql("SET statement_timeout = 5000")\n    connection.commit()\n'
    env_py.write_text(env_py.read_text().replace(configure, setting + configure))
    assert outcomes(run_to()) == ["done"] * 3
    rows = seen().execute("SELECT command, statement_timeout FROM seen WHERE command <> 'CREATE TABLE' ORDER BY at")
    assert [row for row in rows if row[0] in ("CREATE INDEX", "COMMENT")] == [("CREATE INDEX", "0"), ("COMMENT", "5s")]
    assert session_of_the_pool() == [("0", "default")]


def test_that_of_env_py_is_respected_and_noted(enter_story: EnterStory, run_to: RunTo, seen: Connect) -> None:
    enter_story("own_commit")
    ran = run_to()
    assert (outcomes(ran), ran.notes) == (["done"] * 3, ("env.py sets lock_timeout = 4s itself; that one holds",))
    assert ("ALTER TABLE", "4s") in timeouts(seen, "ALTER TABLE")
    assert timeouts(seen, "CREATE INDEX") == [("CREATE INDEX", "0")]


def test_that_of_a_revision_is_respected_and_noted(enter_story: EnterStory, run_to: RunTo, seen: Connect) -> None:
    enter_story("own_timeouts")
    ran = run_to(lock_timeout=1.5)
    assert outcomes(ran) == ["done"] * 3
    assert [step.notes for step in ran.steps] == [
        (),
        ("sets lock_timeout itself", "sets statement_timeout itself"),
        ("sets lock_timeout itself",),
    ]
    assert timeouts(seen, "ALTER TABLE") == [("ALTER TABLE", "250ms")]
    outside = seen().execute("SELECT statement_timeout FROM seen WHERE command = 'ALTER TABLE'").fetchall()
    assert outside == [("2min",)]
    assert timeouts(seen, "CREATE INDEX") == [("CREATE INDEX", "0")]


def test_one_revisions_own_does_not_hold_for_the_next(enter_story: EnterStory, run_to: RunTo, seen: Connect) -> None:
    own = f'op.execute("SET lock_timeout = 7000")\n{TABLE}'
    write_chain(enter_story("generic"), own, INDEX.format("ix"), TABLE.replace(" t ", " u "))
    assert outcomes(run_to(lock_timeout=1.5)) == ["done"] * 3
    found = [value for _, value in timeouts(seen, "CREATE TABLE") if value in ("7s", "1500ms")]
    assert (found[0], found[-1]) == ("7s", "1500ms")


def pooled(enter_story: EnterStory, database: Database, driver: str, *bodies: str) -> Path:
    folder = enter_story("generic")
    (folder / "shop.py").write_text(POOL.format(url=database.url(driver)))
    (folder / "migrations" / "env.py").write_text(POOLED_ENV)
    write_chain(folder, *bodies)
    return folder


def session_of_the_pool() -> list[tuple[object, ...]]:
    """lock_timeout and where it comes from, as the application finds it; the pool is then emptied."""
    from shop import engine  # type: ignore[import-not-found]  # written by pooled()

    with engine.connect() as connection:
        query = "SELECT setting, source FROM pg_settings WHERE name = 'lock_timeout'"
        found = [tuple(row) for row in connection.exec_driver_sql(query)]
    engine.dispose()
    return found


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_pooled_session_goes_back_as_it_was(
    driver: str, enter_story: EnterStory, run_to: RunTo, database: Database
) -> None:
    pooled(enter_story, database, driver, TABLE, f'{INDEX.format("ix")}\n    op.execute("INSERT INTO t VALUES (1)")')
    assert outcomes(run_to("f00")) == ["done"]
    ran = run_to("f01")
    assert (outcomes(ran), ran.notes) == (["done"], ())
    assert session_of_the_pool() == [("0", "default")]


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_pooled_session_goes_back_as_it_was_after_a_failure(
    driver: str, enter_story: EnterStory, run_to: RunTo, database: Database
) -> None:
    fails = INDEX.format("ix") + '\n    op.execute("SELECT 1 FROM nowhere")\n'
    pooled(enter_story, database, driver, TABLE, fails)
    assert outcomes(run_to()) == ["done", "partial"]
    assert session_of_the_pool() == [("0", "default")]


def test_a_second_attempt_on_a_pooled_session_is_not_taken_for_env_pys_own(
    enter_story: EnterStory, run_to: RunTo, database: Database, connect: Connect
) -> None:
    waits = 'with op.get_context().autocommit_block():\n    op.execute("ALTER TABLE t ADD COLUMN n integer")'
    pooled(enter_story, database, "psycopg", TABLE, waits)
    assert outcomes(run_to("f00")) == ["done"]
    report = connect(autocommit=False)
    report.execute("SELECT * FROM t")
    attempts: list[float] = []

    def blocked(_blockers: object, pause: float) -> None:
        attempts.append(pause)
        if len(attempts) == 2:
            report.rollback()

    ran = run_to("f01", on_blocked=blocked, lock_timeout=0.05)
    assert (outcomes(ran), ran.notes, len(attempts)) == (["done"], (), 2)
    assert session_of_the_pool() == [("0", "default")]


def test_what_env_py_set_for_its_session_stays_set(enter_story: EnterStory, run_to: RunTo, database: Database) -> None:
    folder = pooled(enter_story, database, "psycopg", TABLE, INDEX.format("ix"))
    env_py = folder / "migrations" / "env.py"
    configure = "    context.configure("
    setting = '    connection.exec_driver_sql("SET lock_timeout = 3000")\n    connection.commit()\n'
    env_py.write_text(env_py.read_text().replace(configure, setting + configure))
    assert outcomes(run_to()) == ["done", "done"]
    assert session_of_the_pool() == [("3000", "session")]

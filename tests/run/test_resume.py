"""A revision that is half durable is carried on with where it stopped, once, and leaves no trace of that."""

from pathlib import Path

import psycopg
import pytest

from fix_postgres import Connect, Connection
from fix_stories import FIRST_LINE, EnterStory, RunTo, outcomes, with_driver, write_chain
from migsafe.journal import read as read_journal
from migsafe.postgres.connection import Database

pytestmark = pytest.mark.alembic_matrix

CREATE = 'op.execute("CREATE TABLE t (id integer, n integer)")\nop.execute("INSERT INTO t VALUES (1, 7), (2, 7)")'
HALF = """
op.add_column("t", sa.Column("note", sa.Text))
with op.get_context().autocommit_block():
    op.create_index("ix_t_id", "t", ["id"], postgresql_concurrently=True)
    op.create_index("uq_t_n", "t", ["n"], unique=True, postgresql_concurrently=True)
    op.execute("INSERT INTO t VALUES (3, 8)")
op.get_bind().execute(sa.text("UPDATE t SET note = :note"), {"note": "50%"})
"""
FAILS_AT = f"migrations/versions/f01_written.py:{FIRST_LINE + 3}"

DRIVERS = ("psycopg", "psycopg2", "asyncpg")


def version(connection: Connection) -> list[tuple[object, ...]]:
    return connection.execute("SELECT version_num FROM alembic_version").fetchall()


def progress(connection: Connection) -> list[tuple[object, ...]] | None:
    """Number and state of the recorded statements; None where there is no table."""
    if connection.execute("SELECT to_regclass('migsafe_progress')").fetchone() == (None,):
        return None
    return connection.execute("SELECT revision, number, finished FROM migsafe_progress ORDER BY number").fetchall()


def indexes(connection: Connection) -> list[tuple[object, ...]]:
    query = "SELECT indexrelid::regclass::text, indisvalid FROM pg_index WHERE indrelid = to_regclass('t') ORDER BY 1"
    return connection.execute(query).fetchall()


def story(enter_story: EnterStory, driver: str = "psycopg", *bodies: str) -> Path:
    folder = with_driver(enter_story, driver)
    write_chain(folder, *(bodies or (CREATE, HALF, 'op.execute("ALTER TABLE t ADD COLUMN last integer")')))
    return folder


@pytest.mark.parametrize("driver", DRIVERS)
def test_after_the_data_is_mended_the_next_run_does_only_the_rest(
    driver: str, enter_story: EnterStory, run_to: RunTo, connect: Connect, tmp_path: Path
) -> None:
    story(enter_story, driver)
    ran = run_to()
    assert (outcomes(ran), ran.stopped_at) == (["done", "partial", "not-reached"], None)
    assert f"{ran.failure}".startswith(f'{FAILS_AT}: could not create unique index "uq_t_n" (SQLSTATE 23505)')
    connection = connect()
    assert version(connection) == [("f00",)]
    # The invalid index of the build that failed is cleared away at once.
    assert indexes(connection) == [("ix_t_id", True)]
    assert progress(connection) == [("f01", 0, True), ("f01", 1, True), ("f01", 2, False)]
    connection.execute("UPDATE t SET n = id")

    again = run_to(journal=tmp_path / "again")
    assert (outcomes(again), again.failure) == (["done", "done"], None)
    half = again.steps[0]
    assert (half.revision, half.resumed, half.statements) == ("f01", 2, 5)
    assert version(connection) == [("f02",)]
    assert indexes(connection) == [("ix_t_id", True), ("uq_t_n", True)]
    assert connection.execute("SELECT id, note FROM t ORDER BY id").fetchall() == [(1, "50%"), (2, "50%"), (3, "50%")]
    assert progress(connection) is None
    skipped = [entry["number"] for entry in read_journal(tmp_path / "again") if entry["event"] == "skipped"]
    assert skipped == [0, 1]


def test_an_invalid_index_of_somebody_else_is_neither_dropped_nor_taken_for_done(
    enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    story(enter_story)
    assert outcomes(run_to()) == ["done", "partial", "not-reached"]
    connection = connect()
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("CREATE UNIQUE INDEX CONCURRENTLY uq_t_n ON t (n)")
    connection.execute("UPDATE t SET n = id")
    ran = run_to()
    assert outcomes(ran) == ["partial", "not-reached"]
    assert f"{ran.failure}".startswith(
        f"{FAILS_AT}: public.uq_t_n on public.t is there already, but invalid, and not this revision's: a build that "
    )
    assert "DROP INDEX CONCURRENTLY public.uq_t_n; and run the same command again" in f"{ran.remedy}"
    assert indexes(connection) == [("ix_t_id", True), ("uq_t_n", False)]
    connection.execute("DROP INDEX CONCURRENTLY uq_t_n")
    told: list[str] = []
    assert outcomes(run_to(told=lambda text, _fraction: told.append(text))) == ["done", "done"]
    assert any(text.startswith("already done by an earlier run: ALTER TABLE t ADD COLUMN note") for text in told)
    assert indexes(connection) == [("ix_t_id", True), ("uq_t_n", True)]


def test_an_index_that_was_finished_by_hand_is_not_built_again(
    enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    story(enter_story)
    assert outcomes(run_to()) == ["done", "partial", "not-reached"]
    connection = connect()
    connection.execute("UPDATE t SET n = id")
    connection.execute("CREATE UNIQUE INDEX uq_t_n ON t (n)")
    before = connection.execute("SELECT 'uq_t_n'::regclass::oid").fetchone()
    ran = run_to()
    assert (outcomes(ran), ran.steps[0].resumed) == (["done", "done"], 3)
    assert connection.execute("SELECT 'uq_t_n'::regclass::oid").fetchone() == before


def test_a_revision_that_changed_meanwhile_is_not_guessed_at(
    enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    folder = story(enter_story)
    assert outcomes(run_to()) == ["done", "partial", "not-reached"]
    path = folder / "migrations" / "versions" / "f01_written.py"
    path.write_text(path.read_text().replace('["id"]', '["id", "n"]'))
    connect().execute("UPDATE t SET n = id")
    ran = run_to()
    assert outcomes(ran) == ["partial", "not-reached"]
    assert f"{ran.failure}".startswith(
        f"migrations/versions/f01_written.py:{FIRST_LINE + 2}: this is not the statement that an earlier run of "
        "revision f01 made durable here (statement 2)"
    )
    assert "migsafe stamp f01" in f"{ran.remedy}"
    assert version(connect()) == [("f00",)]


def test_what_a_revision_commits_by_itself_is_recorded_with_it(
    enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    body = 'op.execute("UPDATE t SET n = n + 1")\nop.get_bind().commit()\nop.execute("INSERT INTO gone VALUES (1)")'
    story(enter_story, "psycopg", CREATE, body)
    assert outcomes(run_to()) == ["done", "partial"]
    assert progress(connect()) == [("f01", 0, True)]
    connect().execute("CREATE TABLE gone (id integer)")
    ran = run_to()
    assert (outcomes(ran), ran.steps[0].resumed) == (["done"], 1)
    assert connect().execute("SELECT n FROM t").fetchall() == [(8,), (8,)]
    assert progress(connect()) is None


def test_a_downgrade_is_resumed_too(enter_story: EnterStory, run_to: RunTo, connect: Connect) -> None:
    enter_story("autocommit")
    assert outcomes(run_to()) == ["done"] * 3
    connect().execute("DROP INDEX ix_devices_model")
    ran = run_to("base", direction="downgrade")
    assert outcomes(ran) == ["partial", "not-reached", "not-reached"]
    connect().execute("CREATE INDEX ix_devices_model ON devices (model)")
    ran = run_to("base", direction="downgrade")
    assert (outcomes(ran), ran.steps[0].resumed) == (["done"] * 3, 1)
    assert progress(connect()) is None


def test_a_revision_of_one_transaction_never_has_a_record(
    enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    connect().execute("CREATE TABLE made (name text)")
    connect().execute(
        "CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.made"
        " SELECT object_identity FROM pg_event_trigger_ddl_commands(); END $$"
    )
    connect().execute("CREATE EVENT TRIGGER notes ON ddl_command_end EXECUTE FUNCTION note()")
    enter_story("generic")
    assert outcomes(run_to()) == ["done"] * 4
    made = {name for (name,) in connect().execute("SELECT name FROM made")}
    assert "public.orders" in made
    assert not any("migsafe" in str(name) for name in made)


@pytest.mark.parametrize("driver", DRIVERS)
def test_rows_that_an_autocommit_statement_returns_reach_the_revision(
    driver: str, enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    body = (
        "with op.get_context().autocommit_block():\n"
        '    row = op.get_bind().execute(sa.text("INSERT INTO t VALUES (9, 9) RETURNING id"))\n'
        '    number = row.scalar() + op.get_bind().execute(sa.text("SELECT 1")).scalar()\n'
        'op.execute(f"INSERT INTO t VALUES ({number}, 0)")'
    )
    story(enter_story, driver, CREATE, body)
    assert outcomes(run_to()) == ["done", "done"]
    assert connect().execute("SELECT n FROM t WHERE id = 10").fetchall() == [(0,)]


def test_the_record_lies_beside_the_version_table(
    enter_story: EnterStory, run_to: RunTo, connect: Connect, database: Database
) -> None:
    folder = enter_story("version_table_schema")
    write_chain(folder, CREATE, HALF)
    assert outcomes(run_to()) == ["done", "partial"]
    assert connect().execute("SELECT count(*) FROM bookkeeping.migsafe_progress").fetchone() == (3,)
    connect().execute("UPDATE t SET n = id")
    assert outcomes(run_to()) == ["done"]
    assert connect().execute("SELECT to_regclass('bookkeeping.migsafe_progress')").fetchone() == (None,)

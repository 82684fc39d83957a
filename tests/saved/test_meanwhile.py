"""What is written between saving and destroying."""

from pathlib import Path

import psycopg
import pytest

from fix_postgres import Connect
from migsafe.postgres.connection import Database
from saved.undoing import VERSIONS, Undoing

MEANWHILE = (
    "UPDATE t SET b = 'meanwhile' WHERE id = 7",
    "INSERT INTO t VALUES (900, 'new', 'new')",
    "DELETE FROM t WHERE id = 9",
)

IN_FILES = pytest.mark.parametrize("undoing", ["files"], indirect=True)


@pytest.fixture(params=["files", "tables"])
def undoing(database: Database, connect: Connect, tmp_path: Path, request: pytest.FixtureRequest) -> Undoing:
    made = Undoing(database, connect, tmp_path / "2026-11-21T10-00-00-000Z_r0_r1", store=request.param)
    made.run(
        *VERSIONS,
        "CREATE TYPE mood AS ENUM ('good', 'bad')",
        "CREATE TABLE t (id int PRIMARY KEY, a text, b text, c mood DEFAULT 'bad')",
        "INSERT INTO t SELECT n, 'a', 'b' || n FROM generate_series(1, 100) n",
    )
    return made


@pytest.mark.parametrize(
    "destroys",
    [
        "ALTER TABLE t DROP COLUMN b",
        "DROP TYPE mood CASCADE",
        "UPDATE t SET b = upper(b)",
        "DROP TABLE t",
        "ALTER TABLE t ALTER COLUMN b TYPE varchar(1) USING left(b, 1)",
    ],
)
def test_it_is_caught_up_in_the_transaction_that_destroys(undoing: Undoing, destroys: str) -> None:
    undoing.migrate(destroys, meanwhile=MEANWHILE)
    done = undoing.undo()
    table = {row["id"]: (row["b"], row["c"]) for row in undoing.rows()["public.t"]}
    assert (table[7], table[900]) == (("meanwhile", "bad"), ("new", "bad"))
    assert (done.wholly, undoing.notes) == (True, ())
    assert undoing.shape() == undoing.schema


@pytest.mark.needs_18
def test_without_time_for_that_it_is_counted(undoing: Undoing) -> None:
    undoing.run("SELECT pg_stat_force_next_flush()")
    undoing.max_wait = 0.0
    undoing.migrate("ALTER TABLE t DROP COLUMN b", meanwhile=(*MEANWHILE, "SELECT pg_stat_force_next_flush()"))
    (note,) = undoing.notes
    assert note.endswith("rows of public.t may have been written between saving and destroying column public.t.b")
    assert undoing.undo().counts.restored == 99


@IN_FILES
@pytest.mark.parametrize(
    "destroys",
    [
        "DELETE FROM t WHERE id <= 50",
        "DROP TABLE t",
        "DELETE FROM t AS o USING t AS p WHERE p.id = o.id AND p.b LIKE 'b%'",
    ],
)
def test_what_the_application_deleted_before_the_run_came_does_not_come_back(undoing: Undoing, destroys: str) -> None:
    undoing.migrate(destroys, meanwhile=MEANWHILE)
    done = undoing.undo()
    table = {row["id"]: row["b"] for row in undoing.rows()["public.t"]}
    assert (9 in table, table[7], done.counts.gone, done.wholly) == (False, "meanwhile", 1, True)
    assert (len(table), undoing.notes, done.doubts) == (100, (), ())


@IN_FILES
def test_what_the_application_took_out_of_the_reach_of_the_statement_stays_as_it_made_it(undoing: Undoing) -> None:
    undoing.migrate(
        "UPDATE t SET a = 'x' WHERE c = 'bad'", meanwhile=("UPDATE t SET a = 'own', c = 'good' WHERE id = 7",)
    )
    done = undoing.undo()
    table = {row["id"]: row["a"] for row in undoing.rows()["public.t"]}
    assert (table[7], table[8], done.counts.restored, done.wholly) == ("own", "a", 99, True)


@IN_FILES
def test_a_row_that_came_to_be_meant_without_being_written_is_told(undoing: Undoing) -> None:
    undoing.run("CREATE TABLE chosen (id int)", "INSERT INTO chosen VALUES (1), (2)")
    undoing.migrate(
        "DELETE FROM t WHERE id IN (SELECT id FROM chosen)",
        meanwhile=("INSERT INTO chosen VALUES (3)", "DELETE FROM chosen WHERE id = 2"),
    )
    (note,) = undoing.notes
    assert note == "1 row of public.t came to be meant after rows of public.t had been saved: these are not in it"
    assert undoing.undo().counts.restored == 1


@IN_FILES
def test_rows_that_somebody_is_changing_are_waited_for_before_it_is_noted_which_there_are(undoing: Undoing) -> None:
    with undoing.connect(undoing.database, autocommit=False) as other:
        other.execute("DELETE FROM t WHERE id = 9")
        undoing.run("SET lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            undoing.migrate("DELETE FROM t WHERE id < 10")


@IN_FILES
@pytest.mark.parametrize("without", ["a key", "time"])
def test_where_nobody_could_look_which_rows_the_run_deleted_restore_says_so(undoing: Undoing, without: str) -> None:
    if without == "a key":
        undoing.run("ALTER TABLE t DROP CONSTRAINT t_pkey")
    else:
        undoing.max_wait = 0.0
    undoing.migrate("DELETE FROM t WHERE id <= 50", meanwhile=MEANWHILE)
    done = undoing.undo()
    (doubt,) = done.doubts
    assert doubt.startswith(
        "rows of public.t: whether somebody else had deleted some of the 50 rows that came back, after they were saved"
    )
    assert len(undoing.rows()["public.t"]) == 101


def test_in_tables_the_rows_go_with_the_schema_when_the_last_is_removed(undoing: Undoing) -> None:
    from migsafe.saved import tables

    undoing.migrate("ALTER TABLE t DROP COLUMN b")
    run = undoing.directory.name
    names = tables.of_run(undoing.connection, run)
    assert bool(names) is (undoing.store == "tables")
    if names:
        tables.drop(undoing.connection, names)
    assert undoing.connection.execute("SELECT to_regnamespace('migsafe_undo')").fetchone() == (None,)

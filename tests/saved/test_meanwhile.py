"""What is written between saving and destroying."""

from pathlib import Path

import pytest

from fix_postgres import Connect
from migsafe.postgres.connection import Database
from saved.undoing import VERSIONS, Undoing

MEANWHILE = (
    "UPDATE t SET b = 'meanwhile' WHERE id = 7",
    "INSERT INTO t VALUES (900, 'new', 'new')",
    "DELETE FROM t WHERE id = 9",
)


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


def test_in_tables_the_rows_go_with_the_schema_when_the_last_is_removed(undoing: Undoing) -> None:
    from migsafe.saved import tables

    undoing.migrate("ALTER TABLE t DROP COLUMN b")
    run = undoing.directory.name
    names = tables.of_run(undoing.connection, run)
    assert bool(names) is (undoing.store == "tables")
    if names:
        tables.drop(undoing.connection, names)
    assert undoing.connection.execute("SELECT to_regnamespace('migsafe_undo')").fetchone() == (None,)

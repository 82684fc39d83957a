"""What the application wrote after the run, against what the run destroyed."""

import json
from pathlib import Path

import pytest

from fix_postgres import Connect
from migsafe.postgres.connection import Database
from saved.undoing import VERSIONS, Undoing

TABLE = (
    *VERSIONS,
    "CREATE TABLE t (id int PRIMARY KEY, a text, b text UNIQUE)",
    "INSERT INTO t SELECT n, 'a', 'b' || n FROM generate_series(1, 100) n",
)


@pytest.fixture
def undoing(database: Database, connect: Connect, tmp_path: Path) -> Undoing:
    made = Undoing(database, connect, tmp_path / "run")
    made.run(*TABLE)
    return made


def values(undoing: Undoing, column: str, where: str = "true") -> list[object]:
    query = f"SELECT {column} FROM t WHERE {where} ORDER BY id"
    return [row[0] for row in undoing.connection.execute(query.encode()).fetchall()]


def listed(undoing: Undoing) -> list[dict[str, object]]:
    lines = (undoing.directory / "saved" / "conflicts.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_a_newer_value_is_kept_and_listed(undoing: Undoing) -> None:
    undoing.migrate("UPDATE t SET b = 'x' || id WHERE id <= 50")
    undoing.run("UPDATE t SET b = 'newer' WHERE id = 7", "UPDATE t SET a = 'other' WHERE id = 8")
    done = undoing.undo()
    assert (done.counts.restored, done.counts.conflicting, done.wholly) == (49, 1, False)
    assert values(undoing, "b", "id IN (6, 7, 8)") == ["b6", "newer", "b8"]
    (conflict,) = listed(undoing)
    assert (conflict["key"], conflict["saved"], conflict["now"]) == ({"id": "7"}, {"b": "b7"}, {"b": "newer"})
    assert done.said == ("public.alembic_version says r1 still: not everything is back",)
    assert (undoing.directory / "saved" / "conflicts.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_newer_value_is_overwritten_when_that_is_asked_for_and_still_listed(undoing: Undoing) -> None:
    undoing.migrate("UPDATE t SET b = 'x' || id WHERE id <= 50")
    undoing.run("UPDATE t SET b = 'newer' WHERE id = 7")
    done = undoing.undo("restore")
    assert values(undoing, "b", "id IN (6, 7)") == ["b6", "b7"]
    assert [each["now"] for each in listed(undoing)] == [{"b": "newer"}]
    assert done.counts.conflicting == 1


def test_rows_that_came_back_or_whose_place_is_taken_are_conflicts(undoing: Undoing) -> None:
    undoing.migrate("DELETE FROM t WHERE id > 50")
    undoing.run("INSERT INTO t VALUES (60, 'new', 'b60'), (900, 'new', 'b70')", "INSERT INTO t VALUES (80, 'a', 'b80')")
    done = undoing.undo()
    assert (done.counts.restored, done.counts.kept, done.counts.conflicting) == (47, 1, 2)
    assert values(undoing, "a", "id IN (60, 61)") == ["new", "a"]
    found = {json.dumps(each["key"]): each["because"] for each in listed(undoing)}
    assert found == {
        '{"id": "60"}': "the application wrote a newer value",
        '{"id": "70"}': "another row has its place",
    }


def test_a_row_whose_parent_is_gone_is_a_conflict(undoing: Undoing) -> None:
    undoing.run(
        "CREATE TABLE child (id int PRIMARY KEY, t int REFERENCES t)",
        "INSERT INTO child SELECT n, n FROM generate_series(1, 20) n",
    )
    undoing.migrate("DELETE FROM child WHERE id > 10")
    undoing.run("DELETE FROM t WHERE id = 15")
    done = undoing.undo()
    assert (done.counts.restored, done.counts.conflicting, done.counts.pending) == (9, 1, 0)
    assert [(each.key, each.because) for each in done.first] == [({"id": "15"}, "a row that it refers to is gone")]


def test_a_row_that_offends_a_new_constraint_is_the_only_one_that_stays_away(undoing: Undoing) -> None:
    undoing.migrate("DELETE FROM t WHERE id > 50")
    undoing.run("ALTER TABLE t ADD CHECK (id <> 77)")
    done = undoing.undo()
    assert (done.counts.restored, done.counts.conflicting) == (49, 1)
    assert "violates check constraint" in done.first[0].because
    assert undoing.undo().counts.kept == 49


def test_a_column_of_another_type_waits_aside_for_what_does_not_fit(undoing: Undoing) -> None:
    undoing.migrate("ALTER TABLE t DROP COLUMN b", "ALTER TABLE t ADD COLUMN b text[]")
    undoing.run("UPDATE t SET b = '{newer}' WHERE id = 7", "INSERT INTO t VALUES (900, 'new', '{new}')")
    done = undoing.undo()
    assert (done.counts.restored, done.counts.conflicting) == (99, 1)
    assert values(undoing, "b", "id IN (6, 7, 900)") == ["b6", "{newer}", "{new}"]
    assert done.notes == ()
    assert undoing.shape() == undoing.schema


def test_values_that_the_old_type_cannot_hold_stay_where_they_are(undoing: Undoing) -> None:
    undoing.run("ALTER TABLE t DROP COLUMN b", "ALTER TABLE t ADD COLUMN b int", "UPDATE t SET b = id")
    undoing.migrate("ALTER TABLE t ALTER COLUMN b TYPE text USING 'text ' || b")
    undoing.run("UPDATE t SET b = 'no number' WHERE id = 7", "UPDATE t SET b = '4711' WHERE id = 8")
    done = undoing.undo()
    assert values(undoing, "b", "id IN (6, 7, 8)") == [6, None, 4711]
    (note,) = done.notes
    assert note.startswith("1 row has a value that the old type of b cannot hold: they wait in public.t.b_after_")
    assert (done.counts.restored, done.counts.conflicting) == (98, 2)


def test_deleted_rows_stay_deleted_when_a_column_comes_back(undoing: Undoing) -> None:
    undoing.migrate("ALTER TABLE t DROP COLUMN b")
    undoing.run("DELETE FROM t WHERE id <= 3")
    done = undoing.undo()
    assert (done.counts.restored, done.counts.gone, done.wholly) == (97, 3, True)
    assert len(values(undoing, "b", "b IS NOT NULL")) == 97


def test_rows_without_a_value_keep_not_null_away_and_say_so(undoing: Undoing) -> None:
    undoing.run("ALTER TABLE t ALTER COLUMN b SET NOT NULL")
    undoing.migrate("ALTER TABLE t DROP COLUMN b")
    undoing.run("INSERT INTO t VALUES (900, 'new')")
    done = undoing.undo()
    assert done.notes == (
        "1 row has no value in public.t.b, which was NOT NULL: give them one, then "
        "ALTER TABLE public.t ALTER COLUMN b SET NOT NULL;",
    )
    assert not done.wholly


def test_a_second_restore_finds_everything_as_saved(undoing: Undoing) -> None:
    undoing.migrate("DELETE FROM t WHERE id > 50", "ALTER TABLE t DROP COLUMN a")
    first = undoing.undo().counts
    assert (first.restored, first.restored + first.kept) == (100, 100)
    again = undoing.undo()
    assert (again.counts.restored, again.counts.kept, again.wholly) == (0, 100, True)
    assert undoing.rows() | {"public.alembic_version": [{"version_num": "r0"}]} == undoing.before

"""Two statements of one run that have to do with the same rows: what was there before the first is saved, once."""

from pathlib import Path

import pytest

from fix_postgres import Connect
from migsafe.postgres.connection import Database
from saved.undoing import VERSIONS, Undoing


@pytest.fixture
def undoing(database: Database, connect: Connect, tmp_path: Path) -> Undoing:
    made = Undoing(database, connect, tmp_path / "run")
    made.run(
        *VERSIONS,
        "CREATE TABLE t (id int PRIMARY KEY, a text, b text, c text)",
        "INSERT INTO t SELECT n, 'a', 'b' || n, 'c' FROM generate_series(1, 100) n",
    )
    return made


DELETED = "DELETE FROM {t} WHERE id <= 50"
CHANGED = "UPDATE {t} SET b = 'x' WHERE id <= 50"
# Two statements over a table {t}, and what is saved of it: kind and columns, rows.
PAIRS = (
    ((DELETED, "UPDATE {t} SET b = 'x' WHERE id > 40"), {"rows": 50, "values b": 50}),
    ((DELETED, "DELETE FROM {t} AS o WHERE o.id <= 60"), {"rows": 100}),
    ((DELETED, "ALTER TABLE {t} DROP COLUMN b"), {"rows": 50, "column b": 50}),
    ((DELETED, "DROP TABLE {t}"), {"table": 100}),
    ((CHANGED, "UPDATE {t} SET b = 'y' WHERE b = 'x'"), {"values b": 100}),
    ((CHANGED, "UPDATE {t} SET b = 'y', c = 'y' WHERE id = 7"), {"values b, c": 100}),
    ((CHANGED.replace(" W", ", c = 'x' W"), "UPDATE {t} SET b = 'y'"), {"values b": 50, "values b, c": 50}),
    ((CHANGED, "ALTER TABLE {t} DROP COLUMN b"), {"column b": 100}),
    ((CHANGED, "DROP TABLE {t}"), {"table": 100}),
    ((CHANGED, "TRUNCATE {t}"), {"rows": 100}),
    (("ALTER TABLE {t} ALTER b TYPE varchar(1) USING left(b, 1)", "UPDATE {t} SET b = 'z'"), {"column b": 100}),
)


def test_what_was_there_before_the_first_of_two_statements_is_saved_once_and_comes_back(undoing: Undoing) -> None:
    tables = [f"t{number}" for number in range(len(PAIRS))]
    undoing.run(*(f"CREATE TABLE {table} (LIKE t INCLUDING ALL)" for table in tables))
    undoing.run(*(f"INSERT INTO {table} SELECT * FROM t" for table in tables))
    firsts, seconds = zip(*(each[0] for each in PAIRS), strict=True)
    sent = [each.format(t=table) for half in (firsts, seconds) for each, table in zip(half, tables, strict=True)]
    done = undoing.migrate(*sent, apart=True)
    found: dict[str, dict[str, int]] = {}
    for each in done.parts:
        of_table = found.setdefault(each.part.relation, {})
        name = " ".join([each.part.kind, ", ".join(each.part.lost)]).strip()
        of_table[name] = of_table.get(name, 0) + each.rows
    assert found == {f"public.{table}": saved for table, (_, saved) in zip(tables, PAIRS, strict=True)}
    restored = undoing.undo()
    assert (restored.counts.conflicting, restored.wholly) == (0, True)
    assert undoing.rows() | {"public.alembic_version": [{"version_num": "r0"}]} == undoing.before


def test_a_conflict_with_two_statements_is_counted_once(undoing: Undoing) -> None:
    undoing.migrate(CHANGED.format(t="t"), "UPDATE t SET b = 'y' WHERE id <= 60")
    undoing.run("UPDATE t SET b = 'newer' WHERE id = 7")
    counts = undoing.undo().counts
    assert (counts.restored, counts.conflicting) == (59, 1)


def test_rows_that_a_trigger_keeps_are_saved_for_the_update_too(undoing: Undoing) -> None:
    undoing.run(
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER keep BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION keep()",
    )
    undoing.migrate("DELETE FROM t WHERE id <= 50", "UPDATE t SET b = 'x' WHERE id = 7")
    assert undoing.undo().counts.restored == 1
    assert undoing.rows() | {"public.alembic_version": [{"version_num": "r0"}]} == undoing.before

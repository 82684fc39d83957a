"""What cannot be saved is not destroyed."""

from pathlib import Path

import pytest

from fix_postgres import Connect, Role
from fix_way_back import upgrade_plan
from migsafe.postgres.catalog import read
from migsafe.postgres.connection import Database
from migsafe.postgres.connection import connect as connect_as_migsafe
from migsafe.saved import NotSaved, losses, save


def saved(to: Database, sql: str, connect: Connect, folder: Path, up_to: int = 1 << 30) -> None:
    with connect_as_migsafe(to) as own:
        catalog = read(own)
        plan = upgrade_plan(connect(), [sql])
        found = losses(plan, catalog)
        save(
            own,
            to,
            folder,
            plan,
            catalog,
            found,
            store="files",
            up_to=up_to,
            keep=60,
            told=lambda _text, _fraction: None,
        )


def test_a_table_that_may_not_be_read(database: Database, connect: Connect, role: Role, tmp_path: Path) -> None:
    connect().execute("CREATE TABLE t (id int PRIMARY KEY, b text)")
    with pytest.raises(NotSaved, match="permission denied for table t") as caught:
        saved(role(), "ALTER TABLE t DROP COLUMN b", connect, tmp_path)
    assert str(caught.value.remedy).startswith("GRANT SELECT ON public.t")
    assert list(tmp_path.iterdir()) == []


def test_rows_that_a_policy_hides(database: Database, connect: Connect, role: Role, tmp_path: Path) -> None:
    connect().execute("CREATE TABLE t (id int PRIMARY KEY, b text)")
    connect().execute("ALTER TABLE t ENABLE ROW LEVEL SECURITY")
    connect().execute("GRANT SELECT ON t TO PUBLIC")
    with pytest.raises(NotSaved, match="row-level security"):
        saved(role(), "DELETE FROM t", connect, tmp_path)


def test_more_than_the_cap_while_it_is_saved(database: Database, connect: Connect, tmp_path: Path) -> None:
    connect().execute("CREATE TABLE t (id int PRIMARY KEY, b text)")
    connect().execute("INSERT INTO t SELECT n, md5(n::text) FROM generate_series(1, 1000) n")
    with pytest.raises(NotSaved, match="larger than undo_up_to") as caught:
        saved(database, "TRUNCATE t", connect, tmp_path, up_to=1_000)
    assert "nothing was changed" in caught.value.message
    assert list(tmp_path.iterdir()) == []


def test_a_condition_that_cannot_be_asked_beforehand_saves_all_rows(
    database: Database, connect: Connect, tmp_path: Path
) -> None:
    connect().execute("CREATE TABLE t (id int PRIMARY KEY, b text)")
    connect().execute("INSERT INTO t SELECT n, 'b' FROM generate_series(1, 10) n")
    saved(database, "DELETE FROM t WHERE 1 / (id - 5) > 0", connect, tmp_path)
    text = (tmp_path / "saved" / "manifest.json").read_text()
    assert "its WHERE cannot be asked beforehand (division by zero)" in text
    assert '"rows": 10' in text

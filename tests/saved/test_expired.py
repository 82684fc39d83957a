"""What `migsafe gc` removes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fix_postgres import Connect
from migsafe.postgres.connection import Database
from migsafe.saved.expired import expired, remove
from saved.undoing import VERSIONS, Undoing


@pytest.mark.parametrize("store", ["files", "tables"])
def test_what_has_expired_goes_and_an_unfinished_run_stays(
    database: Database, connect: Connect, tmp_path: Path, store: str
) -> None:
    undoing = Undoing(database, connect, tmp_path / "2026-11-21T10-00-00-000Z_r0_r1", store=store)
    undoing.run(*VERSIONS, "CREATE TABLE t (id int PRIMARY KEY, b text)", "INSERT INTO t VALUES (1, 'b')")
    undoing.migrate("ALTER TABLE t DROP COLUMN b")
    later = datetime.now(UTC) + timedelta(days=1)
    assert tuple(expired([undoing.directory])) == ()
    (unfinished,) = expired([undoing.directory], later)
    assert unfinished.kept is not None
    (undoing.directory / "report.json").write_text("{}")
    (found,) = expired([undoing.directory, tmp_path], later)
    assert (found.kept, found.tables) == (None, store == "tables")
    schema = "SELECT to_regnamespace('migsafe_undo') IS NOT NULL"
    assert undoing.connection.execute(schema).fetchone() == (store == "tables",)
    remove(found, undoing.connection)
    assert undoing.connection.execute(schema).fetchone() == (False,)
    assert [path.name for path in undoing.directory.iterdir()] == ["report.json"]
    assert tuple(expired([undoing.directory], later)) == ()

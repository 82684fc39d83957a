"""What `migsafe gc` removes."""

import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fix_postgres import Connect
from migsafe.journal import Journal
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


@pytest.mark.parametrize("store", ["files", "tables"])
def test_what_a_run_left_that_was_killed_while_it_saved_goes_at_once(
    database: Database, connect: Connect, tmp_path: Path, store: str
) -> None:
    undoing = Undoing(database, connect, tmp_path / "2026-11-21T10-00-00-000Z_r0_r1", store=store)
    undoing.run(*VERSIONS, "CREATE TABLE t (id int PRIMARY KEY, b text)", "INSERT INTO t VALUES (1, 'b')")
    undoing.migrate("ALTER TABLE t DROP COLUMN b")
    (undoing.directory / "saved" / "manifest.json").unlink()
    (found,) = expired([undoing.directory], tables=store == "tables")
    assert (found.cut_off, found.kept) == (True, None)
    remove(found, undoing.connection)
    assert undoing.connection.execute("SELECT to_regnamespace('migsafe_undo')").fetchone() == (None,)
    assert tuple(expired([undoing.directory])) == ()


def test_nothing_goes_of_a_run_that_is_saving_now(tmp_path: Path) -> None:
    directory = tmp_path / "2026-11-21T10-00-00-000Z_r0_r1"
    (directory / "saved").mkdir(parents=True)
    with Journal(directory / "journal.jsonl") as log:
        log.write("started", pid=os.getpid(), host=socket.gethostname())
        log.write("saving", parts=1)
        (found,) = expired([directory])
        assert found.kept == "its run may be saving them now"


def test_what_a_killed_run_saved_goes_when_another_has_carried_on_from_it(
    database: Database, connect: Connect, tmp_path: Path
) -> None:
    undoing = Undoing(database, connect, tmp_path / "2026-11-21T10-00-00-000Z_r0_r1")
    undoing.run(*VERSIONS, "CREATE TABLE t (id int PRIMARY KEY, b text)", "INSERT INTO t VALUES (1, 'b')")
    undoing.migrate("ALTER TABLE t DROP COLUMN b")
    later = datetime.now(UTC) + timedelta(days=1)
    (unfinished,) = expired([undoing.directory], later)
    assert unfinished.kept is not None
    next_run = tmp_path / "2026-11-21T11-00-00-000Z_r0_r1"
    next_run.mkdir()
    with Journal(next_run / "journal.jsonl") as log:
        log.write("started", database=database.label)
        log.write("ended")
    (next_run / "report.json").write_text("{}")
    (found,) = expired([undoing.directory, next_run], later)
    assert found.kept is None

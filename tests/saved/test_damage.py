"""A saved file that is cut, changed or missing, or of another cluster: refused, by name, and nothing is changed."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from fix_postgres import Connect
from migsafe.errors import UsageError
from migsafe.model.saved import Manifest
from migsafe.postgres.connection import Database
from migsafe.saved import Damaged, manifest
from saved.undoing import VERSIONS, Undoing


@pytest.fixture
def undoing(database: Database, connect: Connect, tmp_path: Path) -> Undoing:
    made = Undoing(database, connect, tmp_path / "run")
    made.run(
        *VERSIONS,
        "CREATE TABLE t (id int PRIMARY KEY, b text)",
        "INSERT INTO t SELECT n, 'b' || n FROM generate_series(1, 100) n",
    )
    made.migrate("ALTER TABLE t DROP COLUMN b")
    return made


def file_of(undoing: Undoing, number: int = 0) -> Path:
    return sorted((undoing.directory / "saved").glob("*.copy.gz"))[number]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def changed(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "said"),
    [(cut, "bytes instead of"), (changed, "its SHA-256 differs from manifest.json"), (Path.unlink, "is missing")],
)
def test_a_damaged_file_is_named_and_nothing_is_changed(
    undoing: Undoing, damage: Callable[[Path], None], said: str
) -> None:
    path = file_of(undoing, 1)
    damage(path)
    before = undoing.shape()
    with pytest.raises(Damaged, match=said) as caught:
        undoing.undo()
    assert path.name in caught.value.message
    assert undoing.shape() == before


def test_the_schema_that_was_kept_is_checked_too(undoing: Undoing) -> None:
    changed(undoing.directory / "saved" / "schema.dump")
    with pytest.raises(Damaged, match=r"schema\.dump"):
        undoing.undo()


def test_a_manifest_that_was_cut_is_damaged(undoing: Undoing) -> None:
    cut(undoing.directory / "saved" / "manifest.json")
    (undoing.directory / "saved" / "manifest.json").write_bytes(b'{"run": ')
    with pytest.raises(Damaged, match=r"manifest\.json is damaged"):
        undoing.undo()


def test_a_run_that_saved_nothing_says_so(undoing: Undoing, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="saved nothing"):
        manifest.read(tmp_path)


@pytest.mark.parametrize(("field", "value"), [("system_identifier", "1"), ("database", "other")])
def test_rows_of_another_cluster_or_database_are_refused(undoing: Undoing, field: str, value: str) -> None:
    found: Manifest = manifest.read(undoing.directory)
    manifest.write(undoing.directory, msgspec.structs.replace(found, **{field: value}))
    with pytest.raises(Damaged, match="the rows were saved from") as caught:
        undoing.undo()
    assert "--other-cluster" in str(caught.value.remedy)


def test_what_is_saved_is_readable_by_its_owner_only(undoing: Undoing) -> None:
    folder = undoing.directory / "saved"
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700

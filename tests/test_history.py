"""The schema before a range is kept, and read anew when anything that it was made of has changed."""

from pathlib import Path

import pytest

from fix_alembic import Environment
from migsafe import history
from migsafe.history import WORTHWHILE, known_schema_at
from migsafe.model.catalog import Catalog
from migsafe.postgres.connection import Database
from migsafe.revisions.config import open_environment
from migsafe.settings import Settings

REVISION = """
from alembic import op
import sqlalchemy as sa
{imports}

revision = "f{number:03}"
down_revision = {down!r}


def upgrade():
    op.add_column("orders", sa.Column("{column}", sa.Integer()))
"""


@pytest.fixture
def folder(environment: Environment, database: Database, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment of many revisions, and the working directory."""
    folder = environment("generic", database)
    monkeypatch.chdir(folder)
    for number in range(WORTHWHILE):
        write(folder, number, f"c{number}")
    return folder


def write(folder: Path, number: int, column: str, imports: str = "") -> None:
    down = f"f{number - 1:03}" if number else "c05b3e86d7f1"
    text = REVISION.format(number=number, down=down, column=column, imports=imports)
    (folder / "migrations" / "versions" / f"f{number:03}_.py").write_text(text)


def known(folder: Path) -> Catalog:
    opened = open_environment((str(folder / "alembic.ini"),))
    return known_schema_at(opened, (f"f{WORTHWHILE - 1:03}",), Settings(directory=str(folder)))


def kept(folder: Path) -> list[Path]:
    return sorted((folder / ".migsafe" / "cache").glob("*.schema"))


def test_a_long_history_is_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = known(folder)
    assert "c7" in first.columns["public.orders"]
    assert len(kept(folder)) == 1
    monkeypatch.setattr(history, "schema_at", None)
    assert known(folder) == first


def test_a_changed_revision_or_a_damaged_file_is_read_anew(folder: Path) -> None:
    known(folder)
    write(folder, 7, "other")
    assert {"c7", "other"} & set(known(folder).columns["public.orders"]) == {"other"}
    for path in kept(folder):
        path.write_bytes(b"damaged")
    assert "other" in known(folder).columns["public.orders"]


def test_a_changed_module_of_the_project_is_noticed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(folder))
    (folder / "names_of_columns.py").write_text("NAME = 'a'\n")
    write(folder, 3, "a", imports="import names_of_columns")
    known(folder)
    [file] = kept(folder)
    before = file.stat().st_mtime_ns
    known(folder)
    assert file.stat().st_mtime_ns == before
    (folder / "names_of_columns.py").write_text("NAME = 'b'\n")
    known(folder)
    assert file.stat().st_mtime_ns != before


def test_a_short_history_is_not_kept(folder: Path) -> None:
    opened = open_environment((str(folder / "alembic.ini"),))
    known_schema_at(opened, ("f003",), Settings(directory=str(folder)))
    assert kept(folder) == []


def test_where_nothing_can_be_written_the_answer_is_the_same(folder: Path) -> None:
    (folder / ".migsafe").write_text("a file, not a folder")
    assert "c7" in known(folder).columns["public.orders"]

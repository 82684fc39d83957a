"""Whole Alembic environments (tests/environments/<story>), copied for one test, and Alembic run on them."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from migsafe.postgres.connection import Database

ENVIRONMENTS = Path(__file__).parent / "environments"

Environment = Callable[[str, Database], Path]
Run = Callable[..., subprocess.CompletedProcess[str]]

_URL = re.compile(r"^sqlalchemy\.url = postgresql\+(\w+)://.*$", re.MULTILINE)
_ALEMBIC = "import sys; from alembic.config import main; [main(argv=words.split()) for words in sys.argv[1:]]"


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """`environment(story, database)`: a copy of the story's folder that works on the database; the folder.

    The URL goes where the story looks for it, with the driver that the story is about: into its alembic.ini, else
    (flask, programmatic) into DATABASE_URL. The working directory stays; Alembic expects to be run in the folder.
    """

    def copy(story: str, database: Database) -> Path:
        folder = tmp_path / story
        shutil.copytree(ENVIRONMENTS / story, folder, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        ini = folder / "alembic.ini"
        text = ini.read_text() if ini.exists() else ""
        if match := _URL.search(text):
            url = database.url(match[1]).replace("%", "%%")
            ini.write_text(text.replace(match[0], f"sqlalchemy.url = {url}"))
        else:
            monkeypatch.setenv("DATABASE_URL", database.url("psycopg2"))
        return folder

    return copy


@pytest.fixture
def python() -> Run:
    """`python(folder, *arguments)`: this Python in a child process, in that folder; what came of it, as text."""

    def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=120)

    return run


@pytest.fixture
def alembic(python: Run) -> Run:
    """`alembic(folder, *commands)`: Alembic's own commands ("upgrade head"), one after another until one fails."""

    def run(folder: Path, *commands: str) -> subprocess.CompletedProcess[str]:
        return python(folder, "-c", _ALEMBIC, *commands)

    return run

"""The project of the chat application: what `alembic init` makes, a URL, and one revision after the other."""

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

from migsafe import rundir
from migsafe.demo.shell import clean_environment
from migsafe.demo.surprise import surprise
from migsafe.errors import UsageError
from migsafe.formats.json import read_report
from migsafe.model.report import Report
from migsafe.postgres.connection import Database
from migsafe.settings import load

VERSIONS = "migrations/versions"

_TEMPLATE_URL = "sqlalchemy.url = driver://user:pass@localhost/dbname"
_SETTINGS = """\
# Below the server's deadlock_timeout (1 s): in a circle of waiting sessions it is never the application that is ended.
lock_timeout = "500ms"

[lint]
# The tables stand for those of a real application: what would take long there is refused here too.
small_rows = 100
"""


def make(folder: Path, database: Database) -> None:
    """`alembic init` in `folder`, with the URL of `database`, password and all, where Alembic looks for it.

    Raises UsageError when something is in `folder` already.
    """
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty", "Name a folder that is not there yet: --keep FOLDER.")
    folder.mkdir(parents=True, exist_ok=True)
    alembic(folder, "init", "migrations")
    ini = folder / "alembic.ini"
    text = ini.read_text(encoding="utf-8")
    if _TEMPLATE_URL not in text:
        surprise("the alembic.ini of this Alembic has no sqlalchemy.url")
    url = f"sqlalchemy.url = {database.url('psycopg')}"
    ini.write_text(text.replace(_TEMPLATE_URL, url.replace("%", "%%")), encoding="utf-8")
    ini.chmod(0o600)
    (folder / "migsafe.toml").write_text(_SETTINGS, encoding="utf-8")


def alembic(folder: Path, *words: str) -> None:
    """Run `alembic WORDS…` in `folder` without showing it."""
    command = [sys.executable, "-P", "-m", "alembic", *words]
    done = subprocess.run(command, cwd=folder, env=clean_environment(), capture_output=True, text=True)
    if done.returncode:
        surprise(f"`alembic {' '.join(words)}` ended with exit code {done.returncode}: {done.stderr.strip()}")


def release(folder: Path, *names: str, instead_of: str | None = None) -> None:
    """Put the revisions of these file names into the project, and take the one that they replace away."""
    shipped = files("migsafe.demo").joinpath("project")
    for name in names:
        content = shipped.joinpath(name).read_text(encoding="utf-8")
        (folder / VERSIONS / name).write_text(content, encoding="utf-8")
    if instead_of:
        (folder / VERSIONS / instead_of).unlink()


def reports(folder: Path) -> list[Report]:
    """The reports of all runs, newest first."""
    return [read_report((path / rundir.REPORT).read_bytes()) for path in rundir.directories(load(folder))]


def line_of(folder: Path, name: str, text: str) -> str:
    """`path:line` of the line in the revision `name` that has `text`."""
    lines = (folder / VERSIONS / name).read_text(encoding="utf-8").splitlines()
    return f"{VERSIONS}/{name}:{next(number for number, line in enumerate(lines, 1) if text in line)}"

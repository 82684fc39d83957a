"""Stories of tests/environments opened in this process, taken through preview and run as `migsafe upgrade` would."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fix_alembic import Environment as CopyStory
from fix_postgres import Connection
from migsafe.journal import Journal
from migsafe.model.plan import Plan
from migsafe.postgres.catalog import read as read_catalog
from migsafe.postgres.connection import Database, connect
from migsafe.preview import Preview, preview
from migsafe.revisions.config import Environment, open_environment
from migsafe.revisions.read import Direction, read
from migsafe.run import Ran, run

EnterStory = Callable[..., Path]
RunTo = Callable[..., Ran]
Start = Callable[[Path], subprocess.Popen[str]]
CreateDatabase = Callable[[], Database]

REVISION = '''"""{doc}"""
import sqlalchemy as sa
from alembic import op
from sqlalchemy.orm import Session

revision = "{revision}"
down_revision = {down!r}


def upgrade():
{upgrade}


def downgrade():
{downgrade}
'''

# The line of a revision by write_revision() on which the body of its upgrade() begins.
FIRST_LINE = 11


@pytest.fixture
def enter_story(
    environment: CopyStory, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[EnterStory]:
    """`enter_story(name, to=database)`: a copy of the story that works on the database; the folder, entered.

    What env.py and the revisions do to this process (sys.path, modules, logging) is undone after the test.
    """
    monkeypatch.setattr(sys, "path", [*sys.path])
    modules, handlers, level = set(sys.modules), logging.root.handlers[:], logging.root.level

    def enter(name: str, to: Database = database) -> Path:
        folder = environment(name, to)
        monkeypatch.chdir(folder)
        # The finder of "." keeps the folder in which it was made (CPython's FileFinder).
        sys.path_importer_cache.pop(".", None)
        return folder

    yield enter
    for name in set(sys.modules) - modules:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").is_relative_to(tmp_path):
            del sys.modules[name]
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def with_driver(enter_story: EnterStory, driver: str) -> Path:
    """A story for psycopg, psycopg2 or asyncpg, entered."""
    folder = enter_story("async" if driver == "asyncpg" else "generic")
    ini = folder / "alembic.ini"
    ini.write_text(ini.read_text().replace("postgresql+psycopg:", f"postgresql+{driver}:"))
    return folder


def write_revision(
    folder: Path, revision: str, down: str | tuple[str, ...] | None, upgrade: str, downgrade: str = "pass"
) -> Path:
    """A revision file of a story; `upgrade` begins at line FIRST_LINE. The path."""
    path = folder / "migrations" / "versions" / f"{revision}_written.py"
    bodies = {name: _indented(body) for name, body in (("upgrade", upgrade), ("downgrade", downgrade))}
    path.write_text(REVISION.format(doc=f"{revision} of a test", revision=revision, down=down, **bodies))
    return path


def write_chain(folder: Path, *bodies: str) -> list[Path]:
    """Revisions f00, f01… with these bodies of upgrade(), in the place of all revisions of the story. Their paths."""
    for path in (folder / "migrations" / "versions").glob("*.py"):
        path.unlink()
    downs = [None, *(f"f{number:02}" for number in range(len(bodies)))]
    return [
        write_revision(folder, f"f{number:02}", down, body)
        for number, (down, body) in enumerate(zip(downs, bodies, strict=False))
    ]


def _indented(body: str) -> str:
    return "\n".join(f"    {line}" if line else line for line in body.strip("\n").split("\n"))


def previewed(
    environment: Environment, target: str = "head", *, direction: Direction = "upgrade", **options: Any
) -> tuple[Preview, Database, tuple[str, ...]]:
    """The preview for the database that env.py names, that database, and its search path."""
    reading = read(environment, target, direction=direction)
    assert reading.connection is not None
    database = Database.from_parameters(reading.connection)
    with connect(database) as connection:
        catalog = read_catalog(connection)
    seen = preview(environment, reading, catalog, database=database, **options)
    return seen, database, reading.search_path


def run_plan(
    environment: Environment,
    plan: Plan,
    database: Database,
    journal: Path,
    search_path: tuple[str, ...] = ("public",),
    **options: Any,
) -> Ran:
    """migsafe.run.run with limits that suit a test."""
    limits = {"lock_timeout": 0.1, "deadline": 20.0}
    with Journal(journal) as log:
        return run(environment, plan, database=database, journal=log, search_path=search_path, **(limits | options))


@pytest.fixture
def run_to(tmp_path: Path, postgres: Database) -> RunTo:
    """`run_to(target="head", environment=…, direction="upgrade", **options of run)` in the story that was entered."""

    def go(
        target: str = "head",
        *,
        environment: Environment | None = None,
        direction: Direction = "upgrade",
        journal: Path = tmp_path / "journal.jsonl",
        **options: Any,
    ) -> Ran:
        environment = environment or open_environment()
        # Revisions that cannot be rendered are replayed on the cluster of the tests: no other one has to start.
        seen, database, path = previewed(environment, target, direction=direction, scratch_url=postgres.url())
        return run_plan(environment, seen.plan, database, journal, path, **options)

    return go


@pytest.fixture
def start_run() -> Iterator[Start]:
    """`start_run(journal)`: main() below, in a child process in the working directory; ended after the test."""
    started: list[subprocess.Popen[str]] = []

    def start(journal: Path) -> subprocess.Popen[str]:
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
        arguments = [sys.executable, "-m", "fix_stories", str(journal)]
        started.append(subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for child in started:
        child.kill()
        child.communicate()


def wait_for(connection: Connection, query: str) -> None:
    """Until the query has a row."""
    ends = time.monotonic() + 30
    while connection.execute(query.encode()).fetchone() is None:
        assert time.monotonic() < ends, f"still no row: {query}"
        time.sleep(0.02)


def outcomes(ran: Ran) -> list[str]:
    return [step.outcome for step in ran.steps]


def main() -> None:
    """In a child process: run the story in the working directory to head; the journal is the first argument."""
    journal = Path(sys.argv[1])
    environment = open_environment()
    seen, database, path = previewed(environment)
    with Journal(journal) as log:
        log.write("started", database=database.label, pid=os.getpid(), host=os.uname().nodename)
    ran = run_plan(environment, seen.plan, database, journal, path, lock_timeout=20.0)
    print(*outcomes(ran), ran.stopped_at, ran.failure)


if __name__ == "__main__":
    main()

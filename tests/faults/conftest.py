"""A project of one of the stories on a database that strikes back, and what comes of `migsafe upgrade` there."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import PIPE
from typing import Any, NamedTuple

import pytest

from faults.revisions import BASE, STORIES
from faults.state import State, left_behind, state
from faults.strikes import striking, uninstall
from fix_migsafe import last_report
from fix_postgres import Connect, Connection
from fix_stories import EnterStory, write_chain
from migsafe.cli import group
from migsafe.cli.terminal import Terminal
from migsafe.errors import ConnectionFailed, MigsafeError
from migsafe.postgres.connection import Database
from migsafe.postgres.connection import connect as connect_to

SETTINGS = """
backup = "none"
undo = "off"
lock_timeout = "200ms"
deadline = "30s"
[lint]
fail_on = "never"
"""


class Done(NamedTuple):
    """What came of one call: its exit code, what it printed on one line, its report, and how often a fault could be."""

    code: int
    out: str
    report: dict[str, Any]
    passages: int = 0

    @property
    def attempts(self) -> list[dict[str, Any]]:
        """Those that failed, of all revisions in order."""
        return [each for step in self.report["steps"] for each in step["attempts"] if each["message"]]

    @property
    def ending(self) -> str:
        """What was printed of the run and after it."""
        return f"exit code {self.code}: {self.out[max(0, self.out.rfind('Run: ')) :]}"

    @property
    def outcomes(self) -> list[str]:
        return [step["outcome"] for step in self.report["steps"]]


class Trial(NamedTuple):
    """A project in a folder, its database, and a session of the test's own in it.

    `upgrade(*options, strikes=None, planned=…)` is `migsafe upgrade head --yes` in this process, while the server
    strikes; `planned()` is called when the plan is made.
    """

    folder: Path
    database: Database
    connection: Connection
    upgrade: Callable[..., Done]


class Reference(NamedTuple):
    """What an undisturbed run ends in, and how often it passed where a fault may be."""

    state: State
    passages: int


Begin = Callable[..., Trial]
Undisturbed = Callable[[str], Reference]

_KNOWN: dict[str, Reference] = {}


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tested is that they are made, not how long."""
    monkeypatch.setattr("migsafe.run.backoff.FLOOR", 0.01)
    monkeypatch.setattr("migsafe.run.backoff.FIRST", 0.05)
    monkeypatch.setattr("migsafe.run.backoff.MOST", 0.2)


@pytest.fixture
def begin(
    enter_story: EnterStory,
    connect: Connect,
    database: Database,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Begin:
    """`begin(story, to=database)`: the project of a story, entered, on a database that is at its first revision."""

    def prepare(story: str, to: Database = database) -> Trial:
        folder = enter_story("generic", to)
        (folder / "migsafe.toml").write_text(SETTINGS)
        write_chain(folder, "pass", *STORIES[story])
        connection = connect(to, application_name="test")
        for statement in (each for each in BASE.split(";\n") if each.strip()):
            connection.execute(statement.encode())

        def upgrade(
            *options: str, strikes: dict[int, str] | None = None, planned: Callable[[], None] = lambda: None
        ) -> Done:
            with monkeypatch.context() as patched:
                patched.setattr(Terminal, "planned", striking(Terminal.planned, to, strikes, planned))
                capsys.readouterr()
                code, said = _upgrade(options)
            passed = uninstalled(to)
            return Done(code, re.sub(r"\s+", " ", capsys.readouterr().out + said), _report(folder), passed)

        return Trial(folder, to, connection, upgrade)

    return prepare


def _reached(database: Database) -> Connection:
    ends = time.monotonic() + 30
    while True:
        try:
            return connect_to(database, application_name="test")
        except ConnectionFailed:
            assert time.monotonic() < ends
            time.sleep(0.05)


def _report(folder: Path) -> dict[str, Any]:
    """Of the last run, if it came to its end."""
    try:
        return last_report(folder)
    except FileNotFoundError:
        return {"steps": []}


def uninstalled(database: Database) -> int:
    """End the faults; how often there could have been one. The server may have just been started again."""
    with _reached(database) as connection:
        found = connection.execute("SELECT FROM pg_namespace WHERE nspname = 'faults'").fetchone()
        return uninstall(connection) if found is not None else 0


def _upgrade(options: tuple[str, ...]) -> tuple[int, str]:
    try:
        return group.main(["upgrade", "head", "--yes", *options], prog_name="migsafe", standalone_mode=False), ""
    except MigsafeError as error:
        return error.exit_code, f"{error.message} {error.remedy}"


@pytest.fixture
def undisturbed(begin: Begin, create_database: Callable[[], Database]) -> Undisturbed:
    """`undisturbed(story)`: what it comes to without a fault; found out once, in a database of its own."""

    def known(story: str) -> Reference:
        if story not in _KNOWN:
            trial = begin(story, create_database())
            done = trial.upgrade(strikes={})
            assert (done.code, done.attempts) == (0, []), done.ending
            _KNOWN[story] = Reference(state(trial.connection), done.passages)
        return _KNOWN[story]

    return known


def spread(first: int, last: int, many: int) -> list[int]:
    """`many` numbers from `first` to `last`, the middle alone for one of them; every number where there are fewer."""
    if many > last - first:
        return list(range(first, last + 1))
    steps = [(2 * n + 1) / (2 * many) for n in range(many)]
    return [round(first + step * (last - first)) for step in steps]


def arrived(trial: Trial, reference: Reference) -> None:
    """The database is as after an undisturbed run, and nobody is left in it. The trial is over.

    Where there is one for every place of a fault, their sessions would be more than the server takes.
    """
    assert state(trial.connection) == reference.state
    assert left_behind(trial.connection) == []
    trial.connection.close()


class Child(NamedTuple):
    """`migsafe upgrade head --yes` in a process of its own. `ended()` gives its exit code, or minus its signal."""

    pid: int
    ended: Callable[[], int]
    output: Path


Fork = Callable[..., Child]


@pytest.fixture(scope="session")
def zygote() -> Iterator[subprocess.Popen[str]]:
    """See zygote.py: migsafe is loaded once for all children."""
    searched = [str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, searched))}
    command = [sys.executable, "-m", "faults.zygote"]
    with subprocess.Popen(command, env=environment, stdin=PIPE, stdout=PIPE, text=True, bufsize=1) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def fork(zygote: subprocess.Popen[str], tmp_path: Path) -> Fork:
    """`fork(trial, strikes={}, calls=0)`: a child that kills itself after so many calls of its migrating connection."""

    def start(trial: Trial, strikes: dict[int, str] | None = None, calls: int = 0) -> Child:
        output = tmp_path / "output"
        order = {
            "folder": str(trial.folder),
            "database": trial.database.parameters,
            "arguments": ["upgrade", "head", "--yes"],
            "output": str(output),
            "strikes": strikes or {},
            "calls": calls,
        }
        assert zygote.stdin is not None
        assert zygote.stdout is not None
        zygote.stdin.write(json.dumps(order) + "\n")
        answers = zygote.stdout
        return Child(int(answers.readline()), lambda: os.waitstatus_to_exitcode(int(answers.readline())), output)

    return start

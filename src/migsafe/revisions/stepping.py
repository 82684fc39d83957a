"""Runs single steps on scratch databases, in a process of its own, one after the other as it is told.

`python -m migsafe.revisions.stepping` reads a `Setup` and then `Move`s, a line of JSON each, from standard input, and
answers each Move with a `Moved` on a line of standard output. Why a process of its own, and what makes certain that it
never touches another database: revisions/replay.py. The marker here is the database itself, by its name too: an env.py
that keeps a pool would otherwise take the database of the step before.
"""

import sys
from collections.abc import Callable, Iterable
from typing import IO, Any

import msgspec
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from migsafe.errors import MigsafeError, RevisionError
from migsafe.revisions.apply import end_stray_transaction, step_of
from migsafe.revisions.config import Environment, Source, reopen
from migsafe.revisions.drive import run_env
from migsafe.revisions.place import BOOKKEEPING
from migsafe.revisions.read import Direction
from migsafe.revisions.render import revision_paths, why
from migsafe.revisions.replay import MARKER
from migsafe.revisions.traits import way_back
from migsafe.revisions.watch import Call, as_sql, watching


class Setup(msgspec.Struct, frozen=True):
    """The environment, and the extensions that the scratch server lacks: making and dropping them is passed over."""

    source: Source
    lacking: tuple[str, ...] = ()


class Move(msgspec.Struct, frozen=True):
    """One revision, up or down, on the database `dbname` at `url`."""

    revision: str
    direction: Direction
    url: str
    dbname: str


class Moved(msgspec.Struct, frozen=True):
    """`error` says why it failed, None when it ran. `sent` counts its statements; `raised` is the error's class."""

    error: str | None = None
    raised: str | None = None
    sent: int = 0
    downgrade: str = ""


class _Counting:
    """A Watcher that lets everything run, except what is about extensions that the scratch server lacks."""

    def __init__(self, lacking: tuple[str, ...]) -> None:
        self.lacking, self.sent = lacking, 0

    def statement(self, call: Call) -> bool:
        self.sent += call.place not in (None, BOOKKEEPING)
        words = as_sql(call).replace('"', " ").replace(";", " ").lower().split()
        return words[1:2] == ["extension"] and any(name in words for name in self.lacking)

    def begun(self) -> None:
        return None

    def committing(self, execute: Callable[[str], None]) -> None:
        return None

    def rolled_back(self) -> None:
        return None


def move(environment: Environment, setup: Setup, asked: Move) -> Moved:
    """Run one step. What it raises is in the answer."""
    watcher = _Counting(setup.lacking)
    step = step_of(environment, asked.revision, asked.direction)

    def work(heads: tuple[str, ...], context: MigrationContext) -> Iterable[Any]:
        with watching(context, watcher, lambda: frozenset()):
            yield step
            end_stray_transaction(context)

    back = way_back(step.revision.module)
    try:
        run_env(environment, work, target="heads", url=asked.url, configured=lambda each: _assert_is(asked, each))
    except MigsafeError as error:
        return Moved(error.message, type(error).__name__, watcher.sent, back)
    except BaseException as error:
        original = getattr(error, "orig", None) or error
        return Moved(why(error, revision_paths(step)), type(original).__name__, watcher.sent, back)
    return Moved(sent=watcher.sent, downgrade=back)


def _assert_is(asked: Move, context: MigrationContext) -> None:
    assert context.connection is not None
    marked = f"SELECT current_database() = :name AND to_regnamespace('{MARKER}') IS NOT NULL"
    found = context.connection.execute(text(marked), {"name": asked.dbname}).scalar()
    context.connection.commit()
    if not found:
        raise RevisionError("env.py did not connect to the scratch database; nothing was run")


def main() -> None:
    # What env.py and revisions print goes to standard error: standard output is for answers.
    answers: IO[bytes] = sys.stdout.buffer
    sys.stdout = sys.stderr
    setup = msgspec.json.decode(sys.stdin.buffer.readline(), type=Setup)
    environment = reopen(setup.source)
    for line in sys.stdin.buffer:
        try:
            answer = move(environment, setup, msgspec.json.decode(line, type=Move))
        except MigsafeError as error:
            answer = Moved(error.message, type(error).__name__)
        answers.write(msgspec.json.encode(answer) + b"\n")
        answers.flush()


if __name__ == "__main__":
    main()

"""Runs revisions on a scratch database, in a process of its own, and tells what they sent.

`python -m migsafe.revisions.replay` reads two lines of JSON from standard input: the `Source` of an environment, which
it opens at once, and a `Job`, which may come later. It writes a `Result` as JSON to `job.output`. A process of its own:
an env.py may keep connections to production in a pool, and a replay that met one would migrate production (decision
013). What makes it certain is the marker: a database without it is refused.
"""

import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy import text

from migsafe.errors import MigsafeError, RevisionError
from migsafe.revisions.apply import end_stray_transaction, step_of
from migsafe.revisions.config import Environment, Source, reopen
from migsafe.revisions.drive import run_env
from migsafe.revisions.place import BOOKKEEPING, BatchTracer
from migsafe.revisions.read import Direction, steps_between
from migsafe.revisions.record import Rendered
from migsafe.revisions.render import RenderedStep, describe, revision_paths
from migsafe.revisions.rounds import Round
from migsafe.revisions.sentence import named, short
from migsafe.revisions.watch import Call, as_sql, watching

MARKER = "migsafe_scratch"


class Job(msgspec.Struct, frozen=True):
    """On the scratch database at `url`: upgrade to the heads `prepare` without recording, run `revisions`, then `back`.

    `revisions` in the order in which they run, in `direction`; `back` the same, always down.
    `only` is the round of env.py that is meant, None where it has one.
    `stand_ins` maps an extension that the scratch server lacks to SQL that stands in for it.
    """

    url: str
    revisions: tuple[str, ...]
    output: str
    direction: Direction = "upgrade"
    back: tuple[str, ...] = ()
    stand_ins: dict[str, str] = {}
    prepare: tuple[str, ...] = ()
    only: Round | None = None


class Result(msgspec.Struct, frozen=True):
    """`steps` and `back` as far as they got; `error` of env.py itself, None when it ran."""

    steps: tuple[RenderedStep, ...]
    error: str | None = None
    back: tuple[RenderedStep, ...] = ()


class _Recording:
    """A Watcher that keeps everything and lets it run, except extensions that the scratch server lacks."""

    def __init__(self, stand_ins: dict[str, str]) -> None:
        self.stand_ins = stand_ins
        self.pieces: list[Rendered] = []
        self.notes: list[str] = []
        self.transactions = 0
        self.active = False

    def statement(self, call: Call) -> bool:
        sql = as_sql(call)
        if self.active and call.place not in (None, BOOKKEEPING):
            assert call.place is not None
            transaction = None if call.autocommit else max(self.transactions - 1, 0)
            self.pieces.append(Rendered(sql, call.place, transaction))
        missing = next((name for name in self.stand_ins if _creates(sql, name)), None)
        if missing is None:
            return False
        self.notes.append(f"extension {missing} is not on the scratch server; stand-ins were used for it")
        if self.stand_ins[missing]:
            call.execute(self.stand_ins[missing])
        return True

    def begun(self) -> None:
        self.transactions += 1

    def committing(self, execute: Callable[[str], None]) -> None:
        return None

    def rolled_back(self) -> None:
        return None


def replay(environment: Environment, job: Job) -> Result:
    """The steps that were run, each with what it sent; the one that failed has `unreadable` set."""
    environment = msgspec.structs.replace(environment, only=job.only)
    recording = _Recording(job.stand_ins)
    there: list[RenderedStep] = []
    back: list[RenderedStep] = []
    # The step that runs, and the list in which it belongs.
    current: list[tuple[RevisionStep, list[RenderedStep]]] = []
    paths: list[frozenset[str]] = [frozenset()]
    every = [(each, job.direction, there) for each in job.revisions]
    every += [(each, "downgrade", back) for each in job.back]

    def work(heads: tuple[str, ...], context: MigrationContext) -> Iterable[Any]:
        with BatchTracer() as batches, watching(context, recording, lambda: paths[0]):
            for revision, direction, done in every:
                step = step_of(environment, revision, direction)
                current[:] = [(step, done)]
                paths[0] = batches.paths = revision_paths(step)
                recording.pieces, recording.notes, recording.transactions = [], [], 0
                recording.active = True
                yield step
                recording.active = False
                end_stray_transaction(context)
                done.append(_told(step, recording, None))
                current.clear()

    def prepare(heads: tuple[str, ...], context: MigrationContext) -> Iterable[Any]:
        with watching(context, recording, lambda: paths[0]):
            for step in steps_between(environment, job.prepare, "upgrade", heads):
                yield step
                end_stray_transaction(context)

    error = None
    try:
        if job.prepare:
            run_env(environment, prepare, target="heads", url=job.url, configured=_assert_scratch)
        run_env(environment, work, target="heads", url=job.url, configured=_assert_scratch)
    except MigsafeError as failure:
        error = failure.message
    except BaseException as failure:
        error = f"{type(failure).__name__}: {short(failure)}"
        for step, done in current:
            done.append(_told(step, recording, error))
    return Result(tuple(there), error, tuple(back))


def _told(step: RevisionStep, recording: _Recording, unreadable: str | None) -> RenderedStep:
    told = describe(step, tuple(recording.pieces), unreadable)
    return msgspec.structs.replace(told, read="replayed", notes=tuple(dict.fromkeys(recording.notes)))


def _assert_scratch(context: MigrationContext) -> None:
    """Before Alembic reads the heads, because where there are none it makes the version table."""
    assert context.connection is not None
    found = context.connection.execute(text(f"SELECT to_regnamespace('{MARKER}') IS NOT NULL")).scalar()
    context.connection.commit()
    if not found:
        raise RevisionError("env.py did not connect to the scratch database; nothing was run")


def _creates(sql: str, extension: str) -> bool:
    words = sql.replace('"', " ").replace(";", " ").lower().split()
    return words[:2] == ["create", "extension"] and extension in words


def main() -> None:
    source = msgspec.json.decode(sys.stdin.buffer.readline(), type=Source)
    environment = failed = None
    try:
        environment = reopen(source)
        # Its revision files are read while the server is still being made ready; what is wrong with them is said later.
        with suppress(Exception):
            environment.script.get_heads()
    except MigsafeError as failure:
        failed = failure.message
    except Exception as failure:
        failed = named(failure)
    line = sys.stdin.buffer.readline()
    if not line:
        return
    job = msgspec.json.decode(line, type=Job)
    Path(job.output).write_bytes(msgspec.json.encode(_result(environment, job, failed)))


def _result(environment: Environment | None, job: Job, failed: str | None) -> Result:
    if environment is None:
        return Result((), failed)
    try:
        return replay(environment, job)
    except MigsafeError as failure:
        return Result((), failure.message)
    except Exception as failure:
        return Result((), named(failure))


if __name__ == "__main__":
    main()

"""Steps that cannot be rendered, replayed on a scratch server in a process of its own (decision 013)."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from migsafe.errors import MigsafeError
from migsafe.postgres.connection import Database
from migsafe.postgres.copy_schema import copy_schema
from migsafe.postgres.embedded import scratch_server
from migsafe.postgres.stand_ins import stand_ins
from migsafe.revisions.config import Environment
from migsafe.revisions.read import Reading
from migsafe.revisions.render import RenderedStep
from migsafe.revisions.replay import MARKER, Job, Result

Steps = tuple[RenderedStep, ...]


def completed(
    environment: Environment,
    reading: Reading,
    database: Database | None,
    scratch_url: str | None,
    lists: tuple[str, ...],
) -> tuple[Steps, Steps]:
    """The steps and the way back of `reading`, those that could not be rendered taken from a replay as far as it got.

    From a copy of the schema of `database`, with the rows of the tables `lists`; without one, from `reading.heads`,
    migrated there from nothing. One process for both ways: the way back begins where the way there ended.
    """
    there, back = reading.steps, reading.back
    try:
        with _child(environment) as child, scratch_server(scratch_url) as server, server.database("preview") as scratch:
            known = stand_ins(scratch, marker=MARKER)
            lacking: tuple[str, ...] = ()
            if database is not None:
                table = reading.version_table
                lacking = copy_schema(database, scratch, version_table=table, stand_ins=known, rows_of=lists)
            result = _replayed(child, _job(reading, scratch, known, is_copy=database is not None))
    except MigsafeError as failure:
        return _better(there, (), failure.message), _better(back, (), failure.message)
    return (
        _better(there, _excused(result.steps, lacking), result.error),
        _better(back, _excused(result.back, lacking), result.error),
    )


def _job(reading: Reading, scratch: Database, known: dict[str, str], *, is_copy: bool) -> Job:
    """No more is run than what there is to learn takes: the way there is run to its end only for the way back."""
    there, back = _to_the_last(reading.steps), _to_the_last(reading.back)
    prepare: tuple[str, ...] = ()
    if not there:
        prepare = reading.target
    elif not is_copy:
        prepare = reading.heads
    if there and back:
        there = tuple(step.revision for step in reading.steps)
    return Job(
        url=scratch.url(None),
        revisions=there,
        output="",
        direction=reading.direction,
        back=back,
        prepare=prepare,
        stand_ins=known,
        only=reading.round,
    )


def _to_the_last(steps: Steps) -> tuple[str, ...]:
    """The revisions from the first to the last that wants a server."""
    wanting = [number for number, step in enumerate(steps) if step.wants_a_server]
    return tuple(step.revision for step in steps[: wanting[-1] + 1]) if wanting else ()


def _better(steps: Steps, replayed: Steps, error: str | None) -> Steps:
    found = {step.revision: step for step in replayed}
    return tuple(_told(step, found.get(step.revision), error) if step.wants_a_server else step for step in steps)


def _told(step: RenderedStep, told: RenderedStep | None, error: str | None) -> RenderedStep:
    if told is not None and told.unreadable is None:
        note = "replayed on a scratch database without rows: what a loop over rows would send is not shown"
        return msgspec.structs.replace(told, notes=(*told.notes, note))
    reason = told.unreadable if told is not None else error
    return msgspec.structs.replace(
        step, unreadable=f"{step.unreadable}; on a scratch server: {reason or 'not reached'}"
    )


@contextmanager
def _child(environment: Environment) -> Iterator[subprocess.Popen[bytes]]:
    """The process that will replay; it opens the environment while the server is made ready."""
    child = subprocess.Popen(
        [sys.executable, "-m", "migsafe.revisions.replay"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        assert child.stdin is not None
        with suppress(BrokenPipeError):
            child.stdin.write(msgspec.json.encode(environment.source) + b"\n")
            child.stdin.flush()
        yield child
    finally:
        child.kill()
        child.communicate()


def _replayed(child: subprocess.Popen[bytes], job: Job) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "steps.json"
        _, said = child.communicate(msgspec.json.encode(msgspec.structs.replace(job, output=str(output))) + b"\n")
        if output.is_file():
            return msgspec.json.decode(output.read_bytes(), type=Result)
    return Result((), said.decode(errors="replace").strip().rpartition("\n")[2] or "the replay gave no answer")


def _excused(steps: Steps, lacking: tuple[str, ...]) -> Steps:
    """What failed there may have failed for what the copy of the schema lacks."""
    because = f" (not in the copy of the schema: {lacking[0]})" if lacking else ""
    return tuple(
        msgspec.structs.replace(step, unreadable=f"{step.unreadable}{because}") if step.unreadable else step
        for step in steps
    )

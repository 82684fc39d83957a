"""Steps that cannot be rendered, replayed on a scratch server in a process of its own (decision 013)."""

import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from migsafe.errors import MigsafeError
from migsafe.postgres.connection import Database
from migsafe.postgres.copy_schema import copy_schema
from migsafe.postgres.embedded import scratch_server
from migsafe.postgres.stand_ins import stand_ins
from migsafe.revisions.config import Environment
from migsafe.revisions.read import Direction, Reading
from migsafe.revisions.render import RenderedStep
from migsafe.revisions.replay import MARKER, Job, Result

Steps = tuple[RenderedStep, ...]


class _Ground(msgspec.Struct, frozen=True):
    """The scratch database, what stands in for extensions there, and what the copy of the schema lacks."""

    scratch: Database
    stand_ins: dict[str, str]
    lacking: tuple[str, ...]


def completed(
    environment: Environment,
    reading: Reading,
    database: Database | None,
    scratch_url: str | None,
    lists: tuple[str, ...],
) -> tuple[Steps, Steps]:
    """The steps and the way back of `reading`, those that could not be rendered taken from a replay as far as it got.

    From a copy of the schema of `database`, with the rows of the tables `lists`; without one, from `reading.heads`,
    migrated there from nothing. One scratch server for both ways: the way back begins where the way there ended.
    """
    back: Direction = "downgrade" if reading.direction == "upgrade" else "upgrade"
    steps, undone = reading.steps, reading.back
    try:
        with scratch_server(scratch_url) as server, server.database("preview") as scratch:
            known = stand_ins(scratch, marker=MARKER)
            table = reading.version_table
            lacking: tuple[str, ...] = ()
            if database is not None:
                lacking = copy_schema(database, scratch, version_table=table, stand_ins=known, rows_of=lists)
            ground = _Ground(scratch, known, lacking)
            if any(step.wants_a_server for step in steps):
                prepare = reading.heads if database is None else ()
                steps = _better(steps, *_replayed(environment, reading, steps, reading.direction, prepare, ground))
            if any(step.wants_a_server for step in undone):
                undone = _better(undone, *_replayed(environment, reading, undone, back, reading.target, ground))
    except MigsafeError as failure:
        return _better(steps, {}, failure.message), _better(undone, {}, failure.message)
    return steps, undone


def _better(steps: Steps, replayed: dict[str, RenderedStep], error: str | None) -> Steps:
    return tuple(_told(step, replayed, error) if step.wants_a_server else step for step in steps)


def _told(step: RenderedStep, replayed: dict[str, RenderedStep], error: str | None) -> RenderedStep:
    told = replayed.get(step.revision)
    if told is not None and told.unreadable is None:
        note = "replayed on a scratch database without rows: what a loop over rows would send is not shown"
        return msgspec.structs.replace(told, notes=(*told.notes, note))
    reason = told.unreadable if told is not None else error
    return msgspec.structs.replace(
        step, unreadable=f"{step.unreadable}; on a scratch server: {reason or 'not reached'}"
    )


def _replayed(
    environment: Environment,
    reading: Reading,
    steps: Steps,
    direction: Direction,
    prepare: tuple[str, ...],
    ground: _Ground,
) -> tuple[dict[str, RenderedStep], str | None]:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "steps.json"
        job = Job(
            source=environment.source,
            url=ground.scratch.url(None),
            revisions=tuple(step.revision for step in steps),
            output=str(output),
            direction=direction,
            prepare=prepare,
            stand_ins=ground.stand_ins,
            only=reading.round,
        )
        child = subprocess.run(
            [sys.executable, "-m", "migsafe.revisions.replay"],
            input=msgspec.json.encode(job),
            capture_output=True,
            check=False,
        )
        if not output.is_file():
            return {}, child.stderr.decode(errors="replace").strip().rpartition("\n")[2] or "the replay gave no answer"
        result = msgspec.json.decode(output.read_bytes(), type=Result)
    return {step.revision: _excused(step, ground.lacking) for step in result.steps}, result.error


def _excused(step: RenderedStep, lacking: tuple[str, ...]) -> RenderedStep:
    """What failed there may have failed for what the copy of the schema lacks."""
    if step.unreadable is None or not lacking:
        return step
    return msgspec.structs.replace(step, unreadable=f"{step.unreadable} (not in the copy of the schema: {lacking[0]})")

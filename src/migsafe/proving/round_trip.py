"""`migsafe verify --round-trip`: every revision up, down and up again on a scratch server, with rows in every table."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import IO

import msgspec
from psycopg import sql

from migsafe.errors import MigsafeError
from migsafe.model.round_trip import RoundTrip, Verdict
from migsafe.postgres.connection import Database, connect
from migsafe.postgres.embedded import Scratch, scratch_server
from migsafe.postgres.stand_ins import stand_ins
from migsafe.proving import ALL
from migsafe.rehearse.compared import differences, lost, reordered, touched
from migsafe.rehearse.contents import Contents, contents
from migsafe.rehearse.rows import Remembered, fill
from migsafe.revisions.config import Environment, relative
from migsafe.revisions.declared import applied, named
from migsafe.revisions.read import Direction, read
from migsafe.revisions.replay import MARKER
from migsafe.revisions.stepping import Move, Moved, Setup
from migsafe.settings import Settings

Told = Callable[[str, float | None], None]


class _Stepper:
    """The process that runs the steps; see revisions/stepping.py."""

    def __init__(self, process: "subprocess.Popen[bytes]", said: IO[bytes]) -> None:
        self.process, self.said = process, said

    def __call__(self, database: Database, revision: str, direction: Direction) -> Moved:
        """Run one step. Raises MigsafeError when the process is gone."""
        asked = Move(revision, direction, database.url(None), database.dbname)
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(msgspec.json.encode(asked) + b"\n")
            stdin.flush()
            line = stdout.readline()
        except BrokenPipeError:
            line = b""
        if not line:
            raise MigsafeError(f"revision {revision}: the process that tries it ended", _last_line(self.said))
        return msgspec.json.decode(line, type=Moved)


class _Ground(msgspec.Struct, frozen=True):
    """What all trips share: `bare` holds the revisions so far and no rows but their own; `leave` are tables not to
    touch; `remembered`, which grows, is what rows tables take.
    """

    server: Scratch
    bare: Database
    step: _Stepper
    leave: frozenset[str]
    remembered: Remembered = {}


def round_trips(
    environment: Environment,
    revisions: tuple[str, ...],
    chosen: frozenset[str],
    *,
    version_table: str,
    scratch_url: str | None,
    told: Told = lambda _text, _fraction: None,
) -> Iterator[RoundTrip]:
    """Try each of `chosen`, a part of `revisions` (from base on, the first one first).

    Each trip begins with a copy of a database that holds the revisions before it and no rows but their own; it gets
    rows in every table, and what it holds is compared before and after. `version_table` is `schema.name`. Raises
    ToolMissing when there is no scratch server; what goes wrong with a revision is its verdict.
    """
    leave = frozenset({version_table, f"public.{version_table.rpartition('.')[2]}"})
    with ExitStack() as held:
        server = held.enter_context(scratch_server(scratch_url))
        bare = held.enter_context(server.database("round_trip"))
        step = held.enter_context(_stepping(environment, _lacking(bare)))
        ground = _Ground(server, bare, step, leave, {})
        for index, revision in enumerate(revisions):
            path = _path(environment, revision)
            told(f"revision {revision}: {path}", index / len(revisions))
            if revision in chosen:
                yield _round_trip(ground, revision, path)
            moved = step(bare, revision, "upgrade")
            if moved.error is not None:
                if revision not in chosen:
                    yield RoundTrip(revision, path, "unknown", moved.error)
                return


def trips_of(environment: Environment, settings: Settings, what: str, told: Told) -> Iterator[RoundTrip]:
    """Trips of the revisions that `what` means: all, REVISION, or FROM:TO (without FROM itself). env.py runs offline.

    Raises UsageError for what is no revision.
    """
    reading = read(environment, "heads", start=(), revisions=False)
    everything = applied(environment, tuple(environment.script.get_heads()))
    start, colon, end = what.rpartition(":")
    if what == ALL:
        chosen = frozenset(everything)
    elif colon:
        before = applied(environment, named(environment, start)) if start not in ("", "base") else ()
        chosen = frozenset(applied(environment, named(environment, end or "heads"))) - frozenset(before)
    else:
        chosen = frozenset(named(environment, what))
    wanted = [index for index, revision in enumerate(everything) if revision in chosen]
    revisions = everything[: max(wanted, default=-1) + 1]
    yield from round_trips(
        environment,
        revisions,
        chosen,
        version_table=reading.version_table,
        scratch_url=settings.scratch_url,
        told=told,
    )


def _round_trip(ground: _Ground, revision: str, path: str) -> RoundTrip:
    with _copy(ground) as probe:
        unfilled = _filled(ground, probe)
        before = _contents(ground, probe)
        up = ground.step(probe, revision, "upgrade")
        if up.error is None:
            return _down_and_up(ground, probe, RoundTrip(revision, path, "exact", unfilled=unfilled), before, up)
    with _copy(ground) as probe:
        before = _contents(ground, probe)
        again = ground.step(probe, revision, "upgrade")
        if again.error is not None:
            return RoundTrip(revision, path, "unknown", again.error)
        return _down_and_up(ground, probe, RoundTrip(revision, path, "exact", rows_refused=up.error), before, again)


def _down_and_up(ground: _Ground, probe: Database, trip: RoundTrip, before: Contents, up: Moved) -> RoundTrip:
    """The verdict on the way down from where `up` went, and up again; `trip` is as good as it gets."""
    there = _contents(ground, probe)
    # Where upgrade() refuses rows, rows made now would only keep it from going up again.
    filled = {} if trip.rows_refused else _filled(ground, probe)
    unfilled = touched(before, there, {**trip.unfilled, **filled})
    trip, changed = msgspec.structs.replace(trip, unfilled=unfilled), before != there
    if up.downgrade in ("missing", "raises"):
        return _judged(trip, "none" if changed else "nothing")
    down = ground.step(probe, trip.revision, "downgrade")
    if down.error is not None:
        return _judged(trip, "none" if down.raised == "NotImplementedError" else "wrong", f"it fails: {down.error}")
    back = _contents(ground, probe)
    changes = differences(before, back)
    kept = tuple(each for each in changes if _is_kept(each))
    changes = tuple(each for each in changes if each not in kept)
    trip = msgspec.structs.replace(trip, kept=kept)
    if not changed and not changes:
        return _judged(trip, "nothing")
    if changes:
        wrong = down.sent > 0
        return _judged(trip, "wrong" if wrong else "empty", "it leaves another schema" if wrong else None, changes)
    trip = msgspec.structs.replace(trip, reordered=reordered(before, back), lost=lost(before, back))
    again = ground.step(probe, trip.revision, "upgrade")
    if again.error is not None:
        return _judged(trip, "wrong", f"upgrade() fails after it: {again.error}")
    changes = differences(there, _contents(ground, probe))
    if changes:
        return _judged(trip, "wrong", "upgrade() after it makes another schema", changes)
    return _judged(trip, "lossy" if trip.lost else "exact")


def _is_kept(difference: str) -> bool:
    """An extension that stays: whoever removes it takes it from others, and the upgrade after it finds it there."""
    return difference.startswith("extension ") and difference.endswith(" is left over")


def _judged(trip: RoundTrip, verdict: Verdict, message: str | None = None, changes: tuple[str, ...] = ()) -> RoundTrip:
    return msgspec.structs.replace(trip, verdict=verdict, message=message, differences=changes)


def _contents(ground: _Ground, database: Database) -> Contents:
    with connect(database) as connection:
        return contents(connection, ground.leave)


def _filled(ground: _Ground, database: Database) -> dict[str, str]:
    with connect(database) as connection:
        return fill(connection, ground.leave, ground.remembered)


@contextmanager
def _copy(ground: _Ground) -> Iterator[Database]:
    """A copy of the bare database for as long as the block runs."""
    source, name = ground.bare.dbname, f"{ground.bare.dbname}_copy"
    with connect(ground.server.maintenance) as connection:
        # A pool of env.py's may still be in it.
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (source,))
        made = "CREATE DATABASE {} TEMPLATE {}"
        connection.execute(sql.SQL(made).format(sql.Identifier(name), sql.Identifier(source)))
        try:
            yield ground.bare.replace(dbname=name)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _lacking(bare: Database) -> tuple[str, ...]:
    """The extensions that the server lacks. What stands in for them is there from the beginning, in no one's way."""
    known = stand_ins(bare, marker=MARKER)
    with connect(bare) as connection:
        for functions in filter(None, known.values()):
            connection.execute(functions.encode())
    return tuple(known)


@contextmanager
def _stepping(environment: Environment, lacking: tuple[str, ...]) -> Iterator[_Stepper]:
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "migsafe.revisions.stepping"]
    with tempfile.TemporaryFile() as said, subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=said) as process:
        try:
            assert process.stdin is not None
            process.stdin.write(msgspec.json.encode(Setup(environment.source, lacking)) + b"\n")
            yield _Stepper(process, said)
        finally:
            process.kill()


def _last_line(said: IO[bytes]) -> str | None:
    said.seek(0)
    return said.read().decode(errors="replace").strip().rpartition("\n")[2] or None


def _path(environment: Environment, revision: str) -> str:
    script = environment.script.get_revision(revision)
    assert script is not None
    return relative(script.path)

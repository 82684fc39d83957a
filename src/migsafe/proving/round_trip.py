"""`migsafe verify --round-trip`: every revision up, down and up again on a scratch server, with rows in every table."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Set
from contextlib import ExitStack, contextmanager
from typing import IO

import msgspec
from psycopg import sql

from migsafe.errors import MigsafeError, UsageError
from migsafe.model.round_trip import RoundTrip, Rows, Verdict
from migsafe.postgres.connection import Database, connect
from migsafe.postgres.embedded import Scratch, scratch_server
from migsafe.postgres.stand_ins import stand_ins
from migsafe.proving import ALL
from migsafe.rehearse.compared import differences, lost, reordered, touched, valueless
from migsafe.rehearse.contents import Contents, contents
from migsafe.rehearse.rows import Remembered, fill
from migsafe.revisions.config import Environment, relative
from migsafe.revisions.declared import applied, named
from migsafe.revisions.read import Direction, read
from migsafe.revisions.replay import MARKER
from migsafe.revisions.stepping import Move, Moved, Setup
from migsafe.settings import Settings

Told = Callable[[str, float | None], None]
_KINDS: tuple[Rows, ...] = ("all", "without NULLs", "none")


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
            trip = _round_trip(ground, revision, path) if revision in chosen else None
            moved = step(bare, revision, "upgrade")
            if moved.error is not None:
                rest = tuple(each for each in revisions[index + 1 :] if each in chosen)
                yield RoundTrip(revision, path, "unknown", moved.error, untried=rest)
                return
            if trip is not None:
                yield trip


def trips_of(environment: Environment, settings: Settings, what: str, told: Told) -> Iterator[RoundTrip]:
    """Trips of the revisions that `what` means: all, REVISION, or FROM:TO (without FROM itself). env.py runs offline.

    Raises UsageError for what is no revision, or a range without any.
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
    if colon and not chosen:
        raise UsageError(f"there is no revision in {what}", "FROM:TO goes upward, and is without FROM itself.")
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
    """On rows of every kind; where upgrade() refuses them on rows without NULLs, and then on the revisions' own."""
    trip = RoundTrip(revision, path, "exact")
    for rows in _KINDS:
        trip = msgspec.structs.replace(trip, rows=rows)
        tried, refused = _tried(ground, trip, with_new_rows=rows == "all")
        if tried.verdict != "unknown":
            break
        trip = msgspec.structs.replace(trip, rows_refused=trip.rows_refused or tried.message)
    if refused is None or trip.rows != "all":
        return tried
    without, still_refused = _tried(ground, trip, with_new_rows=False)
    if still_refused is not None:
        return tried
    verdict: Verdict = "lossy" if without.verdict == "exact" else without.verdict
    return msgspec.structs.replace(without, verdict=verdict, new_rows_refused=refused)


def _tried(ground: _Ground, trip: RoundTrip, *, with_new_rows: bool) -> tuple[RoundTrip, str | None]:
    """Up, down and up on one copy, and why downgrade() failed, None where it did not.

    Where upgrade() refuses rows, new ones would only keep it from going up again.
    """
    with _copy(ground) as probe:
        unfilled = _filled(ground, probe, trip.rows)
        before = _contents(ground, probe)
        up = ground.step(probe, trip.revision, "upgrade")
        if up.error is not None:
            return _judged(trip, "unknown", up.error), None
        there = _contents(ground, probe)
        # What upgrade() has emptied stays so: the same rows made again would hide that they were lost.
        emptied = {table for table, rows in before.rows.items() if rows and not there.rows.get(table)}
        unfilled |= _filled(ground, probe, trip.rows, emptied) if with_new_rows else {}
        trip = msgspec.structs.replace(trip, unfilled=_unfilled(before, there, unfilled))
        if up.downgrade in ("missing", "raises"):
            return _judged(trip, "none" if before != there else "nothing"), None
        down = ground.step(probe, trip.revision, "downgrade")
        if down.error is None:
            return _down_and_up(ground, probe, trip, before, there, down), None
        if down.raised == "NotImplementedError":
            return _judged(trip, "none"), None
        return _judged(trip, "wrong", f"it fails: {down.error}"), down.error


def _unfilled(before: Contents, there: Contents, tables: dict[str, str]) -> dict[str, str]:
    columns = dict.fromkeys(valueless(before, there), "every row that could be made has NULL there")
    return touched(before, there, tables) | columns


def _down_and_up(
    ground: _Ground, probe: Database, trip: RoundTrip, before: Contents, there: Contents, down: Moved
) -> RoundTrip:
    """The verdict on where `down` went from `there`, and on the way up again; `trip` is as good as it gets."""
    back = _contents(ground, probe)
    changes = differences(before, back)
    kept = tuple(each for each in changes if _is_kept(each))
    changes = tuple(each for each in changes if each not in kept)
    trip = msgspec.structs.replace(trip, kept=kept)
    if before == there and not changes:
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


def _filled(ground: _Ground, database: Database, rows: Rows, leave: Set[str] = frozenset()) -> dict[str, str]:
    if rows == "none":
        return {}
    with connect(database) as connection:
        return fill(connection, ground.leave | leave, ground.remembered, nulls=rows == "all")


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

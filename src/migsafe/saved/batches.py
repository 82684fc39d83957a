"""Rows of a part go back in batches, each in one transaction with the record of how far it is."""

import time
from pathlib import Path
from typing import Literal

import msgspec
import psycopg

from migsafe.model.restored import Conflict, Counts
from migsafe.model.saved import Chunk, Manifest, PartSaved
from migsafe.saved import matching
from migsafe.saved.conflicts import Conflicts
from migsafe.saved.guarded import Guarded
from migsafe.saved.matching import BATCH, NEWER, Target
from migsafe.saved.record import Record
from migsafe.saved.staging import STAGE, stage

OnConflict = Literal["keep", "restore"]
LEAST, FIRST, MOST = 500, 1_000, 10_000
# A batch holds its rows locked for as long as it takes.
_SECONDS = 0.25


class Way(msgspec.Struct, frozen=True):
    """What the restore of every part needs."""

    guarded: Guarded
    directory: Path
    manifest: Manifest
    record: Record
    conflicts: Conflicts
    on_conflict: OnConflict


def put_back(way: Way, place: int, saved: PartSaved, target: Target, *, again: bool = False) -> Counts:
    """Put the rows of part number `place` back. `again`: only those whose parents were not there before."""
    connection = way.guarded.connection
    newest_first = sorted(
        enumerate(saved.chunks), key=lambda each: (not each[1].newer, -each[0] if each[1].newer else each[0])
    )
    keys = ", ".join(f"k{n} {kind}" for n, kind in zip(range(1, len(saved.part.key) + 1), saved.types, strict=False))
    connection.execute(f"DROP TABLE IF EXISTS pg_temp.{NEWER}".encode())
    connection.execute(f"CREATE TEMPORARY TABLE {NEWER} ({keys})".encode())
    total, has_newer = Counts(), any(chunk.newer for chunk in saved.chunks)
    for number, chunk in newest_first:
        upto, counts = way.record.upto(place, number)
        todo = upto < chunk.rows or (again and counts.pending > 0)
        if todo or chunk.newer:
            stage(connection, way.directory, saved.part, saved.types, chunk)
        if todo:
            way.guarded.told(f"restoring {saved.part.label}", number / max(1, len(saved.chunks)))
            counts = _chunk(way, place, number, saved, target, chunk, has_newer, again)
        if chunk.newer:
            fields = ", ".join(f"k{n}" for n in range(1, len(saved.part.key) + 1))
            connection.execute(f"INSERT INTO {NEWER} SELECT {fields} FROM {STAGE}".encode())
        total = total.plus(counts)
    return total


def _chunk(
    way: Way, place: int, number: int, saved: PartSaved, target: Target, chunk: Chunk, newer: bool, again: bool
) -> Counts:
    """One chunk from where its record says; a second time from its beginning."""
    done, counts = way.record.upto(place, number)
    if again:
        done, counts = 0, msgspec.structs.replace(counts, pending=0)
    size = FIRST
    while done < chunk.rows:
        began = time.monotonic()
        done, counts, size = _batch(way, place, number, saved, target, (done, size), counts, chunk, newer, again)
        took = time.monotonic() - began
        size = min(MOST, size * 2) if took < _SECONDS / 2 else max(LEAST, size // 2) if took > _SECONDS else size
    return counts


def _batch(
    way: Way,
    place: int,
    number: int,
    saved: PartSaved,
    target: Target,
    window: tuple[int, int],
    before: Counts,
    chunk: Chunk,
    newer: bool,
    again: bool,
) -> tuple[int, Counts, int]:
    done, size = window

    def work(tries: int) -> tuple[int, Counts, int]:
        rows = max(1, size >> tries)
        high = min(done + rows, chunk.rows)
        found = _window(way, saved, target, done + 1, high, chunk, newer, again)
        counts = before.plus(found)
        way.record.came(place, number, high, counts)
        return high, counts, rows

    return way.guarded.transaction(work)


def _window(
    way: Way, saved: PartSaved, target: Target, low: int, high: int, chunk: Chunk, newer: bool, again: bool
) -> Counts:
    """Rows `low` to `high`; halved as long as one of them offends a constraint, down to that one."""
    connection = way.guarded.connection
    try:
        with connection.transaction():
            return _rows(way, saved, target, low, high, chunk, newer, again, None)
    except psycopg.errors.IntegrityError as error:
        if low == high:
            said = error.diag.message_primary or "a constraint forbids it"
            with connection.transaction():
                return _rows(way, saved, target, low, high, chunk, newer, again, said)
    middle = (low + high) // 2
    first = _window(way, saved, target, low, middle, chunk, newer, again)
    return first.plus(_window(way, saved, target, middle + 1, high, chunk, newer, again))


def _rows(
    way: Way,
    saved: PartSaved,
    target: Target,
    low: int,
    high: int,
    chunk: Chunk,
    newer: bool,
    again: bool,
    offends: str | None,
) -> Counts:
    part, connection = saved.part, way.guarded.connection
    connection.execute(matching.lock(part, target, low, high).encode())
    connection.execute(f"DROP TABLE IF EXISTS pg_temp.{BATCH}".encode())
    facts = {"after": chunk.after is not None, "newer": newer, "again": again, "spared": chunk.spared is not None}
    connection.execute(matching.classify(part, target, low, high, **facts).encode())
    if offends is not None:
        connection.execute(f"UPDATE {BATCH} SET verdict = 'conflict' WHERE verdict = 'restore'".encode())
    inserts = part.kind in ("rows", "table")
    if inserts and offends is None:
        connection.execute(matching.insert(part, target).encode())
        connection.execute(matching.missed(part, target).encode())
    _list(way, saved, target, offends)
    if not inserts and offends is None:
        connection.execute(matching.put(part, target, ("restore",)).encode())
    if way.on_conflict == "restore" and offends is None:
        connection.execute(matching.put(part, target, ("conflict",)).encode())
    found = dict(connection.execute(f"SELECT verdict, count(*) FROM {BATCH} GROUP BY 1".encode()).fetchall())
    return Counts(
        restored=found.get("restore", 0),
        kept=found.get("same", 0),
        conflicting=found.get("conflict", 0),
        gone=found.get("gone", 0),
        pending=found.get("pending", 0),
    )


def _list(way: Way, saved: PartSaved, target: Target, offends: str | None) -> None:
    rows = way.guarded.connection.execute(matching.listed(saved.part, target).encode()).fetchall()
    because = offends or "the application wrote a newer value"
    way.conflicts.add(
        [
            Conflict(
                saved.part.label, key, old, now, because if now is not None or offends else "another row has its place"
            )
            for key, old, now, verdict in rows
            if verdict == "conflict"
        ]
    )


def orphans(way: Way, place: int, saved: PartSaved, target: Target) -> Counts:
    """List as conflicts the rows whose parents did not come back, after the last round."""
    counts = Counts()
    for number, chunk in enumerate(saved.chunks):
        _, found = way.record.upto(place, number)
        if not found.pending:
            continue
        stage(way.guarded.connection, way.directory, saved.part, saved.types, chunk)

        def work(_tries: int, chunk: Chunk = chunk) -> None:
            sql = matching.classify(saved.part, target, 1, chunk.rows, after=False, newer=False, again=True)
            way.guarded.connection.execute(sql.encode())
            _list_pending(way, saved, target)

        way.guarded.transaction(work)
        counts = counts.plus(Counts(conflicting=found.pending))
    return counts


def _list_pending(way: Way, saved: PartSaved, target: Target) -> None:
    rows = way.guarded.connection.execute(matching.listed(saved.part, target).encode()).fetchall()
    found = [Conflict(saved.part.label, key, old, now, "a row that it refers to is gone") for key, old, now, _ in rows]
    way.conflicts.add(found)

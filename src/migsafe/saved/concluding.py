"""When the run is over: the newer rows into files, and what the run left of what it overwrote."""

import shutil
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from migsafe.model.saved import Chunk, Manifest, PartSaved
from migsafe.postgres import saved_facts
from migsafe.saved import manifest, met, reading, tables
from migsafe.saved.copying import Files
from migsafe.saved.files import DIRECTORY, synchronise
from migsafe.saved.meanwhile import CatchUp, left_behind
from migsafe.saved.staging import STAGE, stage
from migsafe.sql.quote import identifier, qualified

_KNOWN = "migsafe_known"


def conclude(directory: Path, caught: CatchUp) -> tuple[Manifest, tuple[str, ...]]:
    """Bring the manifest to its end; with it, sentences on what may be missing. Raises psycopg.Error and OSError.

    The rows that a table beside the version table holds are dropped there once they are on disk here.
    """
    own, before = caught.own, caught.manifest
    files = Files(directory / DIRECTORY, "latin-1")
    notes: list[str] = []
    number = sum(len(each.chunks) for each in before.parts)
    parts: list[PartSaved] = []
    drops: list[str] = []
    for place, saved in enumerate(before.parts):
        table = caught.table(place)
        if left_behind(own, table):
            chunk = _newer(own, files, before, saved, table, number)
            number += chunk is not None
            sure = place in caught.sure
            saved = msgspec.structs.replace(saved, chunks=(*saved.chunks, *([chunk] if chunk else [])), sure=sure)
            drops.append(table)
        elif written := caught.written.get(place):
            notes.append(_may_be_missing(saved, written))
        saved = msgspec.structs.replace(saved, written=caught.written.get(place))
        if left_behind(own, keys := caught.table(place, "keys")):
            saved, more = _met(own, directory, files, saved, keys)
            notes += more
            drops.append(keys)
        parts.append(_with_after(own, directory, files, before, saved))
    gone = tuple(each.id for each in saved_facts.missing(own, before.entries))
    done = msgspec.structs.replace(before, parts=tuple(parts), gone=gone, over=True)
    synchronise(directory / DIRECTORY)
    manifest.write(directory, done)
    for table in drops:
        own.execute(f"DROP TABLE {table}".encode())
    return done, tuple(notes)


def _met(
    own: psycopg.Connection[Any], directory: Path, files: Files, saved: PartSaved, keys: str
) -> tuple[PartSaved, tuple[str, ...]]:
    """Beside each chunk the keys of rows that the run did not meet; and a sentence on rows it met that are not saved.

    `keys` is the table of those that it met.
    """
    own.execute(f"DROP TABLE IF EXISTS pg_temp.{_KNOWN}".encode())
    own.execute(f"CREATE TEMPORARY TABLE {_KNOWN} AS SELECT * FROM {keys} LIMIT 0".encode())
    chunks = []
    for chunk in saved.chunks:
        stage(own, directory, saved.part, saved.types, chunk)
        listed = ", ".join(f"k{place}::text" for place in range(1, len(saved.part.key) + 1))
        own.execute(f"INSERT INTO {_KNOWN} SELECT {listed} FROM {STAGE}".encode())
        name = f"{Path(chunk.file.path).name.split('.')[0]}.spared.gz"
        chunks.append(msgspec.structs.replace(chunk, spared=files.after(own, name, met.spared(saved, keys))))
    row = own.execute(met.strangers(saved, keys, _KNOWN).encode()).fetchone()
    own.execute(f"DROP TABLE pg_temp.{STAGE}, pg_temp.{_KNOWN}".encode())
    saved = msgspec.structs.replace(saved, chunks=tuple(chunks))
    if row is None or not row[0]:
        return saved, ()
    rows = "1 row" if row[0] == 1 else f"{row[0]} rows"
    what = f"{rows} of {saved.part.relation} came to be meant after {saved.part.label} had been saved"
    return saved, (f"{what}: these are not in it",)


def _may_be_missing(saved: PartSaved, written: int) -> str:
    rows = "1 row" if written == 1 else f"{written} rows"
    return f"{rows} of {saved.part.relation} may have been written between saving and destroying {saved.part.label}"


def _newer(
    own: psycopg.Connection[Any], files: Files, before: Manifest, saved: PartSaved, table: str, number: int
) -> Chunk | None:
    names = ", ".join(identifier(name) for name in reading.columns(saved.part))
    select = f"SELECT {names} FROM {table}"
    store = tables.Tables(before.run) if before.store == "tables" else files
    put = store.put(own, saved.part, saved.types, number, select, True)
    return put.chunk if put is not None else None


def _with_after(
    own: psycopg.Connection[Any], directory: Path, files: Files, before: Manifest, saved: PartSaved
) -> PartSaved:
    """The values that the run left, for every saved key: what differs from them later, somebody else has written.

    Of whole rows: which of them it left where they were.
    """
    part = saved.part
    wanted = part.kind in ("values", "rows") or part.retyped
    if not wanted or not part.key or part.after is None:
        return saved
    there = saved_facts.columns_of(own, qualified(part.after))
    if not {*part.key, *part.lost} <= there.keys():
        return saved
    chunks = []
    for place, chunk in enumerate(saved.chunks):
        stage(own, directory, part, saved.types, chunk)
        name = f"{Path(chunk.file.path).name.split('.')[0]}.{place}.after.gz"
        made = files.after(own, name, _left(before, saved))
        chunks.append(msgspec.structs.replace(chunk, after=made))
    own.execute(f"DROP TABLE IF EXISTS pg_temp.{STAGE}".encode())
    return msgspec.structs.replace(saved, chunks=tuple(chunks))


def _left(before: Manifest, saved: PartSaved) -> str:
    part = saved.part
    assert part.after is not None
    keys = ", ".join(f"t.{identifier(name)}::text" for name in part.key)
    values = "".join(f", t.{identifier(name)}::text" for name in part.lost)
    joined = " AND ".join(f"t.{identifier(name)} = s.k{n}" for n, name in enumerate(part.key, 1))
    # Whoever wrote after the run has a later transaction id than the row of the version table has.
    version = f"SELECT coalesce(min(age(xmin)), 2147483647) FROM {qualified(before.version_table)}"
    only = "ONLY " if part.only else ""
    return (
        f"SELECT {keys}{values}, age(t.xmin) < ({version}) FROM {STAGE} AS s "
        f"JOIN {only}{qualified(part.after)} AS t ON {joined}"
    )


def discard(directory: Path, caught: CatchUp) -> None:
    """Throw away what was saved: the run destroyed nothing."""
    if caught.manifest.store == "tables":
        tables.drop(caught.own, tables.of_run(caught.own, caught.manifest.run))
    shutil.rmtree(directory / DIRECTORY)

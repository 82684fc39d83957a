"""The bulk of saving: chunk after chunk, without any lock but that of the SELECT of each."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import psycopg

from migsafe.model.report import BackupFile
from migsafe.model.saved import Chunk, Part, PartSaved
from migsafe.postgres import saved_facts
from migsafe.saved import reading
from migsafe.saved.files import Writer
from migsafe.sql.quote import qualified

Told = Callable[[int, int], None]
FIRST_ROWS, LEAST_ROWS, MOST_ROWS = 20_000, 500, 200_000
WANTED_BYTES = 16 * 1024**2
_PAGES = 2_000


class Store(Protocol):
    """Where rows go: files, or tables."""

    def put(
        self,
        connection: psycopg.Connection[Any],
        part: Part,
        types: Sequence[str],
        number: int,
        select: str,
        newer: bool,
    ) -> "Put | None":
        """Save what `select` gives as chunk `number` (of all parts together); None: no rows."""


class Put:
    """A chunk that is saved, with the key of its last row (texts) and its size as COPY text."""

    def __init__(self, chunk: Chunk, last: tuple[str, ...], raw: int) -> None:
        self.chunk, self.last, self.raw = chunk, last, raw


class Files:
    """Chunks as files of `folder`."""

    def __init__(self, folder: Path, encoding: str) -> None:
        self.folder, self.encoding = folder, encoding

    def put(
        self,
        connection: psycopg.Connection[Any],
        part: Part,
        types: Sequence[str],
        number: int,
        select: str,
        newer: bool,
    ) -> Put | None:
        made = self._copy(connection, f"{number:06}.copy.gz", f"COPY ({select}) TO STDOUT")
        if made is None:
            return None
        file, writer = made
        last = reading.key_in(writer.last, len(part.key), self.encoding)
        return Put(Chunk(file=file, rows=writer.rows, newer=newer), last, writer.raw)

    def after(self, connection: psycopg.Connection[Any], name: str, select: str) -> BackupFile | None:
        """What `select` gives now, beside a chunk that was saved before."""
        made = self._copy(connection, name, f"COPY ({select}) TO STDOUT")
        return made[0] if made else None

    def _copy(self, connection: psycopg.Connection[Any], name: str, copy: str) -> tuple[BackupFile, Writer] | None:
        writer = Writer(self.folder, name)
        try:
            with connection.cursor() as cursor, cursor.copy(copy.encode()) as rows:
                writer.take(rows)
            file = writer.close()
        except BaseException:
            writer.abandon()
            writer.path.unlink(missing_ok=True)
            raise
        if not writer.rows:
            writer.path.unlink()
            return None
        return file, writer


def save_part(
    connection: psycopg.Connection[Any], store: Store, part: Part, number: int, told: Told, limit: int | None
) -> PartSaved:
    """Save one part; its chunks are numbered from `number`. `told` hears rows and bytes of each chunk.

    Raises psycopg.Error for what cannot be read. `limit`: rows of a chunk, None to find out what is good.
    """
    known = saved_facts.columns_of(connection, qualified(part.relation))
    types = tuple(known[name].type for name in reading.columns(part))
    horizon = saved_facts.horizon(connection)
    written = saved_facts.writes(connection, qualified(part.relation))
    by = _by_key if part.key else _by_page
    chunks = by(connection, store, part, types, number, told, limit) if part.columns or part.key else []
    saved = PartSaved(part=part, types=types, chunks=tuple(chunks), horizon=horizon, writes=written)
    return _again(connection, store, saved, number + len(chunks), told) if part.key else saved


def _by_key(
    connection: psycopg.Connection[Any],
    store: Store,
    part: Part,
    types: tuple[str, ...],
    number: int,
    told: Told,
    limit: int | None,
) -> list[Chunk]:
    chunks: list[Chunk] = []
    last: tuple[str, ...] | None = None
    rows = limit or FIRST_ROWS
    while True:
        put = store.put(
            connection, part, types, number + len(chunks), reading.chunk_by_key(part, types, last, rows), False
        )
        if put is None:
            return chunks
        chunks.append(put.chunk)
        told(put.chunk.rows, put.chunk.file.bytes)
        if put.chunk.rows < rows:
            return chunks
        last = put.last
        if limit is None and put.raw:
            rows = min(MOST_ROWS, max(LEAST_ROWS, round(put.chunk.rows * WANTED_BYTES / put.raw)))


def _by_page(
    connection: psycopg.Connection[Any],
    store: Store,
    part: Part,
    types: tuple[str, ...],
    number: int,
    told: Told,
    limit: int | None,
) -> list[Chunk]:
    chunks: list[Chunk] = []
    first, step = 0, _PAGES if limit is None else 1
    while True:
        pages = saved_facts.pages(connection, qualified(part.relation))
        end = first + step
        put = store.put(
            connection,
            part,
            types,
            number + len(chunks),
            reading.chunk_by_page(part, first, end if end < pages else None),
            False,
        )
        if put is not None:
            chunks.append(put.chunk)
            told(put.chunk.rows, put.chunk.file.bytes)
        if end >= pages:
            return chunks
        first = end


def _again(connection: psycopg.Connection[Any], store: Store, saved: PartSaved, number: int, told: Told) -> PartSaved:
    """What was written while the bulk was copied; and how long it takes to look for that."""
    horizon, part = saved_facts.horizon(connection), saved.part
    written = saved_facts.writes(connection, qualified(part.relation))
    began = time.monotonic()
    put = store.put(connection, part, saved.types, number, reading.newer(part, saved.horizon), True)
    looking = time.monotonic() - began
    chunks = saved.chunks
    if put is not None:
        told(put.chunk.rows, put.chunk.file.bytes)
        chunks = (*chunks, put.chunk)
    return PartSaved(part=part, types=saved.types, chunks=chunks, horizon=horizon, looking=looking, writes=written)

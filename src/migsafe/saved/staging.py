"""Saved rows back in the server, in a temporary table."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from migsafe.model.report import BackupFile
from migsafe.model.saved import Chunk, Part
from migsafe.saved import reading
from migsafe.saved.files import DIRECTORY, blocks
from migsafe.saved.tables import SCHEMA
from migsafe.sql.quote import identifier

STAGE, AFTER, SPARED = "migsafe_stage", "migsafe_stage_after", "migsafe_stage_spared"


def stage(
    connection: psycopg.Connection[Any], directory: Path, part: Part, types: tuple[str, ...], chunk: Chunk
) -> None:
    """Load a chunk into the temporary table `migsafe_stage`: `n` from 1, then k1…, then v1…, in their own types.

    With what the run left of it in `migsafe_stage_after`: the keys as text, a1… as text, and whether somebody else had
    written the row by then; and the keys of those that it did not meet in `migsafe_stage_spared`.
    """
    fields = _fields(part)
    typed = ", ".join(f"{name} {kind}" for name, kind in zip(fields, types, strict=True))
    _fresh(connection, STAGE, f"n int GENERATED ALWAYS AS IDENTITY, {typed}")
    append(connection, directory, part, types, chunk)
    if part.key:
        connection.execute(f"CREATE INDEX ON {STAGE} ({', '.join(fields[: len(part.key)])})".encode())
    connection.execute(f"CREATE INDEX ON {STAGE} (n)".encode())
    connection.execute(f"ANALYZE {STAGE}".encode())
    if chunk.after is not None:
        _stage_after(connection, directory, part, chunk)
    if chunk.spared is not None:
        _stage_spared(connection, directory, part, chunk.spared)


def append(
    connection: psycopg.Connection[Any], directory: Path, part: Part, types: tuple[str, ...], chunk: Chunk
) -> None:
    """Load one more chunk beside what is staged."""
    fields = ", ".join(_fields(part))
    if chunk.table is None:
        _load(connection, f"{STAGE} ({fields})", blocks(directory / DIRECTORY / chunk.file.path))
        return
    names = [identifier(name) for name in reading.columns(part)]
    typed = ", ".join(f"{name}::{kind}" for name, kind in zip(names, types, strict=True))
    table = f"{SCHEMA}.{identifier(chunk.table)}"
    connection.execute(f"INSERT INTO {STAGE} ({fields}) SELECT {typed} FROM {table}".encode())


def _fields(part: Part) -> list[str]:
    keys = [f"k{place}" for place in range(1, len(part.key) + 1)]
    return [*keys, *(f"v{place}" for place in range(1, len(part.columns) + 1))]


def _stage_after(connection: psycopg.Connection[Any], directory: Path, part: Part, chunk: Chunk) -> None:
    assert chunk.after is not None
    keys = [f"k{place} text" for place in range(1, len(part.key) + 1)]
    values = [f"a{place} text" for place in range(1, len(part.lost) + 1)]
    _fresh(connection, AFTER, ", ".join([*keys, *values, "touched boolean"]))
    _load(connection, AFTER, blocks(directory / DIRECTORY / chunk.after.path))
    connection.execute(f"CREATE INDEX ON {AFTER} ({', '.join(f'k{n + 1}' for n in range(len(keys)))})".encode())
    connection.execute(f"ANALYZE {AFTER}".encode())


def _stage_spared(connection: psycopg.Connection[Any], directory: Path, part: Part, file: BackupFile) -> None:
    keys = [f"k{place}" for place in range(1, len(part.key) + 1)]
    _fresh(connection, SPARED, ", ".join(f"{key} text" for key in keys))
    _load(connection, SPARED, blocks(directory / DIRECTORY / file.path))
    connection.execute(f"CREATE INDEX ON {SPARED} ({', '.join(keys)})".encode())
    connection.execute(f"ANALYZE {SPARED}".encode())


def _fresh(connection: psycopg.Connection[Any], name: str, columns: str) -> None:
    connection.execute(f"DROP TABLE IF EXISTS pg_temp.{name}".encode())
    connection.execute(f"CREATE TEMPORARY TABLE {name} ({columns})".encode())


def _load(connection: psycopg.Connection[Any], target: str, rows: Iterator[bytes]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN".encode()) as copy:
        for block in rows:
            copy.write(block)

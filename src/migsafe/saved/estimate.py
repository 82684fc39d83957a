"""How much saving will take, before anything is read."""

import shutil
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from migsafe.model.catalog import Catalog
from migsafe.model.saved import Part
from migsafe.postgres import saved_facts
from migsafe.saved import reading
from migsafe.sql.quote import identifier


class Estimate(msgspec.Struct, frozen=True):
    """`rows` and `bytes` (as text, not compressed) of all parts; `free` bytes where they will be."""

    rows: int
    bytes: int
    free: int | None


def estimate(
    connection: psycopg.Connection[Any], parts: tuple[Part, ...], catalog: Catalog, directory: Path | None
) -> Estimate:
    """As the planner estimates it; of a table that was never analysed, the whole of it."""
    rows = size = 0
    for part in parts:
        known = catalog.relations.get(part.relation)
        found = _of(connection, part)
        if found is None or known is None or known.rows is None:
            found = (found[0] if found else 0, (known.bytes or 0) if known else 0)
        rows, size = rows + found[0], size + found[1]
    return Estimate(rows, size, None if directory is None else _free(directory))


def _free(directory: Path) -> int:
    while not directory.exists():
        directory = directory.parent
    return shutil.disk_usage(directory).free


def _of(connection: psycopg.Connection[Any], part: Part) -> tuple[int, int] | None:
    listed = ", ".join(f"{part.alias}.{identifier(name)}" for name in reading.columns(part))
    where = f" WHERE {part.where}" if part.where else ""
    try:
        return saved_facts.expected(connection, f"SELECT {listed} FROM {reading.source(part)}{where}")
    except psycopg.Error:
        return None

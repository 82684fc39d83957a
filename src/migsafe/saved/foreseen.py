"""What would become of each saved row, held against the tables as they are now. Nothing is changed by it."""

from pathlib import Path
from typing import Any

import psycopg

from migsafe.model.restored import Counts
from migsafe.model.saved import Manifest, PartSaved
from migsafe.postgres import saved_facts
from migsafe.saved import matching, reading, shaping
from migsafe.saved.matching import BATCH, NEWER, Target
from migsafe.saved.staging import STAGE, stage
from migsafe.sql.quote import qualified

# More rows take longer to look at than somebody waits for a question.
MOST = 200_000


def foresee(connection: psycopg.Connection[Any], directory: Path, manifest: Manifest) -> tuple[Counts | None, ...]:
    """Counts for each part of `manifest`, in its order; None for too many rows, and where nothing can be told.

    In a transaction that is rolled back: all that it writes are temporary tables.
    """
    found: list[Counts | None] = []
    for saved in manifest.parts:
        try:
            with connection.transaction(force_rollback=True):
                connection.execute("SET TRANSACTION READ WRITE")
                found.append(_counts(connection, directory, manifest, saved))
        except psycopg.Error:
            found.append(None)
    return tuple(found)


def _counts(
    connection: psycopg.Connection[Any], directory: Path, manifest: Manifest, saved: PartSaved
) -> Counts | None:
    part = saved.part
    if not part.key or saved.rows > MOST:
        return None
    saved_facts.plain_texts(connection, manifest.encoding, manifest.search_path)
    relation = shaping.relation_now(connection, manifest, part.relation)
    there = saved_facts.columns_of(connection, qualified(relation)) if relation is not None else {}
    if relation is None or not set(part.key) <= there.keys():
        return None
    keys = ", ".join(f"k{n} {kind}" for n, kind in zip(range(1, len(part.key) + 1), saved.types, strict=False))
    connection.execute(f"CREATE TEMPORARY TABLE {NEWER} ({keys})".encode())
    total = Counts()
    for chunk in sorted(saved.chunks, key=lambda each: not each.newer):
        stage(connection, directory, part, saved.types, chunk)
        facts = {"after": chunk.after is not None, "newer": True, "again": False, "spared": chunk.spared is not None}
        target = Target(relation, _columns(saved, there))
        connection.execute(matching.classify(part, target, 1, chunk.rows, **facts).encode())
        if not set(part.lost) <= there.keys():
            connection.execute(f"UPDATE {BATCH} SET verdict = 'restore' WHERE verdict = 'same'".encode())
        verdicts = connection.execute(f"SELECT verdict, count(*) FROM {BATCH} GROUP BY 1".encode()).fetchall()
        total = total.plus(_of(dict(verdicts)))
        connection.execute(f"DROP TABLE {BATCH}".encode())
        fields = ", ".join(f"k{n}" for n in range(1, len(part.key) + 1))
        connection.execute(f"INSERT INTO {NEWER} SELECT {fields} FROM {STAGE}".encode())
    return total


def _columns(saved: PartSaved, there: dict[str, saved_facts.Column]) -> tuple[str, ...]:
    """Those that can be compared; a column that is gone has nothing to compare."""
    part = saved.part
    wanted = reading.columns(part) if part.kind in ("rows", "table") else part.columns
    return tuple(name for name in wanted if name in there and not there[name].generated)


def _of(verdicts: dict[str, int]) -> Counts:
    return Counts(
        restored=verdicts.get("restore", 0) + verdicts.get("pending", 0),
        kept=verdicts.get("same", 0),
        conflicting=verdicts.get("conflict", 0),
        gone=verdicts.get("gone", 0),
    )

"""Another embedding dimension, undone by restore alone with all embeddings back."""

from pathlib import Path

import pytest

from fix_postgres import Connect
from migsafe.postgres.connection import Database
from saved.undoing import VERSIONS, Undoing

INDEX = "CREATE INDEX ix ON t USING hnsw (embedding vector_cosine_ops)"
EMBEDDED = (
    "CREATE EXTENSION vector",
    "CREATE TABLE t (id int PRIMARY KEY, a text, embedding vector(1024))",
    "INSERT INTO t SELECT n, 'a', CASE WHEN n % 5 > 0 THEN (SELECT array_agg(sin(i * n)::real)"
    " FROM generate_series(1, 1024) i)::vector END FROM generate_series(1, 60) n",
    INDEX,
)
EMBEDDINGS = "SELECT id, embedding::text FROM t ORDER BY id"


@pytest.mark.pgvector
@pytest.mark.parametrize(
    "change",
    [
        ("ALTER TABLE t DROP COLUMN embedding", "ALTER TABLE t ADD COLUMN embedding vector(1536)"),
        ("ALTER TABLE t ALTER COLUMN embedding TYPE vector(1536) USING NULL",),
    ],
)
def test_a_dimension_change_is_undone_with_all_embeddings(
    database: Database, connect: Connect, tmp_path: Path, change: tuple[str, ...]
) -> None:
    undoing = Undoing(database, connect, tmp_path / "run")
    undoing.run(*VERSIONS, *EMBEDDED)
    before = undoing.connection.execute(EMBEDDINGS).fetchall()
    undoing.migrate("DROP INDEX ix", *change, INDEX)
    new = "(SELECT array_agg(i::real) FROM generate_series(1, 1536) i)::vector"
    undoing.run("INSERT INTO t (id, a) VALUES (900, 'new')", f"UPDATE t SET embedding = {new} WHERE id = 7")
    done = undoing.undo()
    after: dict[int, str | None] = dict(undoing.connection.execute(EMBEDDINGS).fetchall())
    assert after == {**dict(before), 7: None, 900: None}
    (note,) = done.notes
    assert note.startswith(
        "1 row has a value that the old type of embedding cannot hold: they wait in public.t.embedding_"
    )
    assert [each.key for each in done.first] == [{"id": "7"}]


@pytest.mark.pgvector
def test_restore_over_newer_values_leaves_nothing_aside(database: Database, connect: Connect, tmp_path: Path) -> None:
    undoing = Undoing(database, connect, tmp_path / "run")
    undoing.run(*VERSIONS, *EMBEDDED)
    before = undoing.connection.execute(EMBEDDINGS).fetchall()
    undoing.migrate(
        "DROP INDEX ix", "ALTER TABLE t ALTER COLUMN embedding TYPE vector(3) USING '[1,2,3]'::vector", INDEX
    )
    undoing.run("UPDATE t SET embedding = '[3,2,1]' WHERE id = 7")
    done = undoing.undo("restore")
    assert undoing.connection.execute(EMBEDDINGS).fetchall() == before
    assert (done.counts.restored, done.counts.conflicting, done.notes) == (59, 1, ())
    assert undoing.shape() == undoing.schema

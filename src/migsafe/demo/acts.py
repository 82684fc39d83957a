"""The four releases, each through the command line, each held to what it says."""

import msgspec

from migsafe.demo.database import Counts, Mark, count, embed, mark
from migsafe.demo.narration import chapter, tell
from migsafe.demo.project import release
from migsafe.demo.scene import Scene, proven, refused
from migsafe.demo.shell import migsafe
from migsafe.demo.surprise import expect, surprise
from migsafe.demo.traffic import enter

NAIVE, SAFE = "0004_history_index_naive.py", "0004_history_index_safe.py"
SMALLER = "0006_smaller_embeddings.py"
NEW_MODEL = "the new model has 1024 dimensions, every message is embedded again"


def source_tracking(scene: Scene) -> None:
    """Three columns that PostgreSQL adds without touching a row."""
    console = scene.shell.console
    chapter(console, "1. Source tracking")
    tell(
        console,
        "Revision 0002 adds three columns to chat_sources. Nothing stands against it: it is backed up, run and proven.",
    )
    release(scene.shell.folder, "0002_source_tracking.py")
    enter(scene.log, "0002 source tracking")
    migsafe(scene.shell, "upgrade", "0002", "--yes")
    proven(scene, "0002")


def embeddings(scene: Scene) -> None:
    """An extension, a nullable column, an index built beside the writers; then the application's own backfill."""
    console = scene.shell.console
    chapter(console, "2. Embeddings")
    tell(
        console,
        "Revision 0003 installs pgvector, adds a nullable vector(1536) to chat_messages and builds its HNSW index with",
        "CONCURRENTLY, in an autocommit block: outside of any transaction, so that writers go on.",
    )
    release(scene.shell.folder, "0003_embeddings.py")
    enter(scene.log, "0003 embeddings")
    migsafe(scene.shell, "upgrade", "0003", "--yes")
    proven(scene, "0003")
    tell(console, f"A job of the application now embeds the first {scene.size.embeddings:,} messages, in batches.")
    enter(scene.log, "backfill of embeddings")
    embed(scene.database, scene.size)
    expect("embedded messages", count(scene.database).embeddings, scene.size.embeddings)


def history(scene: Scene) -> None:
    """The naive form is refused; the safe form of the same revision passes."""
    console, shell = scene.shell.console, scene.shell
    chapter(console, "3. An index and a foreign key")
    tell(
        console,
        "Revision 0004, as it was first written, builds an index and checks a foreign key while nobody can write.",
        "(It is there because every look at a user's history reads the whole table: see the median below.)",
    )
    release(shell.folder, NAIVE)
    enter(scene.log, "0004 naive: refused")
    migsafe(shell, "upgrade", "0004", "--yes", exits=1)
    naive = (
        ("create-index-not-concurrently", NAIVE, "op.create_index"),
        ("add-foreign-key-validated", NAIVE, "op.create_foreign_key"),
    )
    refused(scene, "0003", naive)
    tell(
        console,
        "The team does what the findings say: the index with CONCURRENTLY in an autocommit block, the foreign key as",
        "NOT VALID, and its validation in a revision of its own, 0005.",
    )
    release(shell.folder, SAFE, "0005_validate_sources.py", instead_of=NAIVE)
    enter(scene.log, "0004 safe, 0005")
    migsafe(shell, "upgrade", "0005", "--yes")
    proven(scene, "0005")


class Taken(msgspec.Struct, frozen=True):
    """What was counted before the last release, and after it: of the rows that were there at the moment `until`."""

    until: Mark
    before: Counts
    after: Counts
    restore_sh: str


def smaller_embeddings(scene: Scene) -> Taken:
    """Another dimension deletes every embedding: refused until somebody says why that is right."""
    console, shell = scene.shell.console, scene.shell
    chapter(console, "4. Another embedding dimension")
    tell(console, "Revision 0006 changes the dimension from 1536 to 1024. No stored embedding survives that.")
    release(shell.folder, SMALLER)
    enter(scene.log, "0006: refused")
    migsafe(shell, "upgrade", "0006", "--yes", exits=1)
    refused(scene, "0005", [("drop-column", SMALLER, "op.drop_column")])
    until = mark(scene.database)
    before = count(scene.database, until)
    expect("embeddings before", before.embeddings, scene.size.embeddings)
    tell(console, "It is meant so. Who says so, says why; the reason is kept in the report. The dump comes first.")
    enter(scene.log, "0006 other dimension")
    words = ("upgrade", "0006", "--yes", "--allow", "drop-column", "--because")
    migsafe(shell, *words, NEW_MODEL, typed=f'migsafe {" ".join(words)} "{NEW_MODEL}"')
    report = proven(scene, "0006")
    expect(
        "excuses in the report", [(each.name, each.because) for each in report.excuses], [("drop-column", NEW_MODEL)]
    )
    after = count(scene.database, until)
    expect("embeddings after", after.embeddings, 0)
    script = report.undo.restore_sh if report.undo else None
    return Taken(until, before, after, script or surprise("no restore.sh was written"))

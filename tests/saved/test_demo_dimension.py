"""The demo's last release, another embedding dimension, undone by `migsafe restore` alone."""

from pathlib import Path

import pytest

from fix_migsafe import Migsafe
from fix_postgres import Connect
from migsafe.demo import database as chat
from migsafe.demo import project
from migsafe.postgres.connection import Database

RELEASES = (
    "0001_chat.py",
    "0002_source_tracking.py",
    "0003_embeddings.py",
    "0004_history_index_safe.py",
    "0005_validate_sources.py",
)
ALLOWED = ("--yes", "--backup", "none", "--allow", "drop-column", "--because", "the new model")


@pytest.mark.servers
@pytest.mark.pgvector
def test_every_embedding_of_the_demo_is_back(
    database: Database, migsafe: Migsafe, connect: Connect, tmp_path: Path
) -> None:
    folder, size = tmp_path / "chat", chat.sized(6_000)
    project.make(folder, database)
    project.release(folder, *RELEASES)
    project.alembic(folder, "upgrade", "0001")
    chat.fill(database, size)
    project.alembic(folder, "upgrade", "0005")
    chat.embed(database, size)
    before = chat.count(database)
    assert before.embeddings == 60
    project.release(folder, "0006_smaller_embeddings.py")
    done = migsafe(folder, "upgrade", "0006", *ALLOWED)
    assert done.returncode == 0, done.stdout + done.stderr
    assert chat.count(database).embeddings == 0
    until = chat.mark(database)
    connect().execute("INSERT INTO chat_messages (user_id, role, content) VALUES (1, 'user', 'written since')")
    restored = migsafe(folder, "restore --yes")
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert chat.count(database, until) == before
    assert chat.version(database) == "0005"
    assert connect().execute("SELECT count(*) FROM chat_messages WHERE content = 'written since'").fetchone() == (1,)
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_chat_messages_embedding'::regclass"
    assert connect().execute(valid).fetchone() == (True,)

"""Proofs where they are used: at the end of `migsafe upgrade`, and in `migsafe verify last` some time later."""

from pathlib import Path
from typing import Any

import pytest

from fix_alembic import Environment
from fix_migsafe import Migsafe, last_report
from fix_postgres import Connect
from fix_stories import write_revision
from migsafe.demo.project import make, release
from migsafe.postgres.connection import Database

# What nothing can be derived from, story by story: statements that only change rows in ways of their own.
UNKNOWN: dict[str, list[str]] = {
    "generic": [],
    "autocommit": [],
    "kwargs": [],
}


def answers(folder: Path, *statuses: str) -> list[str]:
    after: list[dict[str, Any]] = last_report(folder)["after"]
    return [f"{each['check']} {each['subject']}: {each['message']}" for each in after if each["status"] in statuses]


@pytest.mark.parametrize("story", UNKNOWN)
def test_what_a_story_does_is_proven_and_nothing_is_left_unknown_that_could_be_known(
    story: str, environment: Environment, database: Database, migsafe: Migsafe
) -> None:
    folder = environment(story, database)

    done = migsafe(folder, "upgrade head --yes --backup none")

    assert done.returncode == 0, done.stdout + done.stderr
    assert answers(folder, "blocked") == []
    assert answers(folder, "unknown") == UNKNOWN[story]
    assert len(answers(folder, "passed")) > 3


@pytest.mark.pgvector
def test_what_the_demo_does_is_proven_and_nothing_is_left_unknown(
    tmp_path: Path, database: Database, migsafe: Migsafe
) -> None:
    folder = tmp_path / "chat"
    make(folder, database)
    release(folder, "0001_chat.py", "0002_source_tracking.py", "0003_embeddings.py")
    release(folder, "0004_history_index_safe.py", "0005_validate_sources.py")

    done = migsafe(folder, "upgrade head --yes --backup none")

    assert done.returncode == 0, done.stdout + done.stderr
    assert answers(folder, "blocked", "unknown") == []
    proven = " ".join(answers(folder, "passed"))
    assert "valid hnsw index on public.chat_messages (embedding)" in proven
    assert "vector(1536), nullable" in proven


VIEW = 'op.execute("CREATE VIEW paid AS SELECT o.id FROM orders o WHERE o.is_paid")'
POLICY = 'op.execute("CREATE POLICY mine ON orders TO CURRENT_USER USING (is_paid)")'


def test_what_is_changed_behind_the_back_of_a_run_is_found_later_also_where_nothing_said_how_it_should_be(
    environment: Environment, database: Database, migsafe: Migsafe, connect: Connect
) -> None:
    folder = environment("generic", database)
    head = sorted((folder / "migrations" / "versions").glob("*.py"))[-1].read_text()
    revision = head.split("revision: str = '")[1].split("'")[0]
    write_revision(folder, "f00000000001", revision, f"{VIEW}\n{POLICY}")
    done = migsafe(folder, "upgrade head --yes --backup none")
    assert done.returncode == 0, done.stdout + done.stderr
    again = migsafe(folder, "verify last")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "policy-unchanged" in again.stdout

    connect().execute("ALTER POLICY mine ON orders TO PUBLIC")
    connect().execute("CREATE OR REPLACE VIEW paid AS SELECT o.id FROM orders o WHERE NOT o.is_paid")
    later = migsafe(folder, "verify last")

    assert later.returncode == 5, later.stdout + later.stderr
    said = " ".join(later.stdout.split())
    assert "policy public.orders.mine: expected as it was when the run ended: permissive policy for all to" in said
    assert "relation public.paid: expected view of the query that was written" in said
    run = sorted((folder / ".migsafe" / "runs").iterdir())[-1]
    assert (run / "baseline.json").stat().st_mode & 0o777 == 0o600


MODELS = """import sqlalchemy as sa
target_metadata = sa.MetaData()
sa.Table("orders", target_metadata, sa.Column("id", sa.BigInteger(), primary_key=True), {columns})
"""


def test_only_a_drift_of_the_models_that_is_new_is_a_finding(
    environment: Environment, database: Database, migsafe: Migsafe
) -> None:
    folder = environment("generic", database)
    file = folder / "migrations" / "env.py"
    text = file.read_text()
    file.write_text(text.replace("target_metadata = None", MODELS.format(columns='sa.Column("never", sa.Text())')))

    first = migsafe(folder, "upgrade head --yes --backup none")

    assert first.returncode == 0, first.stdout + first.stderr
    (drift,) = [each for each in last_report(folder)["after"] if each["check"] == "model-drift"]
    assert drift["status"] == "warned"
    assert "remove table" in drift["message"]
    assert "never" in drift["message"]

    off = folder / "migsafe.toml"
    off.write_text("model_drift = false\n")
    down = migsafe(folder, "downgrade -1 --yes --backup none")
    assert down.returncode == 0, down.stdout + down.stderr
    assert [each for each in last_report(folder)["after"] if each["check"] == "model-drift"] == []
    off.unlink()
    again = migsafe(folder, "upgrade head --yes --backup none")
    assert again.returncode == 0, again.stdout + again.stderr
    (drift,) = [each for each in last_report(folder)["after"] if each["check"] == "model-drift"]
    assert "never" not in drift["message"]

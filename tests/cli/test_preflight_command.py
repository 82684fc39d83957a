"""`migsafe preflight`, and a team's own checks from the settings to the report."""

from pathlib import Path

import pytest

from fix_alembic import Environment, Run
from fix_migsafe import Migsafe, last_report
from fix_postgres import Connect
from migsafe.postgres.connection import Database

REVISION = """
from alembic import op
import sqlalchemy as sa

revision = "f00000000001"
down_revision = "c05b3e86d7f1"

def upgrade():
    op.add_column("customers", sa.Column("note", sa.Text()))

def downgrade():
    op.drop_column("customers", "note")
"""
OWN = """
show_data = true

[[check]]
name = "workers-drained"
sql = "SELECT count(*) FROM jobs"
expect = "< 3"
remedy = "Stop the workers."

[[check]]
name = "application-answers"
phase = "after"
command = ["./answers"]
output = "ready"
"""


@pytest.fixture
def project(environment: Environment, database: Database, connect: Connect, alembic: Run) -> Path:
    """The generic story at its head, with one more revision to come and two checks of a team."""
    connect().execute("CREATE TABLE jobs (id int); INSERT INTO jobs SELECT generate_series(1, 4711)")
    folder = environment("generic", database)
    assert alembic(folder, "upgrade head").returncode == 0
    (folder / "migrations" / "versions" / "f00000000001_note.py").write_text(REVISION)
    (folder / "migsafe.toml").write_text(OWN)
    (folder / "answers").write_text("#!/bin/sh\necho ready\n")
    (folder / "answers").chmod(0o755)
    return folder


def test_a_check_of_the_team_refuses_and_ends_with_what_to_type(project: Path, migsafe: Migsafe) -> None:
    done = migsafe(project, "preflight --backup none --verbose")
    assert done.returncode == 1
    assert "workers-drained" in done.stdout
    assert "expected one value < 3, found 4711." in done.stdout
    assert "→ Stop the workers." in done.stdout
    assert "--skip workers-drained --because" in done.stdout.splitlines()[-1]
    hidden = migsafe(project, "preflight --backup none --no-data")
    assert "4711" not in hidden.stdout


def test_a_pipe_gets_one_line_a_group_of_what_passed(project: Path, migsafe: Migsafe) -> None:
    done = migsafe(project, "preflight --only pooler --only server-reachable-and-primary")
    assert done.returncode == 0
    assert "\n  server\n    passed   pooler, server-reachable-and-primary\n" in done.stdout
    assert "Nothing stands against it: 2 passed, 0 warned, 0 blocked, 0 unknown." in done.stdout
    assert "of preflight only pooler, server-reachable-and-primary was asked" in done.stdout
    assert "\x1b" not in done.stdout


def test_markdown_is_a_checklist_to_sign(project: Path, migsafe: Migsafe) -> None:
    done = migsafe(project, "preflight --backup none --format markdown")
    assert "- **blocked** `workers-drained`: " in done.stdout
    assert "- [ ] **own**: 0 passed, 0 warned, 1 blocked, 0 unknown. signed: ____" in done.stdout


def test_what_is_required_and_cannot_be_seen_refuses(project: Path, migsafe: Migsafe) -> None:
    (project / "migsafe.toml").write_text(
        '[[check]]\nname = "queue"\nredis = "redis://:${MIGSAFE_TEST_UNSET}@127.0.0.1"\n'
    )
    assert migsafe(project, "preflight --only queue").returncode == 0
    required = migsafe(project, "preflight --only queue --require queue")
    assert required.returncode == 1
    assert "required, so it refuses" in required.stdout
    assert "    migsafe preflight f00000000001 --require queue\n" in required.stdout


def test_checks_for_after_are_asked_by_upgrade_and_by_verify(project: Path, migsafe: Migsafe) -> None:
    words = ["upgrade", "head", "--yes", "--backup", "none", "--skip", "workers-drained", "--because", "night"]
    done = migsafe(project, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    after = {each["check"]: each["status"] for each in last_report(project)["after"]}
    assert after["application-answers"] == "passed"
    assert "workers-drained" not in after
    (project / "answers").write_text("#!/bin/sh\necho starting\n")
    again = migsafe(project, "verify last")
    assert again.returncode == 5
    assert "application-answers" in again.stdout


def test_a_replica_that_cannot_be_asked_does_not_show_its_password(project: Path, migsafe: Migsafe) -> None:
    url = "postgresql://app:hush-hush-hush@127.0.0.1:1/shop"
    done = migsafe(project, f"preflight --backup none --replica-url {url}")
    assert "hush-hush-hush" not in done.stdout + done.stderr

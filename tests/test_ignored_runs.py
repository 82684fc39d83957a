"""Ignore comments where it counts: in an upgrade, under the guard in env.py, and in lint over a database."""

from pathlib import Path

import pytest

from fix_alembic import Environment, Run
from fix_migsafe import Migsafe, last_report
from migsafe.postgres.connection import Database

NAIVE = "create-index-not-concurrently"
REVISION = f"""
from alembic import op

revision = "f00000000001"
down_revision = "c05b3e86d7f1"

def upgrade():
    # migsafe: ignore[{NAIVE}] a small table
    op.create_index("ix_customers_created_at", "customers", ["created_at"])

def downgrade():
    op.drop_index("ix_customers_created_at", "customers")  # migsafe: ignore[{NAIVE}] not asked here
"""


@pytest.fixture
def folder(environment: Environment, database: Database, alembic: Run) -> Path:
    """The generic story at its head, with one more revision whose finding a comment accepts."""
    made = environment("generic", database)
    assert alembic(made, "upgrade head").returncode == 0
    (made / "migrations" / "versions" / "f00000000001_index.py").write_text(REVISION)
    return made


def test_lint_and_upgrade_take_the_comment_and_the_report_keeps_the_reason(folder: Path, migsafe: Migsafe) -> None:
    linted = migsafe(folder, "lint")
    assert linted.returncode == 0, linted.stdout + linted.stderr
    assert f"accepted  {NAIVE}" in linted.stdout
    down = migsafe(folder, f"lint --downgrade --select {NAIVE} --select drop-index-not-concurrently")
    assert "drop-index-not-concurrently" in down.stdout
    done = migsafe(folder, "upgrade head --yes --backup none")
    assert done.returncode == 0, done.stdout + done.stderr
    reasons = {each["rule"]: each["ignored_because"] for each in last_report(folder)["findings"]}
    assert reasons[NAIVE] == "a small table"


def test_without_a_reason_the_upgrade_is_refused(folder: Path, migsafe: Migsafe) -> None:
    path = folder / "migrations" / "versions" / "f00000000001_index.py"
    path.write_text(REVISION.replace(" a small table", ""))
    # An empty table is no error by itself.
    (folder / "migsafe.toml").write_text(f'[lint.severity]\n{NAIVE} = "error"\n')
    done = migsafe(folder, "upgrade head --yes --backup none")
    assert done.returncode == 1
    assert "gives no reason, so it accepts nothing" in done.stdout


def test_the_guard_takes_the_comment(folder: Path, alembic: Run) -> None:
    env = folder / "migrations" / "env.py"
    first = "from alembic import context\n"
    env.write_text(env.read_text().replace(first, f"{first}import migsafe\nmigsafe.guard(context)\n", 1))
    done = alembic(folder, "upgrade head")
    assert done.returncode == 0, done.stderr
    reasons = {each["rule"]: each["ignored_because"] for each in last_report(folder)["findings"]}
    assert reasons[NAIVE] == "a small table"


def test_files_are_linted_over_the_database_of_url(folder: Path, migsafe: Migsafe, database: Database) -> None:
    path = "migrations/versions/f00000000001_index.py"
    done = migsafe(folder, "lint", path, "--url", database.url("psycopg2"))
    assert f"accepted  {NAIVE}" in done.stdout, done.stdout + done.stderr
    earlier = sorted((folder / "migrations" / "versions").glob("c05b3e86d7f1*"))[0]
    done = migsafe(folder, "lint", str(earlier), "--url", database.url("psycopg2"))
    assert "c05b3e86d7f1 is in the database of --url already" in done.stderr

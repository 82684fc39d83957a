"""`migsafe.guard(context)` at the top of env.py, and plain `alembic upgrade` under it."""

from pathlib import Path

import pytest

from fix_alembic import Environment, Run
from fix_migsafe import Migsafe, last_report
from fix_postgres import Connect
from migsafe.postgres.connection import Database

pytestmark = pytest.mark.alembic_matrix

NAIVE = """
from alembic import op

revision = "f00000000001"
down_revision = "c05b3e86d7f1"

def upgrade():
    op.create_index("ix_customers_created_at", "customers", ["created_at"])

def downgrade():
    op.drop_index("ix_customers_created_at", "customers")
"""
SAFE = NAIVE.replace(
    '    op.create_index("ix_customers_created_at", "customers", ["created_at"])',
    "    with op.get_context().autocommit_block():\n"
    '        op.create_index("ix_customers_created_at", "customers", ["created_at"], postgresql_concurrently=True)',
)


@pytest.fixture
def guarded(environment: Environment, database: Database, alembic: Run, connect: Connect) -> Path:
    """The generic story at its head, with the guard put into its env.py, and one more revision to be written.

    How large its tables are nobody knows: they have rows, and were never analysed.
    """
    folder = environment("generic", database)
    assert alembic(folder, "upgrade head").returncode == 0
    connect().execute("INSERT INTO customers (email) VALUES ('a@example.com')")
    env = folder / "migrations" / "env.py"
    text = env.read_text()
    assert "from alembic import context\n" in text
    env.write_text(
        text.replace(
            "from alembic import context\n", "from alembic import context\nimport migsafe\nmigsafe.guard(context)\n", 1
        )
    )
    return folder


def write_revision(folder: Path, text: str) -> None:
    (folder / "migrations" / "versions" / "f00000000001_index.py").write_text(text)


def test_plain_alembic_refuses_the_naive_revision_and_changes_nothing(
    guarded: Path, alembic: Run, connect: Connect
) -> None:
    write_revision(guarded, NAIVE)
    done = alembic(guarded, "upgrade head")
    assert done.returncode != 0
    assert "create-index-not-concurrently" in done.stderr
    assert "f00000000001_index.py:8" in done.stderr
    assert '-x "migsafe.allow=create-index-not-concurrently: because …" upgrade ' in done.stderr
    assert "Traceback" not in done.stderr
    assert connect().execute("SELECT version_num FROM alembic_version").fetchall() == [("c05b3e86d7f1",)]
    assert connect().execute("SELECT to_regclass('ix_customers_created_at')").fetchone() == (None,)


def test_plain_alembic_passes_the_safe_revision_and_proves_it(guarded: Path, alembic: Run, connect: Connect) -> None:
    write_revision(guarded, SAFE)
    done = alembic(guarded, "upgrade head")
    assert done.returncode == 0, done.stderr
    report = last_report(guarded)
    assert report["outcome"] == "done"
    assert {each["check"] for each in report["after"]} >= {"index-there", "version-table"}
    assert connect().execute("SELECT version_num FROM alembic_version").fetchall() == [("f00000000001",)]


def test_a_finding_is_accepted_with_a_reason_given_to_alembic(guarded: Path, alembic: Run, python: Run) -> None:
    write_revision(guarded, NAIVE)
    x = "migsafe.allow=create-index-not-concurrently: small"
    code = f"from alembic.config import main; main(argv=['-x', {x!r}, 'upgrade', 'head'])"
    done = python(guarded, "-c", code)
    assert done.returncode == 0, done.stderr
    accepted = [each for each in last_report(guarded)["findings"] if each["ignored_because"] == "small"]
    assert [each["rule"] for each in accepted] == ["create-index-not-concurrently"]


def test_warn_says_and_goes_on_and_off_says_nothing(guarded: Path, alembic: Run) -> None:
    write_revision(guarded, NAIVE)
    (guarded / "migsafe.toml").write_text('guard = "off"\n')
    off = alembic(guarded, "upgrade head", "downgrade -1")
    assert (off.returncode, "create-index-not-concurrently" in off.stderr) == (0, False)
    # Before 18 CREATE INDEX counts the rows, and the table is known to be small from then on.
    (guarded / "migsafe.toml").write_text('guard = "warn"\n[lint]\nsmall_rows = 0\n')
    warned = alembic(guarded, "upgrade head")
    assert (warned.returncode, "create-index-not-concurrently" in warned.stderr) == (0, True)


def test_commands_that_run_no_revision_are_left_alone(guarded: Path, alembic: Run) -> None:
    done = alembic(guarded, "current", "history", "stamp base", "stamp head")
    assert done.returncode == 0, done.stderr
    assert not (guarded / ".migsafe").exists()


def test_a_wrong_setting_is_one_line_and_only_where_revisions_run(guarded: Path, alembic: Run) -> None:
    (guarded / "migsafe.toml").write_text('guadr = "off"\n')
    assert alembic(guarded, "current").returncode == 0
    done = alembic(guarded, "upgrade head")
    assert done.returncode != 0
    assert "unknown key guadr. Did you mean guard?" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_failing_revision_is_alembics_own_error_and_leaves_a_report(guarded: Path, alembic: Run) -> None:
    write_revision(guarded, SAFE.replace('"created_at"', '"no_such_column"'))
    done = alembic(guarded, "upgrade head")
    assert done.returncode != 0
    assert "no_such_column" in done.stderr
    assert last_report(guarded)["outcome"] in ("failed", "partial")


def test_the_guard_stays_out_of_the_way_of_migsafe_upgrade(guarded: Path, migsafe: Migsafe) -> None:
    write_revision(guarded, SAFE)
    done = migsafe(guarded, "upgrade head --yes --backup none")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((guarded / ".migsafe" / "runs").iterdir())) == 1


def test_a_tenant_that_is_refused_or_fails_comes_with_those_that_are_migrated_already(
    environment: Environment, database: Database, alembic: Run, migsafe: Migsafe, connect: Connect
) -> None:
    folder = environment("tenants", database)
    connect().execute("CREATE TABLE tenants (schema text); INSERT INTO tenants VALUES ('ape'), ('bee')")
    assert migsafe(folder, "upgrade head --yes --backup none").returncode == 0
    connect().execute("INSERT INTO bee.orders SELECT generate_series(1, 3); ANALYZE bee.orders")
    (folder / "migsafe.toml").write_text("[lint]\nsmall_rows = 2\n")
    env = folder / "migrations" / "env.py"
    env.write_text(f"from alembic import context\nimport migsafe\nmigsafe.guard(context)\n{env.read_text()}")
    naive = NAIVE.replace("c05b3e86d7f1", "e2e2e2e2e2e2").replace('"customers", ["created_at"]', '"orders", ["id"]')
    before = "a round of env.py before this one had been migrated by then (ape.alembic_version of "
    write_revision(folder, naive)
    refused = alembic(folder, "upgrade head")
    said = " ".join((refused.stdout + refused.stderr).split())
    assert refused.returncode != 0
    assert f"Refused by 1 finding: nothing was changed in this round, but {before}" in said
    assert "Nothing was changed." not in said
    assert alembic(folder, "downgrade e2e2e2e2e2e2").returncode == 0
    line = naive[naive.index("    op.create_index") : naive.index("\n\ndef downgrade")]
    write_revision(folder, naive.replace(line, '    op.execute("SELECT 1 / (count(*) - 3) FROM orders")'))
    failed = " ".join(alembic(folder, "upgrade head").stderr.split())
    assert "division by zero" in failed
    assert f"migsafe: {before}" in failed
    assert "`migsafe upgrade` plans every round before the first" in failed

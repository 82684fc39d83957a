"""What an operator types wrongly, or meets at night: one message, what to do, the right exit code, nothing changed."""

from pathlib import Path

import pytest

from fix_alembic import Environment, Run
from fix_migsafe import Migsafe, last_report
from fix_postgres import Connect, Role
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


@pytest.fixture
def project(environment: Environment, database: Database, alembic: Run) -> Path:
    """The generic story at its head, with one more revision to come."""
    folder = environment("generic", database)
    assert alembic(folder, "upgrade head").returncode == 0
    (folder / "migrations" / "versions" / "f00000000001_note.py").write_text(REVISION)
    return folder


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("upgrade c05b3e86d7f1:head --yes", "c05b3e86d7f1:head is a range"),
        ("-n shop status", "alembic.ini has no section [shop]; there is alembic"),
        ("upgrade head --url sqlite:///shop.db", "--url: sqlite is not PostgreSQL"),
        ("upgrade head --url nonsense", "--url: The database URL is neither a URL nor"),
        ("upgrade head --url postgresql://app:se@cret@db/shop", "The password in the database URL holds an @"),
    ],
)
def test_wrong_words_are_one_message_and_what_to_write(
    words: str, message: str, project: Path, migsafe: Migsafe
) -> None:
    done = migsafe(project, words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 2
    assert "cret" not in done.stdout + done.stderr


def test_a_url_of_the_environment_is_named_as_such(project: Path, migsafe: Migsafe) -> None:
    done = migsafe(project, "lint", DATABASE_URL="mysql://u:p@db/shop")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        "migsafe: DATABASE_URL: mysql is not PostgreSQL, and migsafe knows no other database",
    )


def test_a_wrong_password_comes_with_its_remedy(project: Path, migsafe: Migsafe, role: Role) -> None:
    wrong = role(asks_password=True).replace(host="127.0.0.1", password="not-the-one")
    done = migsafe(project, "upgrade", "head", "--yes", "--url", wrong.url())
    assert done.returncode == 2
    assert "Check PGPASSWORD, ~/.pgpass or the URL" in done.stderr
    assert "not-the-one" not in done.stderr


def test_a_revision_that_the_scripts_do_not_know_is_never_nothing_to_do(
    project: Path, migsafe: Migsafe, connect: Connect
) -> None:
    connect().execute("UPDATE alembic_version SET version_num = 'elsewhere'")
    for words in ("lint", "preview"):
        done = migsafe(project, words)
        assert (done.returncode, "elsewhere, which these scripts do not have" in done.stderr) == (2, True)
    refused = migsafe(project, "upgrade head --yes")
    assert refused.returncode == 1
    assert refused.stdout.endswith("\n    migsafe upgrade head\n")
    skipped = migsafe(project, "upgrade head --yes --skip heads --because why")
    assert (skipped.returncode, "--skip heads: " in skipped.stderr) == (2, True)


def test_what_to_type_next_means_the_same_environment_and_database(
    project: Path, database: Database, migsafe: Migsafe
) -> None:
    words = ["-c", "alembic.ini", "-x", "tenant=a b", "upgrade", "+1", "--dry-run", "--url", database.url()]
    done = migsafe(project, *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("\n    migsafe -c alembic.ini -x 'tenant=a b' upgrade f00000000001 --url '…'\n")


def test_verify_asks_for_the_last_run_that_arrived(project: Path, migsafe: Migsafe) -> None:
    assert migsafe(project, "upgrade head --yes --backup none").returncode == 0
    assert migsafe(project, "downgrade -1 --dry-run").returncode == 0
    again = migsafe(project, "verify")
    assert again.returncode == 0, again.stdout + again.stderr
    newest, arrived = sorted(path.name for path in (project / ".migsafe" / "runs").iterdir())[::-1]
    planned = migsafe(project, f"verify {newest}")
    assert (planned.returncode, "did not arrive (dry-run)" in planned.stderr) == (2, True)
    (project / ".migsafe" / "runs" / arrived / "proofs.json").write_text("junk")
    damaged = migsafe(project, "verify")
    assert (damaged.returncode, "proofs.json of this run is damaged" in damaged.stderr) == (2, True)


def test_a_backup_that_cannot_be_written_leaves_nothing(project: Path, migsafe: Migsafe, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    done = migsafe(project, "backup", "--to", str(tmp_path / "taken"))
    assert done.returncode == 3
    assert "taken cannot be used: File exists" in done.stderr
    missing = migsafe(project, "backup", MIGSAFE_PG_BIN=str(tmp_path))
    assert missing.returncode == 2
    assert list((project / ".migsafe" / "runs").iterdir()) == []


def test_quiet_still_says_what_it_came_to(project: Path, migsafe: Migsafe) -> None:
    done = migsafe(project, "-q upgrade head --yes --backup none")
    assert done.stdout.startswith("\nDone: database ")
    assert "Preflight" not in done.stdout


def test_a_failure_is_said_once(project: Path, migsafe: Migsafe) -> None:
    path = project / "migrations" / "versions" / "f00000000001_note.py"
    path.write_text(
        REVISION.replace('op.add_column("customers", sa.Column("note", sa.Text()))', 'op.execute("SELECT 1/0")')
    )
    last = migsafe(project, "upgrade head --yes --backup none").stdout.split("\n\n")[-1]
    assert last.count("division by zero") == last.count("22012") == 1
    assert last.count("f00000000001_note.py:9") == 1


def test_a_log_on_a_full_disk_does_not_stop_the_run(project: Path, migsafe: Migsafe, python: Run) -> None:
    code = (
        "import os, sys; os.dup2(os.open('/dev/full', os.O_WRONLY), 1);"
        "from migsafe.cli import main; main(['upgrade', 'head', '--yes', '--backup', 'none'])"
    )
    done = python(project, "-c", code)
    assert (done.returncode, done.stderr) == (
        0,
        "migsafe: standard output could not be written to its end: No space left on device\n",
    )
    assert last_report(project)["outcome"] == "done"

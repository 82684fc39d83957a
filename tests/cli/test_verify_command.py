"""`migsafe verify`: what revisions declare, asked after the upgrade and whenever somebody wants to know."""

import json
from pathlib import Path

import pytest

from fix_alembic import Environment, Run
from fix_migsafe import Migsafe, last_report
from fix_postgres import Connect
from fix_stories import write_revision
from migsafe.postgres.connection import Database

HEAD = "c05b3e86d7f1"
NAMES = """

def verify(check):
    check.value("SELECT count(*) FROM customers", equals=0, name="nobody yet")
    check.no_rows("SELECT 1 FROM customers WHERE name IS NULL")
"""


@pytest.fixture
def project(environment: Environment, database: Database, alembic: Run) -> Path:
    """The generic story at its head, with one pending revision that declares two things, and a file that does."""
    folder = environment("generic", database)
    assert alembic(folder, "upgrade head").returncode == 0
    path = write_revision(folder, "f01", HEAD, 'op.add_column("customers", sa.Column("name", sa.Text()))')
    path.write_text(path.read_text() + NAMES, encoding="utf-8")
    (folder / "migrations" / "verify").mkdir()
    (folder / "migrations" / "verify" / f"{HEAD}.sql").write_text("SELECT count(*) >= 0 FROM customers;\n")
    return folder


def test_what_a_revision_declares_is_asked_after_its_upgrade_and_again(
    project: Path, migsafe: Migsafe, connect: Connect
) -> None:
    assert migsafe(project, "upgrade head --yes --backup none").returncode == 0
    after = [each for each in last_report(project)["after"] if each["check"] == "declared"]
    assert [(each["status"], Path(each["subject"]).name) for each in after] == [
        ("passed", "f01_written.py:19"),
        ("passed", "f01_written.py:20"),
    ]
    again = json.loads(migsafe(project, "verify --format json").stdout)
    assert [each["status"] for each in again["after"] if each["check"] == "declared"] == ["passed"] * 2
    everything = json.loads(migsafe(project, "verify all --format json").stdout)
    assert [Path(each["subject"]).name for each in everything["after"]] == [
        f"{HEAD}.sql:1",
        "f01_written.py:19",
        "f01_written.py:20",
    ]

    connect().execute("INSERT INTO customers (email) VALUES ('a@b.c')")
    failed = migsafe(project, "verify f01")
    assert failed.returncode == 5
    assert "nobody yet: SELECT count(*) FROM customers: expected one value == 0, found 1." in " ".join(
        failed.stdout.split()
    )


def test_an_upgrade_whose_revision_declares_what_is_not_so_ends_unverified(project: Path, migsafe: Migsafe) -> None:
    path = write_revision(project, "f02", "f01", "pass")
    path.write_text(path.read_text() + '\n\ndef verify(check):\n    check.rows("SELECT 1 FROM customers")\n')
    done = migsafe(project, "upgrade head --yes --backup none")
    assert done.returncode == 5
    assert "expected at least 1 rows, found no rows" in " ".join(done.stdout.split())


def test_a_revision_that_the_database_does_not_have_is_wrong_usage(project: Path, migsafe: Migsafe) -> None:
    done = migsafe(project, "verify f01")
    assert (done.returncode, "revision f01 is not in this database" in done.stderr) == (2, True)
    unknown = migsafe(project, "verify nothing")
    assert (unknown.returncode, "nothing" in unknown.stderr) == (2, True)


def test_a_watch_gives_a_verdict_of_all_rounds(project: Path, migsafe: Migsafe, connect: Connect) -> None:
    done = migsafe(project, f"verify {HEAD} --watch 400ms --every 100ms --format json")
    assert done.returncode == 0, done.stderr
    (verdict,) = json.loads(done.stdout)["after"]
    assert verdict["status"] == "passed"
    assert "rounds in" in verdict["message"]

    connect().execute("ALTER TABLE customers RENAME TO clients")
    failed = migsafe(project, f"verify {HEAD} --watch 1h --every 10ms")
    assert failed.returncode == 5
    assert "3 of 3 rounds" in " ".join(failed.stdout.split())


def test_every_without_watch_is_wrong_usage(project: Path, migsafe: Migsafe) -> None:
    assert migsafe(project, "verify --every 5s").returncode == 2

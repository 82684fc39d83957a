"""The straight line through the command line: what is refused, what is said, and which exit code comes of it."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fix_alembic import Environment, Run
from fix_migsafe import Migsafe, last_report
from fix_postgres import VERSION, Connect
from migsafe.postgres.connection import Database

HEAD = "c05b3e86d7f1"


def revision(folder: Path, body: str, *, number: int = 1, down: str = HEAD, undo: str = "pass") -> str:
    """Write one more revision; returns its id."""
    name = f"f{number:011d}"
    lines = "\n    ".join(body.splitlines())
    text = (
        "from alembic import op\nimport sqlalchemy as sa\n\n"
        f'revision = "{name}"\ndown_revision = "{down}"\n\n\n'
        f"def upgrade():\n    {lines}\n\n\ndef downgrade():\n    {undo}\n"
    )
    (folder / "migrations" / "versions" / f"{name}.py").write_text(text)
    return name


@pytest.fixture
def project(environment: Environment, database: Database, alembic: Run, connect: Connect) -> Path:
    """The generic story at its head, with rows, and without anything pending."""
    folder = environment("generic", database)
    assert alembic(folder, "upgrade head").returncode == 0
    connect().execute("INSERT INTO customers (email) SELECT 'c' || g || '@example.org' FROM generate_series(1, 50) g")
    return folder


def version(connect: Connect) -> str:
    row = connect().execute("SELECT version_num FROM alembic_version").fetchone()
    assert row is not None
    return str(row[0])


def test_a_blocking_index_is_refused_with_its_line_and_nothing_is_changed(
    project: Path, migsafe: Migsafe, connect: Connect
) -> None:
    revision(project, 'op.create_index("ix_naive", "customers", ["created_at"])')
    done = migsafe(project, "upgrade head --yes")
    assert done.returncode == 1
    assert "create-index-not-concurrently" in done.stdout
    assert "f00000000001.py:9" in done.stdout
    assert version(connect) == HEAD
    report = last_report(project)
    assert (report["outcome"], report["steps"], report["backup"]) == ("refused", [], None)


def test_an_accepted_finding_is_recorded_with_its_reason(project: Path, migsafe: Migsafe, connect: Connect) -> None:
    name = revision(
        project, 'op.create_index("ix_naive", "customers", ["created_at"])', undo='op.drop_index("ix_naive")'
    )
    words = ["upgrade", "head", "--yes", "--allow", "create-index-not-concurrently", "--because", "fifty rows"]
    done = migsafe(project, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert version(connect) == name
    assert [each["because"] for each in last_report(project)["excuses"]] == ["fifty rows"]


def test_a_failed_check_refuses_until_it_is_skipped_with_a_reason(
    project: Path, migsafe: Migsafe, connect: Connect
) -> None:
    revision(project, 'op.add_column("customers", sa.Column("name", sa.Text()))')
    (project / "migsafe.toml").write_text('required_env = ["MIGSAFE_TEST_TOKEN"]\n')
    refused = migsafe(project, "upgrade head --yes")
    assert refused.returncode == 1
    assert "MIGSAFE_TEST_TOKEN" in refused.stdout
    skipped = migsafe(project, "upgrade", "head", "--yes", "--skip", "required-env", "--because", "not used here")
    assert skipped.returncode == 0, skipped.stdout + skipped.stderr


def test_a_dry_run_stops_before_the_backup(project: Path, migsafe: Migsafe, connect: Connect) -> None:
    revision(project, 'op.add_column("customers", sa.Column("name", sa.Text()))')
    done = migsafe(project, "upgrade head --dry-run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert version(connect) == HEAD
    directory = Path(last_report(project)["directory"])
    assert (directory / "preview.sql").exists()
    assert not (directory / "backup").exists()


def test_without_a_terminal_and_without_yes_nothing_is_done(project: Path, migsafe: Migsafe, connect: Connect) -> None:
    revision(project, 'op.add_column("customers", sa.Column("name", sa.Text()))')
    done = migsafe(project, "upgrade head")
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert version(connect) == HEAD


def test_a_lock_that_is_not_to_be_had_ends_with_75_and_names_who_holds_it(
    project: Path, migsafe: Migsafe, connect: Connect
) -> None:
    revision(project, 'op.add_column("customers", sa.Column("name", sa.Text()))')
    report = connect(autocommit=False, application_name="monthly report")
    report.execute("SELECT count(*) FROM customers")
    done = migsafe(project, "upgrade head --yes --backup none --lock-timeout 100ms --deadline 3s")
    assert done.returncode == 75, done.stdout + done.stderr
    assert "monthly report" in done.stdout
    assert str(report.info.backend_pid) in done.stdout
    assert version(connect) == HEAD


def test_a_failing_revision_leaves_the_database_as_before(project: Path, migsafe: Migsafe, connect: Connect) -> None:
    revision(project, 'op.add_column("customers", sa.Column("name", sa.Text()))\nop.execute("SELECT 1 / 0")')
    done = migsafe(project, "upgrade head --yes --backup none")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "division by zero" in done.stdout
    assert "f00000000001.py:10" in done.stdout
    assert version(connect) == HEAD


def test_a_failure_in_the_second_revision_keeps_the_first_and_ends_with_4(
    project: Path, migsafe: Migsafe, connect: Connect
) -> None:
    first = revision(project, 'op.add_column("customers", sa.Column("name", sa.Text()))')
    revision(project, 'op.execute("SELECT 1 / 0")', number=2, down=first)
    done = migsafe(project, "upgrade head --yes --backup none")
    assert done.returncode == 4, done.stdout + done.stderr
    assert version(connect) == first


def test_a_verification_that_fails_ends_with_5_and_prints_the_way_back(
    project: Path, migsafe: Migsafe, connect: Connect
) -> None:
    body = 'op.add_column("customers", sa.Column("name", sa.Text()))\nop.verify("SELECT count(*) = 0 FROM customers")'
    name = revision(project, body, undo='op.drop_column("customers", "name")')
    done = migsafe(project, "upgrade head --yes --backup none")
    assert done.returncode == 5, done.stdout + done.stderr
    assert f"migsafe downgrade {HEAD}" in done.stdout
    assert version(connect) == name


def test_an_extension_that_the_server_lacks_is_refused_before_anything_runs(
    project: Path, migsafe: Migsafe, connect: Connect
) -> None:
    revision(project, 'op.execute("CREATE EXTENSION timescaledb")')
    done = migsafe(project, "upgrade head --yes")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "timescaledb is not on this server" in done.stdout
    assert f"timescaledb-2-postgresql-{VERSION}" in done.stdout
    assert version(connect) == HEAD


@pytest.mark.pgvector
def test_an_extension_that_is_too_old_for_the_plan_is_refused_before_anything_runs(
    project: Path, migsafe: Migsafe, connect: Connect
) -> None:
    (project / "migsafe.toml").write_text('[extensions]\nvector = "99.0"\n')
    revision(project, 'op.execute("CREATE EXTENSION vector")')
    done = migsafe(project, "upgrade head --yes")
    assert done.returncode == 1, done.stdout + done.stderr
    said = " ".join(done.stdout.split())
    assert re.search(r"The server offers vector [\d.]+; 99.0 is needed", said), said
    assert version(connect) == HEAD


def test_a_missing_pg_dump_is_refused_before_anything_runs(project: Path, migsafe: Migsafe, connect: Connect) -> None:
    revision(project, 'op.add_column("customers", sa.Column("name", sa.Text()))')
    done = migsafe(project, "upgrade head --yes", MIGSAFE_PG_BIN=str(project))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "pg_dump" in done.stdout
    assert version(connect) == HEAD


def test_a_run_that_was_killed_is_carried_on_by_the_next_which_says_what_it_found(
    project: Path, migsafe: Migsafe, connect: Connect
) -> None:
    name = revision(
        project,
        'op.add_column("customers", sa.Column("name", sa.Text()))\n'
        "with op.get_context().autocommit_block():\n"
        '    op.create_index("ix_name", "customers", ["name"], postgresql_concurrently=True)',
    )
    old = connect()
    old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    old.execute("SELECT count(*) FROM orders")
    code = "from migsafe.cli import main; main()"
    words = ["upgrade", "head", "--yes", "--backup", "none"]
    run = subprocess.Popen(
        [sys.executable, "-c", code, *words], cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    building = "SELECT count(*) FROM pg_stat_progress_create_index"
    watch = connect()
    for _ in range(600):
        row = watch.execute(building).fetchone()
        if row and row[0]:
            break
        time.sleep(0.05)
    os.kill(run.pid, signal.SIGKILL)
    run.communicate()
    old.execute("ROLLBACK")
    for _ in range(200):
        row = watch.execute(building).fetchone()
        if row and not row[0]:
            break
        time.sleep(0.05)
    assert version(connect) == HEAD
    again = migsafe(project, *words)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "an earlier run" in again.stdout
    assert f"in revision {name}" in again.stdout
    assert version(connect) == name
    valid = watch.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_name'::regclass").fetchone()
    assert valid == (True,)
    assert watch.execute("SELECT to_regclass('migsafe_progress')").fetchone() == (None,)


@pytest.mark.parametrize("format", ["json", "markdown"])
def test_the_report_is_printed_alone_in_another_format(format: str, project: Path, migsafe: Migsafe) -> None:
    revision(project, 'op.add_column("customers", sa.Column("name", sa.Text()))')
    done = migsafe(project, f"upgrade head --yes --backup none --format {format}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("{" if format == "json" else "# upgrade")


def test_a_second_runner_waits_for_the_first_and_then_finds_nothing_to_do(
    project: Path, migsafe: Migsafe, connect: Connect, database: Database
) -> None:
    from migsafe.postgres import advisory

    revision(project, 'op.add_column("customers", sa.Column("name", sa.Text()))')
    first = connect(application_name="the first runner")
    first.execute("SELECT pg_advisory_lock(%s)", (advisory.key(database.dbname, "public.alembic_version"),))
    done = migsafe(project, "upgrade head --yes --backup none --deadline 2s")
    assert done.returncode == 75, done.stdout + done.stderr
    assert "the first runner" in done.stdout + done.stderr
    assert version(connect) == HEAD


def test_sigterm_ends_a_run_like_ctrl_c_and_says_so(project: Path, connect: Connect) -> None:
    revision(project, 'op.execute("SELECT pg_sleep(60)")')
    words = ["upgrade", "head", "--yes", "--backup", "none"]
    run = subprocess.Popen(
        [sys.executable, "-c", "from migsafe.cli import main; main()", *words],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    watch = connect()
    for _ in range(600):
        row = watch.execute("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%'").fetchone()
        if row and row[0] > 0:
            break
        time.sleep(0.05)
    run.terminate()
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 130, output
    assert "nterrupted" in output
    assert version(connect) == HEAD
    assert last_report(project)["outcome"] == "interrupted"

"""`migsafe stats` writes what `migsafe lint --stats` reads where there is no database."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fix_alembic import Environment
from fix_migsafe import Migsafe
from fix_postgres import Connect
from migsafe import cli
from migsafe.postgres.connection import Database

TABLES = (
    "CREATE TABLE customers (id int); CREATE TABLE orders AS SELECT g AS id, g AS customer_id, 9 AS amount"
    " FROM generate_series(1, 40) g; ANALYZE"
)


def test_the_file_has_one_relation_a_line_and_lint_reads_it(
    environment: Environment, database: Database, connect: Connect, migsafe: Migsafe
) -> None:
    folder = environment("generic", database)
    connect().execute(TABLES)
    done = migsafe(folder, "stats")
    assert done.returncode == 0, done.stderr
    assert "Wrote migsafe-stats.json: 2 relations." in done.stdout
    text = (folder / "migsafe-stats.json").read_text()
    assert [line.strip()[:26] for line in text.splitlines() if "public." in line] == [
        '{"name": "public.customers',
        '{"name": "public.orders", ',
    ]
    assert list(json.loads(text))[-1] == "relations"
    assert migsafe(folder, "stats", "--url", database.url(None), "-o", "-").stdout.count("\n") == text.count("\n")
    before = migsafe(folder, "lint base:head --format json")
    after = migsafe(folder, "lint base:head --format json --stats migsafe-stats.json")
    (folder / "migsafe.toml").write_text('[lint]\nstats = "migsafe-stats.json"\n')
    configured = migsafe(folder, "lint base:head --format json")
    assert after.stdout == configured.stdout
    assert (before.returncode, after.returncode) == (1, 0)


def written(folder: Path, content: str) -> Path:
    path = folder / "stats.json"
    path.write_text(content)
    return path


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "truncated"),
        ('{"version": 1}', "missing required field"),
        ('{"version": 1, "server_version": "18", "written": "yesterday"}', "'yesterday' is no time"),
        ('{"version": 2, "server_version": "18", "written": "2026-01-01T00:00:00Z"}', "version 2"),
    ],
)
def test_a_file_that_is_none_of_ours_is_one_sentence(
    content: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, content)
    (tmp_path / "a.sql").write_text("SELECT 1")
    with pytest.raises(SystemExit) as ended:
        cli.main(["lint", str(tmp_path / "a.sql"), "--stats", str(path)])
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert f"{path} is no file of `migsafe stats`" in said
    assert why in said
    assert f"migsafe stats -o {path}" in said


def test_an_old_file_is_said_to_be_old(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = (datetime.now(UTC) - timedelta(days=31)).isoformat(timespec="seconds")
    path = written(tmp_path, json.dumps({"version": 1, "server_version": "18", "written": old}))
    (tmp_path / "a.sql").write_text("SELECT 1")
    with pytest.raises(SystemExit):
        cli.main(["lint", str(tmp_path / "a.sql"), "--stats", str(path)])
    assert f"{path} is 31 days old" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_said(
    environment: Environment, database: Database, migsafe: Migsafe, tmp_path: Path
) -> None:
    folder = environment("generic", database)
    done = migsafe(folder, "stats", "-o", "nowhere/stats.json")
    assert done.returncode == 2
    assert "nowhere/stats.json cannot be written: No such file or directory" in done.stderr

"""`migsafe backup`, `migsafe restore --drill` and `migsafe restore --full`, as an operator types them."""

import json
from collections.abc import Callable

from fix_alembic import Environment, Run
from fix_migsafe import Migsafe
from fix_postgres import Connect
from fix_restore import scalar
from fix_way_back import dumped
from migsafe.postgres.connection import Database


def _said(text: str) -> str:
    return " ".join(text.split())


def test_a_backup_is_made_tried_out_and_restored(
    environment: Environment,
    database: Database,
    alembic: Run,
    migsafe: Migsafe,
    connect: Connect,
    create_database: Callable[[], Database],
) -> None:
    folder = environment("generic", database)
    assert alembic(folder, "upgrade head").returncode == 0
    (folder / "migsafe.toml").write_text('backup_files = ["alembic.ini", "migrations/script.py.mako"]\n')
    ini = folder / "alembic.ini"
    ini.write_text(ini.read_text() + "\n[app]\nsecret_key = dj4ng0-s3cret\n")
    made = migsafe(folder, "backup")
    assert made.returncode == 0, made.stderr
    assert "not in it: alembic.ini is not in the backup: line " in _said(made.stdout)
    (run,) = (folder / ".migsafe" / "runs").iterdir()
    assert f"migsafe restore --drill .migsafe/runs/{run.name}" in _said(made.stdout).replace(str(folder) + "/", "")
    assert (run / "backup" / "files" / "migrations" / "script.py.mako").is_file()
    tried = migsafe(folder, "restore", "--drill", "last", "--to", database.url(), "--checksum", "*")
    assert tried.returncode == 0, tried.stdout + tried.stderr
    assert "0 differences" in _said(tried.stdout)
    before = dumped(database)
    there = create_database()
    unasked = migsafe(folder, "restore", "--full", run.name, "--to", there.url())
    assert (unasked.returncode, unasked.stderr.splitlines()[-1]) == (2, "Pass --yes to go on without being asked.")
    looked = migsafe(folder, "restore", "--full", run.name, "--to", there.url(), "--yes", "--dry-run")
    assert (looked.returncode, looked.stdout.splitlines()[-1]) == (0, "Dry run: nothing was changed.")
    assert scalar(connect(there), "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == 0
    done = migsafe(folder, "restore", "--full", run.name, "--to", there.url(), "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert dumped(there) == before
    as_json = migsafe(folder, "restore", "--drill", run.name, "--to", database.url(), "--format", "json")
    assert json.loads(as_json.stdout)["differences"] == [], as_json.stderr
    assert migsafe(folder, "restore", "--drill", "last", "--dry-run").returncode == 2
    refused = migsafe(folder, "restore", "--full", "last", "--overwrite", "another", "--yes")
    assert refused.returncode == 1
    assert f"{database.dbname} is not empty" in _said(refused.stderr)
    assert "nothing was changed" in _said(refused.stderr)
    assert f"--overwrite {database.dbname}" in _said(refused.stderr)
    connect().execute("UPDATE alembic_version SET version_num = 'lost'")
    again = migsafe(folder, "restore", "--full", "last", "--overwrite", database.dbname, "--yes")
    assert again.returncode == 0, again.stdout + again.stderr
    assert dumped(database) == before
    assert scalar(connect(), "SELECT count(*) FROM alembic_version WHERE version_num = 'lost'") == 0

"""restore.sh brings schema and rows back in one transaction, or into a new database, and touches nothing else."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from fix_postgres import VERSION, Connect, Role
from fix_restore import Migrated, Restore, run, scalar
from fix_way_back import HISTORY, dumped
from migsafe.postgres.connection import Database


def test_everything_is_as_before_the_migration(
    shop: Database, connect: Connect, migrated: Migrated, restore: Restore
) -> None:
    before = dumped(shop)
    script = migrated()
    assert stat.S_IMODE(script.stat().st_mode) == 0o700
    assert dumped(shop) != before
    done = restore("--yes")
    assert done.returncode == 0, done.stderr
    assert dumped(shop) == before
    assert "Restored: 4 tables, 82 rows, counted. Alembic is at r0 (expected: r0)." in done.stdout
    connection = connect()
    assert scalar(connection, "SELECT nextval('users_id_seq')") == 41
    assert scalar(connection, "SELECT nextval('tickets')") == 778
    assert scalar(connection, "SELECT convert_from(lo_get(4711), 'UTF8')") == "a large object"
    assert scalar(connection, "SELECT count(*) FROM pg_extension WHERE extname IN ('cube', 'citext')") == 1
    assert scalar(connection, "SELECT to_regnamespace('reporting') IS NULL") is True


@pytest.mark.pgvector
def test_embeddings_come_back_in_their_old_dimension(
    database: Database, connect: Connect, migrated: Migrated, restore: Restore
) -> None:
    statements = (
        HISTORY,
        "INSERT INTO alembic_version VALUES ('r0')",
        "CREATE EXTENSION vector",
        "CREATE TABLE messages (id int, embedding vector(3))",
        "CREATE INDEX ON messages USING hnsw (embedding vector_cosine_ops)",
        "INSERT INTO messages SELECT n, '[1,2,3]' FROM generate_series(1, 40) n",
    )
    run(connect(), statements)
    before = dumped(database)
    migrated(("ALTER TABLE messages DROP COLUMN embedding", "ALTER TABLE messages ADD COLUMN embedding vector(2)"))
    done = restore("--yes")
    assert done.returncode == 0, done.stderr
    assert dumped(database) == before


def test_it_can_be_restored_twice_and_when_nothing_happened(
    shop: Database, migrated: Migrated, restore: Restore
) -> None:
    before = dumped(shop)
    migrated(())
    for _ in range(2):
        done = restore("--yes")
        assert done.returncode == 0, done.stderr
        assert dumped(shop) == before


def test_it_shows_what_will_be_dropped_and_what_stays(
    shop: Database, connect: Connect, migrated: Migrated, restore: Restore
) -> None:
    migrated()
    connect().execute("CREATE TABLE somebody_elses (id int)")
    held = dumped(shop)
    done = restore("--show")
    assert done.returncode == 0
    dropped, stays = done.stderr.split("Neither in the backup nor made by the migration; stays")
    for label in ("table public.audit", "schema reporting", "type public.colour", "extension citext"):
        assert f"  {label}\n" in dropped
    assert "  table public.somebody_elses\n" in stays
    assert f"Overwrite {shop.dbname} on " in dropped
    assert f"PostgreSQL {VERSION}, taken 20" in dropped
    assert dumped(shop) == held


def test_what_somebody_else_made_stays(shop: Database, connect: Connect, migrated: Migrated, restore: Restore) -> None:
    migrated()
    run(connect(), ("CREATE TABLE somebody_elses (id int)", "INSERT INTO somebody_elses VALUES (1)"))
    done = restore("--yes")
    assert done.returncode == 0, done.stderr
    assert scalar(connect(), "SELECT count(*) FROM somebody_elses") == 1


def test_with_drop_new_the_database_is_what_the_backupscalar(
    shop: Database, connect: Connect, migrated: Migrated, restore: Restore
) -> None:
    before = dumped(shop)
    migrated(())
    statements = (
        "CREATE TABLE elses (id int REFERENCES users)",
        "CREATE SCHEMA theirs",
        "CREATE TABLE theirs.more (id int)",
        "ALTER TABLE users RENAME TO people",
        "CREATE EXTENSION hstore",
    )
    run(connect(), statements)
    done = restore("--yes", "--drop-new")
    assert done.returncode == 0, done.stderr
    assert dumped(shop) == before


def test_the_owner_restores_who_may_not_create_extensions_or_schemas(
    database: Database, connect: Connect, role: Role, migrated: Migrated, restore: Restore
) -> None:
    owner = role("owner")
    name = owner.parameters["user"]
    run(
        connect(),
        (
            "CREATE EXTENSION cube",
            "CREATE SCHEMA app",
            f'GRANT USAGE, CREATE ON SCHEMA app, public TO "{name}"',
            "COMMENT ON SCHEMA app IS 'the superuser''s'",
        ),
    )
    as_owner = (HISTORY, "INSERT INTO alembic_version VALUES ('r0')", "CREATE TABLE app.a (id serial, e cube)")
    run(connect(owner), as_owner)
    before = dumped(database)
    migrated(("ALTER TABLE app.a ADD COLUMN more cube", "CREATE TABLE app.b (id int)"), owner)
    done = restore("--yes", to=owner)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    assert dumped(database) == before


def test_a_new_database_gets_everything_and_the_old_one_stays(
    shop: Database, migrated: Migrated, restore: Restore, new_name: str
) -> None:
    before = dumped(shop)
    migrated()
    held = dumped(shop)
    done = restore("--yes", "--new-database", new_name, "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert dumped(shop.replace(dbname=new_name)) == before
    assert dumped(shop) == held
    assert f'ALTER DATABASE "{new_name}" RENAME TO "{shop.dbname}"' in done.stdout
    again = restore("--yes", "--new-database", new_name)
    assert again.returncode == 3
    assert "could not be made" in again.stderr


def test_a_url_as_argument_stands_for_the_environment(
    shop: Database, migrated: Migrated, restore: Restore, new_name: str
) -> None:
    before = dumped(shop)
    migrated()
    known = shop.replace(host="127.0.0.1").parameters
    url = f"postgresql://{known['user']}@127.0.0.1:{known['port']}/{known['dbname']}?application_name=x"
    done = restore(url, "--yes", "--new-database", new_name, to=Database({}))
    assert done.returncode == 0, done.stderr
    assert dumped(shop.replace(dbname=new_name)) == before
    assert restore(url, "--yes", to=Database({})).returncode == 0
    assert dumped(shop) == before


def test_bash_runs_it_too_and_help_says_how(shop: Database, migrated: Migrated, tmp_path: Path) -> None:
    script = migrated(())
    done = subprocess.run(["bash", str(script), "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Puts a PostgreSQL database back")
    assert "--new-database NAME" in done.stdout
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0
    assert subprocess.run(["sh", str(script), "--wrong"], capture_output=True, check=False).returncode == 2


def test_the_directory_can_be_moved(
    shop: Database, migrated: Migrated, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = dumped(shop)
    migrated()
    elsewhere = tmp_path_factory.mktemp("a place") / "run"
    tmp_path.rename(elsewhere)
    command = ["sh", str(elsewhere / "restore.sh"), "--yes"]
    done = subprocess.run(command, env=os.environ | shop.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert dumped(shop) == before
    elsewhere.rename(tmp_path)

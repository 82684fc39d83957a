"""A database with some of everything, a migration of it, and restore.sh run as an operator would run it."""

import hashlib
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from fix_postgres import VERSION, Connect, Connection
from fix_way_back import HISTORY, upgrade_plan
from migsafe.backup import back_up
from migsafe.backup.restore import write_restore_script
from migsafe.postgres.connection import Database

# Before 15 schema public belongs to whoever made the cluster, since then to pg_database_owner.
OWNS_PUBLIC = ("postgres",) if VERSION < 15 else ()

BEFORE = (
    HISTORY,
    "INSERT INTO alembic_version VALUES ('r0')",
    "CREATE EXTENSION cube",
    'CREATE SCHEMA "Sales dept"',
    "CREATE TYPE mood AS ENUM ('good', 'bad')",
    "CREATE DOMAIN positive AS int CHECK (value > 0)",
    "CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL, mood mood, best bigint)",
    """CREATE TABLE "Sales dept"."order lines" (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
           user_id int REFERENCES users, amount positive, place cube)""",
    'ALTER TABLE users ADD CONSTRAINT best_fk FOREIGN KEY (best) REFERENCES "Sales dept"."order lines"',
    "CREATE INDEX ix_name ON users (name)",
    "CREATE VIEW good_users AS SELECT id, name FROM users WHERE mood = 'good'",
    "CREATE MATERIALIZED VIEW counts AS SELECT mood, count(*) FROM users GROUP BY mood",
    "CREATE FUNCTION shout(u users) RETURNS text LANGUAGE sql AS 'SELECT upper(u.name)'",
    "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'",
    "CREATE TRIGGER touched BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch()",
    "CREATE TABLE events (id int, at date) PARTITION BY RANGE (at)",
    "CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')",
    "CREATE SEQUENCE tickets",
    "INSERT INTO users (name, mood) SELECT 'user ' || n, 'good' FROM generate_series(1, 40) n",
    """INSERT INTO "Sales dept"."order lines" (user_id, amount, place)
           SELECT n, n, '(1,2,3)' FROM generate_series(1, 40) n""",
    "INSERT INTO events VALUES (1, '2024-05-05')",
    "UPDATE users SET best = id",
    "REFRESH MATERIALIZED VIEW counts",
    "SELECT setval('tickets', 777)",
    "SELECT lo_from_bytea(4711, 'a large object')",
    "COMMENT ON TABLE users IS 'who''s who'",
)
UPGRADE = (
    "CREATE TYPE colour AS ENUM ('red', 'blue')",
    "ALTER TABLE users ADD COLUMN colour colour",
    "CREATE TABLE audit (id serial PRIMARY KEY, user_id int REFERENCES users, said positive)",
    "CREATE SCHEMA reporting",
    "CREATE TABLE reporting.daily (at date, user_id int REFERENCES users)",
    "CREATE VIEW audited AS SELECT a.id, u.name FROM audit a JOIN users u ON u.id = a.user_id",
    "ALTER TABLE users ADD COLUMN audit_id int REFERENCES audit",
    "CREATE INDEX CONCURRENTLY ix_mood ON users (mood)",
    "CREATE FUNCTION whisper(u users) RETURNS text LANGUAGE sql AS 'SELECT lower(u.name)'",
    'ALTER TABLE "Sales dept"."order lines" DROP COLUMN amount',
    'ALTER TABLE "Sales dept"."order lines" ALTER COLUMN place TYPE cube USING cube_subset(place, ARRAY[1, 2])',
    "ALTER TABLE events_2024 RENAME TO events_old",
    "DROP VIEW good_users",
    "CREATE TABLE good_users (id int)",
    "CREATE EXTENSION citext",
    "DROP SEQUENCE tickets",
    "DELETE FROM events",
    "ALTER TABLE users ADD CHECK (id > 0)",
    "ALTER TABLE users ALTER COLUMN id DROP DEFAULT",
    "UPDATE alembic_version SET version_num = 'r1'",
)

Migrated = Callable[..., Path]
Restore = Callable[..., subprocess.CompletedProcess[str]]


def run(connection: Connection, statements: Sequence[str]) -> None:
    for statement in statements:
        connection.execute(statement.encode())


@pytest.fixture
def migrated(database: Database, connect: Connect, tmp_path: Path) -> Migrated:
    """`migrated(statements, database=…)`: backed up, restore.sh written, and then migrated by these statements."""

    def migrate(statements: Sequence[str] = UPGRADE, to: Database = database) -> Path:
        connection = connect(to)
        backup = back_up(to, tmp_path, server_version=VERSION, heads=("r0",))
        plan = upgrade_plan(connection, statements)
        run(connection, statements)
        return write_restore_script(tmp_path, backup, plan)

    return migrate


@pytest.fixture
def shop(database: Database, connect: Connect) -> Database:
    run(connect(), BEFORE)
    return database


@pytest.fixture
def restore(database: Database, tmp_path: Path) -> Restore:
    """`restore(*arguments, database=…, answer=…, **environment)`: runs restore.sh."""

    def restored(
        *arguments: str, to: Database = database, answer: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        asked = {"MIGSAFE_ANSWER_FROM_STDIN": "1"} if answer else {}
        return subprocess.run(
            ["sh", str(tmp_path / "restore.sh"), *arguments],
            env=os.environ | to.environment() | asked | environment,
            input=answer,
            capture_output=True,
            text=True,
            check=False,
        )

    return restored


DAMAGES = ("cut", "changed", "missing", "extra")


def damage(backup: Path, how: str) -> str:
    """Damage a backup in one of the ways of DAMAGES; the name of the file that is not as it was."""
    data = next(file for file in sorted(backup.iterdir()) if re.fullmatch(r"\d+\.dat\.gz", file.name))
    content = bytearray(data.read_bytes())
    if how == "cut":
        data.write_bytes(content[:-1])
    elif how == "changed":
        content[len(content) // 2] ^= 1
        data.write_bytes(content)
    elif how == "missing":
        data.unlink()
    else:
        data = backup / "9999.dat"
        data.write_bytes(b"")
    return data.name


def sums(backup: Path, *names: str) -> None:
    """Write the checksums of these files anew, as somebody would who wants to deceive."""
    manifest = backup / "MANIFEST.sha256"
    for name in names:
        line = f"{hashlib.sha256((backup / name).read_bytes()).hexdigest()}  {name}"
        manifest.write_text(re.sub(rf"^\w+  {re.escape(name)}$", line, manifest.read_text(), flags=re.MULTILINE))


def scalar(connection: Connection, query: str) -> object:
    row = connection.execute(query.encode()).fetchone()
    return row[0] if row is not None else None


@pytest.fixture
def new_name(database: Database, connect: Connect) -> Iterator[str]:
    name = f"{database.dbname}_restored"
    yield name
    connect().execute(f'DROP DATABASE IF EXISTS "{name}"'.encode())

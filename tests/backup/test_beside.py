"""What lies beside a dump, and what is left of a backup that was killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fix_postgres import VERSION, Connect, Role
from fix_restore import run, scalar
from migsafe.backup import back_up
from migsafe.backup.dump import ZSTD, compression
from migsafe.backup.manifest import read_about, read_catalog
from migsafe.backup.read import check
from migsafe.backup.room import left_over, room
from migsafe.errors import BackupFailed, UsageError
from migsafe.going_back.restored import restore_full
from migsafe.postgres.binaries import find
from migsafe.postgres.connection import Database

INI = "[alembic]\nscript_location = migrations\nsqlalchemy.url = driver://user:pass@localhost/dbname\n"


@pytest.fixture
def users(database: Database, connect: Connect) -> Database:
    run(
        connect(), ("CREATE TABLE users (id serial PRIMARY KEY, at timestamptz)", "INSERT INTO users VALUES (1, now())")
    )
    return database


def test_rows_and_objects_on_record_are_those_of_the_moment_of_the_dump(
    users: Database, connect: Connect, create_database: Callable[[], Database], tmp_path: Path
) -> None:
    application = connect()
    done: list[str] = []

    def write_on(text: str, _: float | None) -> None:
        if text.startswith("dumping public.users") and not done:
            done.append(text)
            run(
                application,
                (
                    "INSERT INTO users SELECT n, now() FROM generate_series(2, 500) n",
                    "CREATE TABLE later (id int)",
                    "CREATE INDEX later_still ON users (at)",
                ),
            )

    back_up(users, tmp_path, server_version=VERSION, on_progress=write_on)
    assert done
    about = read_about(tmp_path / "backup")
    assert about.rows == {"public.users": 1}
    names = {name for _, name, _ in read_catalog(tmp_path / "backup")}
    assert "public.users_pkey" in names
    assert not {"public.later", "public.later_still"} & names
    restored = restore_full(tmp_path, create_database(), checksum=("*",)).comparison
    assert restored is not None
    assert restored.differences == ()


def test_roles_are_beside_the_dump_without_their_passwords(users: Database, role: Role, tmp_path: Path) -> None:
    name = role("app").parameters["user"]
    made = back_up(users, tmp_path, server_version=VERSION)
    globals_sql = (tmp_path / "backup" / "globals.sql").read_text()
    assert f"CREATE ROLE {name};" in globals_sql
    assert "PASSWORD" not in globals_sql
    assert "SCRAM" not in globals_sql
    assert made.notes == ()


def test_roles_that_could_not_be_saved_are_said_to_be_missing(
    users: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for program in ("pg_dump", "pg_restore"):
        (programs / program).symlink_to(find(program, VERSION))
    monkeypatch.setenv("MIGSAFE_PG_BIN", str(programs))
    made = back_up(users, tmp_path / "a", server_version=VERSION)
    assert made.notes[0].startswith("roles and tablespaces are not in it: pg_dumpall is not on this machine")
    (programs / "pg_dumpall").write_text(
        f"#!/bin/sh\n[ $1 = --version ] && echo 'pg_dumpall (PostgreSQL) {VERSION}.0' && exit\n"
        "echo 'pg_dumpall: error: query failed: ERROR:  permission denied for table pg_authid' >&2; exit 1\n"
    )
    (programs / "pg_dumpall").chmod(0o755)
    made = back_up(users, tmp_path / "b", server_version=VERSION)
    said = "roles and tablespaces are not in it: query failed: ERROR: permission denied for table pg_authid"
    assert made.notes == (said,)
    assert read_about(tmp_path / "b" / "backup").missing == (said,)
    assert not (tmp_path / "b" / "backup" / "globals.sql").exists()


def test_configuration_is_copied_and_secrets_are_left_out(users: Database, tmp_path: Path) -> None:
    root = tmp_path / "project"
    (root / "config").mkdir(parents=True)
    texts = {
        "alembic.ini": INI,
        ".env.example": "DATABASE_URL=postgresql://app:${PASSWORD}@db/shop\nSECRET_KEY=\nAPI_TOKEN=changeme\n",
        "config/app.toml": 'workers = 4\npassword = "%(env)s"\n',
        "url.ini": "[a]\nsqlalchemy.url = postgresql+psycopg://app:hunter22@db/shop\n",
        "config/.env": "DEBUG=1\nexport SECRET_KEY='dj4ng0-s3cret'\n",
        "key.pem": "-----BEGIN RSA PRIVATE KEY-----\n",
        "own.txt": "the password is Tr0ub4dor&3 here\n",
    }
    for name, text in texts.items():
        (root / name).write_text(text)
    database = users.replace(password="Tr0ub4dor&3")
    made = back_up(database, tmp_path / "run", server_version=VERSION, files=tuple(texts), root=root)
    assert made.notes == (
        "url.ini is not in the backup: line 2 looks like a URL with a password; keep it where secrets are kept",
        "config/.env is not in the backup: line 2 looks like a secret; keep it where secrets are kept",
        "key.pem is not in the backup: line 1 looks like a private key; keep it where secrets are kept",
        "own.txt is not in the backup: it holds the password of this database; keep it where secrets are kept",
    )
    files = tmp_path / "run" / "backup" / "files"
    copied = sorted(str(path.relative_to(files)) for path in files.rglob("*") if path.is_file())
    assert copied == [".env.example", "alembic.ini", "config/app.toml"]
    assert (files / "alembic.ini").read_text() == INI
    assert {path.stat().st_mode & 0o777 for path in files.rglob("*")} == {0o600, 0o700}
    assert check(tmp_path / "run" / "backup") == ()
    assert json.loads((tmp_path / "run" / "backup" / "backup.json").read_text())["missing"] == list(made.notes)
    (files / "alembic.ini").write_text(INI + "#")
    assert "files/alembic.ini has" in check(tmp_path / "run" / "backup")[0]


@pytest.mark.parametrize(
    ("name", "said"),
    [("gone.ini", "No such file"), ("../x", "is not below"), ("/etc/passwd", "is not below"), ("folder", "is no file")],
)
def test_a_file_that_cannot_be_copied_is_wrong_configuration(
    users: Database, tmp_path: Path, name: str, said: str
) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match=said):
        back_up(users, tmp_path / "run", server_version=VERSION, files=(name,), root=tmp_path)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ('could not create directory "/nonexistent/migsafe": No such file or directory', (ZSTD,)),
        ("invalid compression specification: this build does not support compression with ZSTD", ()),
        ('invalid value "zstd" for option -Z/--compress', ()),
    ],
)
def test_zstd_is_taken_where_pg_dump_was_built_with_it(tmp_path: Path, says: str, expected: tuple[str, ...]) -> None:
    """What pg_dump 18 with and without zstd, and 15, print."""
    program = tmp_path / "pg_dump"
    program.write_text(f"#!/bin/sh\necho 'pg_dump: error: {says}' >&2\nexit 1\n")
    program.chmod(0o755)
    assert compression(program) == expected


def test_kill_9_leaves_nothing_that_looks_like_a_backup(users: Database, connect: Connect, tmp_path: Path) -> None:
    holder = connect(autocommit=False)
    holder.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
    code = (
        "import sys; from pathlib import Path; from migsafe.backup import back_up\n"
        "from migsafe.postgres.connection import Database\n"
        f"back_up(Database.from_url(sys.argv[1]), Path(sys.argv[2]), server_version={VERSION}, lock_timeout=600)"
    )
    directory = tmp_path / "runs" / "one"
    process = subprocess.Popen([sys.executable, "-c", code, users.url(), str(directory)], env=dict(os.environ))
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'users'::regclass"
    connection = connect()
    _until(lambda: scalar(connection, waiting) == 1)
    assert left_over(tmp_path / "runs") == ()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert [path.name for path in directory.iterdir()] == ["backup.partial"]
    assert left_over(tmp_path / "runs") == (directory / "backup.partial",)
    holder.rollback()
    # The pg_dump that was left alone ends with its next word: nobody hears it.
    sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'migsafe backup'"
    _until(lambda: scalar(connection, sessions) == 0)
    assert back_up(users, directory, server_version=VERSION).kind == "dump"
    assert [path.name for path in directory.iterdir()] == ["backup"]
    assert left_over(tmp_path / "runs") == ()


def test_two_backups_are_not_made_in_one_folder(users: Database, tmp_path: Path) -> None:
    with room(tmp_path), pytest.raises(BackupFailed, match="another process makes a backup in"):
        back_up(users, tmp_path, server_version=VERSION)
    assert list(tmp_path.iterdir()) == []


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)

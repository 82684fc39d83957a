"""A backup is whole, private and readable, or there is none and the message says why."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import pytest

from fix_postgres import VERSION, Connect, Role
from migsafe.backup import back_up
from migsafe.backup.dump import begun_with, condensed
from migsafe.backup.read import check, read_in_full
from migsafe.errors import BackupFailed, ToolMissing
from migsafe.model.report import Backup
from migsafe.postgres.binaries import find
from migsafe.postgres.connection import Database

SHOP = """
    CREATE TABLE users (id serial PRIMARY KEY, name text);
    CREATE TABLE "odd; name" (id int);
    INSERT INTO users (name) SELECT 'user ' || n FROM generate_series(1, 1000) n;
    INSERT INTO "odd; name" VALUES (1), (2);
    CREATE FUNCTION trap() RETURNS text LANGUAGE plpgsql AS '
BEGIN
COPY users FROM stdin;
END';
"""


@pytest.fixture
def shop(database: Database, connect: Connect) -> Database:
    connect().execute(SHOP)
    return database


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_backup_says_what_it_holds_and_only_its_owner_reads_it(shop: Database, tmp_path: Path) -> None:
    told: list[tuple[str, float | None]] = []
    backup = back_up(
        shop,
        tmp_path / "run",
        server_version=VERSION,
        jobs=2,
        heads=("r0",),
        table_sizes={"public.users": 8192, "public.odd; name": 8192},
        on_progress=lambda text, part: told.append((text, part)),
    )
    path = tmp_path / "run" / "backup"
    assert backup.kind == "dump"
    assert backup.path == str(path)
    assert backup.verified is not None
    assert backup.verified.endswith("checksums compared, read to its end by pg_restore: 2 tables, 1,002 rows")
    assert {_mode(path), _mode(path.parent)} == {0o700}
    assert {_mode(file) for file in path.iterdir()} == {0o600}
    about = json.loads((path / "backup.json").read_text())
    assert about["rows"] == {"public.users": 1000, "public.odd; name": 2}
    assert (about["server_version"], about["heads"], about["database"]) == (VERSION, ["r0"], shop.dbname)
    assert about["system_identifier"].isdigit()
    assert backup.bytes == sum(file.stat().st_size for file in path.iterdir() if file.name != "MANIFEST.sha256")
    assert any(text.startswith("dumping public.users") for text, _ in told)
    assert all(part is None or 0 <= part <= 1 for _, part in told)
    assert [entry.name for entry in path.parent.iterdir()] == ["backup"]


@pytest.mark.parametrize("pieces", ["pg_dump: {}", "pg_dump: pg_dump: {}", "pg_dump:pg_dump: {}", " {}", "{}"])
def test_a_table_is_named_however_the_workers_of_pg_dump_interleave_their_lines(pieces: str) -> None:
    line = pieces.format('dumping contents of table "public.odd; name"\n')
    assert begun_with(line) == "public.odd; name"


def test_sha256sum_agrees_with_the_manifest(shop: Database, tmp_path: Path) -> None:
    back_up(shop, tmp_path, server_version=VERSION)
    command = ["sha256sum", "--strict", "-c", "MANIFEST.sha256"]
    done = subprocess.run(command, cwd=tmp_path / "backup", capture_output=True, check=False)
    assert done.returncode == 0


def test_the_password_is_in_no_file_and_not_in_the_arguments(
    shop: Database, connect: Connect, role: Role, tmp_path: Path
) -> None:
    reader = role("reader", "IN ROLE pg_read_all_data", asks_password=True).replace(host="127.0.0.1")
    back_up(reader, tmp_path, server_version=VERSION)
    secret = reader.parameters["password"].encode()
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert files
    assert not any(secret in file.read_bytes() for file in files)


def _damaged(path: Path, how: str) -> str:
    data = next(file for file in sorted(path.iterdir()) if file.suffix == ".gz" and file.stat().st_size > 1000)
    content = bytearray(data.read_bytes())
    if how == "cut":
        data.write_bytes(content[:-1])
    elif how == "changed":
        content[len(content) // 2] ^= 1
        data.write_bytes(content)
    elif how == "missing":
        data.unlink()
    return data.name


@pytest.fixture
def backup(shop: Database, tmp_path: Path) -> Path:
    made = back_up(shop, tmp_path / "run", server_version=VERSION)
    assert made.path is not None
    assert check(Path(made.path)) == ()
    return Path(made.path)


def test_damage_is_found_and_the_file_is_named(backup: Path, tmp_path: Path) -> None:
    said = {
        "cut": "{name} has {less:,} bytes instead of {size:,}",
        "changed": "{name} is not what was written: its SHA-256 differs from MANIFEST.sha256",
        "missing": "{name} is missing",
    }
    for how, message in said.items():
        copy = shutil.copytree(backup, tmp_path / how)
        name = _damaged(copy, how)
        size = (backup / name).stat().st_size
        assert check(copy) == (message.format(name=name, size=size, less=size - 1),)
        assert (read_in_full(copy) is None) is False


def test_a_wrong_manifest_is_found(backup: Path) -> None:
    manifest = backup / "MANIFEST.sha256"
    good = manifest.read_text()
    manifest.write_text(good + "nonsense\n")
    assert check(backup)[0].startswith("MANIFEST.sha256 is not usable: line ")
    manifest.write_text("")
    assert check(backup) == ("MANIFEST.sha256 is not usable: it is empty",)
    manifest.write_text("\n".join(line for line in good.splitlines() if "toc.dat" not in line))
    assert check(backup) == ("toc.dat is not in MANIFEST.sha256",)
    manifest.unlink()
    assert check(backup) == ("MANIFEST.sha256 is missing",)
    assert check(backup / "nowhere")[0].endswith("is not a directory")


def test_a_backup_is_never_replaced(shop: Database, backup: Path) -> None:
    with pytest.raises(BackupFailed, match="exists already"):
        back_up(shop, backup.parent, server_version=VERSION)
    assert check(backup) == ()


def test_the_rest_of_a_killed_run_is_no_obstacle(shop: Database, tmp_path: Path) -> None:
    (tmp_path / "backup.partial").mkdir()
    (tmp_path / "backup.partial" / "toc.dat").write_bytes(b"half")
    assert back_up(shop, tmp_path, server_version=VERSION).kind == "dump"


def test_a_table_that_may_not_be_read_is_named_with_the_grant(shop: Database, role: Role, tmp_path: Path) -> None:
    stranger = role("stranger")
    with pytest.raises(BackupFailed, match=r"permission denied for (table|sequence)") as failure:
        back_up(stranger, tmp_path, server_version=VERSION)
    assert failure.value.remedy is not None
    assert failure.value.remedy.startswith(f'GRANT pg_read_all_data TO "{stranger.parameters["user"]}"')
    assert "LOCK TABLE" not in failure.value.message
    assert list(tmp_path.iterdir()) == []


def test_rows_hidden_by_row_level_security_are_no_backup(
    shop: Database, connect: Connect, role: Role, tmp_path: Path
) -> None:
    reader = role("reader", "IN ROLE pg_read_all_data")
    connect().execute("ALTER TABLE users ENABLE ROW LEVEL SECURITY")
    with pytest.raises(BackupFailed, match="row-level security") as failure:
        back_up(reader, tmp_path, server_version=VERSION)
    assert failure.value.remedy is not None
    assert "BYPASSRLS" in failure.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_it_does_not_wait_for_ever_behind_a_lock(shop: Database, connect: Connect, tmp_path: Path) -> None:
    holder = connect(autocommit=False)
    holder.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
    with pytest.raises(BackupFailed, match="a table is locked by another session"):
        back_up(shop, tmp_path, server_version=VERSION, lock_timeout=0.2)
    assert list(tmp_path.iterdir()) == []


def test_without_pg_dump_nothing_runs(shop: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIGSAFE_PG_BIN", str(tmp_path))
    with pytest.raises(ToolMissing, match="pg_dump is not on this machine"):
        back_up(shop, tmp_path / "run", server_version=VERSION)
    assert not (tmp_path / "run").exists()


def test_an_old_pg_dump_is_refused(shop: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 13.1'\n")
    old.chmod(0o755)
    monkeypatch.setenv("MIGSAFE_PG_BIN", str(tmp_path))
    with pytest.raises(ToolMissing, match=rf"pg_dump 13\.1 at .* is older than the server, {VERSION}"):
        back_up(shop, tmp_path / "run", server_version=VERSION)


def test_too_little_space_is_refused_before_the_dump(shop: Database, tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match=r"bytes free, and the backup may need 9,000,000,000,000,000"):
        back_up(shop, tmp_path, server_version=VERSION, table_sizes={"public.users": 9 * 10**15})
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_made_is_named(shop: Database, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BackupFailed, match="file/run cannot be used: Not a directory"):
        back_up(shop, tmp_path / "file" / "run", server_version=VERSION)


def test_ctrl_c_ends_pg_dump_and_leaves_nothing(shop: Database, connect: Connect, tmp_path: Path) -> None:
    holder = connect(autocommit=False)
    holder.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
    code = (
        "import sys; from pathlib import Path; from migsafe.backup import back_up\n"
        "from migsafe.postgres.connection import Database\n"
        "back_up(Database({'host': sys.argv[1], 'port': sys.argv[2], 'user': sys.argv[3], 'dbname': sys.argv[4]}),"
        f" Path(sys.argv[5]), server_version={VERSION})"
    )
    known = shop.parameters
    arguments = [known["host"], known["port"], known["user"], known["dbname"], str(tmp_path / "run")]
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], stderr=subprocess.PIPE)
    sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'migsafe backup'"
    waiting = f"{sessions} AND wait_event_type = 'Lock'"
    connection = connect()
    _until(lambda: connection.execute(waiting.encode()).fetchone() == (1,))
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) != 0
    assert process.stderr is not None
    process.stderr.close()
    assert list((tmp_path / "run").iterdir()) == []
    _until(lambda: connection.execute(sessions.encode()).fetchone() == (0,))


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_every_format_of_pg_dump_is_read_to_its_end(shop: Database, tmp_path: Path) -> None:
    program, environment = str(find("pg_dump", VERSION)), os.environ | shop.environment()
    for form in ("custom", "plain", "tar", "directory"):
        path = tmp_path / form
        subprocess.run([program, f"--format={form}", f"--file={path}"], env=environment, check=True)
        assert read_in_full(path) is None
        if path.is_file():
            content = path.read_bytes()
            path.write_bytes(content[: len(content) // 2])
            assert read_in_full(path) is not None, form
    subprocess.run(["gzip", "-k", str(tmp_path / "plain")], check=True)
    assert read_in_full(tmp_path / "plain.gz") is not None


def test_a_compressed_plain_dump_and_one_of_pg_dumpall_are_read(shop: Database, tmp_path: Path) -> None:
    environment = os.environ | shop.environment()
    for name in ("pg_dump", "pg_dumpall"):
        extra = ["--database=" + shop.dbname] if name == "pg_dumpall" else []
        path = tmp_path / name
        subprocess.run([str(find(name, VERSION)), *extra, f"--file={path}"], env=environment, check=True)
        assert read_in_full(path) is None
        subprocess.run(["gzip", str(path)], check=True)
        packed = tmp_path / f"{name}.gz"
        assert read_in_full(packed) is None
        packed.write_bytes(packed.read_bytes()[:-20])
        assert read_in_full(packed) is not None


def test_what_is_no_dump_is_no_backup(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "text").write_bytes(b"SELECT 1;\n")
    (tmp_path / "packed").write_bytes(b"\x28\xb5\x2f\xfd rest")
    assert read_in_full(tmp_path / "empty") == "empty is empty"
    assert read_in_full(tmp_path / "text") is not None
    assert "zstd -d" in (read_in_full(tmp_path / "packed") or "")
    assert read_in_full(tmp_path / "nowhere") == "nowhere cannot be read: No such file or directory"
    assert "toc.dat" in (read_in_full(tmp_path) or "")


def test_the_error_of_a_verbose_pg_dump_is_one_line() -> None:
    said = deque(
        (
            "pg_dump: reading schemas",
            "pg_dump: error: query failed: ERROR:  permission denied for table a",
            "pg_dump: detail: Query was: LOCK TABLE public.a IN ACCESS SHARE MODE",
        )
    )
    assert condensed(said) == "query failed: ERROR: permission denied for table a"


def test_an_empty_database_has_a_backup_too(database: Database, tmp_path: Path) -> None:
    made: Backup = back_up(database, tmp_path, server_version=VERSION)
    assert made.verified is not None
    assert made.verified.endswith("0 tables, 0 rows")

"""Is there something to restore from?"""

import gzip
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fix_postgres import Connect, Connection, Role
from fix_preflight import asked, only
from migsafe.model.checks import CheckResult
from migsafe.postgres.binaries import find
from migsafe.postgres.connection import Database
from migsafe.settings import Settings

DROP = "ALTER TABLE orders DROP COLUMN note"
Dump = Callable[..., Path]


@pytest.fixture
def orders(connection: Connection) -> Connection:
    connection.execute("CREATE TABLE orders (id int, note text); CREATE TABLE others (id int)")
    connection.execute("INSERT INTO orders SELECT i, md5(i::text) FROM generate_series(1, 5000) i")
    return connection


@pytest.fixture
def dump(database: Database, tmp_path: Path, orders: Connection) -> Dump:
    """`dump(*options)`: the path of a dump of the database, made by pg_dump."""

    def make(*options: str, name: str = "backup.dump") -> Path:
        path = tmp_path / name
        command = [str(find("pg_dump", orders.info.server_version // 10000)), *options, f"--file={path}"]
        subprocess.run(command, env=os.environ | database.environment(), check=True, capture_output=True)
        return path

    return make


def evidence_of(orders: Connection, path: Path | str | None, **settings: float) -> dict[str, CheckResult]:
    evidence = None if path is None else str(path)
    results = asked(
        "backup",
        orders,
        DROP,
        settings=Settings(backup_evidence=evidence, **settings),  # type: ignore[arg-type]
        backup_kind="evidence",
    )
    return dict(zip(("age", "content"), results, strict=False))


def test_a_dump_can_be_made(orders: Connection, tmp_path: Path) -> None:
    result = only(asked("backup", orders, DROP, backup_kind="dump", settings=Settings(directory=str(tmp_path))))
    assert result.status == "passed"
    assert "pg_dump" in result.evidence["pg_dump"]


def test_without_pg_dump_it_blocks(orders: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIGSAFE_PG_BIN", str(tmp_path))
    result = only(asked("backup", orders, DROP, backup_kind="dump"))
    assert result.status == "blocked"
    assert "MIGSAFE_PG_BIN" in (result.remedy or "")


def test_an_older_pg_dump_blocks(orders: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n")
    old.chmod(0o755)
    monkeypatch.setenv("MIGSAFE_PG_BIN", str(tmp_path))
    result = only(asked("backup", orders, DROP, backup_kind="dump"))
    assert result.status == "blocked"
    assert "older than the server" in result.message


def test_a_role_that_may_not_read_everything_cannot_dump(
    orders: Connection, connect: Connect, role: Role, tmp_path: Path
) -> None:
    app, settings = role("app"), Settings(directory=str(tmp_path))
    result = only(asked("backup", orders, DROP, by=connect(app), backup_kind="dump", settings=settings))
    assert result.status == "blocked"
    assert "public.orders" in result.message
    grant = (result.remedy or "").partition(";")[0]
    orders.execute(grant.encode())
    assert (
        only(asked("backup", orders, DROP, by=connect(app), backup_kind="dump", settings=settings)).status == "passed"
    )


def test_row_security_would_stop_the_dump(orders: Connection, connect: Connect, role: Role) -> None:
    app = role("app")
    orders.execute(f"GRANT pg_read_all_data TO {app.parameters['user']}".encode())
    orders.execute("ALTER TABLE orders ENABLE ROW LEVEL SECURITY")
    result = only(asked("backup", orders, DROP, by=connect(app), backup_kind="dump"))
    assert result.status == "blocked"
    assert "BYPASSRLS" in (result.remedy or "")


def test_no_evidence_blocks(orders: Connection, tmp_path: Path) -> None:
    assert evidence_of(orders, None)["age"].status == "blocked"
    missing = evidence_of(orders, tmp_path / "nothing.dump")["age"]
    assert missing.status == "blocked"
    assert "nothing.dump" in missing.message


@pytest.mark.parametrize("options", [("-Fc",), ("-Ft",), ("-Fd",), ("-Fp",), ("-Fp", "--inserts")])
def test_a_whole_dump_passes(orders: Connection, dump: Dump, options: tuple[str, ...]) -> None:
    found = evidence_of(orders, dump(*options))
    assert {result.status for result in found.values()} == {"passed"}


def test_a_compressed_sql_dump_passes(orders: Connection, dump: Dump) -> None:
    path = dump("-Fp")
    packed = path.with_suffix(".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert evidence_of(orders, packed)["content"].status == "passed"
    packed.write_bytes(packed.read_bytes()[:-100])
    assert evidence_of(orders, packed)["content"].status == "blocked"


@pytest.mark.parametrize("options", [("-Fc",), ("-Ft",), ("-Fp",)])
def test_half_a_dump_blocks(orders: Connection, dump: Dump, options: tuple[str, ...]) -> None:
    path = dump(*options)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    result = evidence_of(orders, path)["content"]
    assert result.status == "blocked"
    assert "damaged" in result.message


def test_a_directory_without_one_of_its_files_blocks(orders: Connection, dump: Dump) -> None:
    path = dump("-Fd")
    max((file for file in path.iterdir() if file.name != "toc.dat"), key=lambda file: file.stat().st_size).unlink()
    assert evidence_of(orders, path)["content"].status == "blocked"


def test_a_dump_without_the_rows_of_a_touched_table_blocks(orders: Connection, dump: Dump) -> None:
    for options in (("-Fc", "--table=others"), ("-Fp", "--exclude-table-data=orders")):
        result = evidence_of(orders, dump(*options))["content"]
        assert result.status == "blocked"
        assert "public.orders" in result.message


def test_a_dump_of_another_database_is_said(
    orders: Connection, dump: Dump, connect: Connect, create_database: Callable[[], Database]
) -> None:
    other = connect(create_database())
    other.execute("CREATE TABLE orders (id int, note text)")
    assert evidence_of(other, dump("-Fc"))["content"].status == "warned"


def test_an_old_dump_blocks(orders: Connection, dump: Dump) -> None:
    path = dump("-Fc")
    yesterday = time.time() - 2 * 86400
    os.utime(path, (yesterday, yesterday))
    found = evidence_of(orders, path)
    assert found["age"].status == "blocked"
    assert "2 d" in found["age"].message
    assert evidence_of(orders, path, backup_max_age=7 * 86400.0)["age"].status == "passed"


def test_what_is_no_dump_blocks(orders: Connection, tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear reader")
    assert evidence_of(orders, path)["content"].status == "blocked"


def test_a_kind_that_cannot_be_read_is_unknown(orders: Connection, tmp_path: Path) -> None:
    path = tmp_path / "backup.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd" + b"\0" * 600)
    result = evidence_of(orders, path)["content"]
    assert result.status == "unknown"
    assert "zstd" in result.message


def test_without_pg_restore_it_is_unknown(
    orders: Connection, dump: Dump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = dump("-Fc")
    monkeypatch.setenv("MIGSAFE_PG_BIN", str(tmp_path))
    assert evidence_of(orders, path)["content"].status == "unknown"


def test_the_rows_of_a_partitioned_table_are_in_its_partitions(connection: Connection, dump: Dump) -> None:
    connection.execute("DROP TABLE orders; CREATE TABLE orders (id int, note text) PARTITION BY LIST (id)")
    connection.execute("CREATE TABLE orders_1 PARTITION OF orders FOR VALUES IN (1)")
    assert evidence_of(connection, dump("-Fc"))["content"].status == "passed"
    missing = evidence_of(connection, dump("-Fc", "--exclude-table-data=orders_1", name="other.dump"))["content"]
    assert "public.orders_1" in missing.message


def test_no_backup_is_said(orders: Connection) -> None:
    result = only(asked("backup", orders, DROP, backup_kind="none"))
    assert result.status == "warned"
    assert "public.orders.note" in result.message
    harmless = only(asked("backup", orders, "CREATE TABLE fresh (id int)", "DROP TABLE fresh", backup_kind="none"))
    assert harmless.status == "warned"
    assert "not known to destroy" in harmless.message

"""Is there something to restore from?"""

import datetime
import gzip
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fix_postgres import VERSION, Connect, Connection, Role
from fix_preflight import asked, only
from migsafe.backup import back_up
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


def all_of(orders: Connection, path: Path) -> tuple[CheckResult, ...]:
    return asked("backup", orders, DROP, settings=Settings(backup_evidence=str(path)), backup_kind="evidence")


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


def test_a_kind_that_cannot_be_read_is_unknown(
    orders: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "backup.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd" + b"\0" * 600)
    monkeypatch.setenv("PATH", str(tmp_path))
    result = evidence_of(orders, path)["content"]
    assert result.status == "unknown"
    assert "zstd" in result.message


def test_sql_packed_by_zstd_is_read_through_that_program(
    orders: Connection, dump: Dump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the real program does with a whole file and with half of one is what this one does with SQL and without."""
    plain = dump("-Fp", name="plain.sql")
    packed = tmp_path / "backup.zst"
    packed.write_bytes(b"\x28\xb5\x2f\xfd" + b"\0" * 600)
    program = tmp_path / "zstd"
    program.write_text(f"#!/bin/sh\nexec cat {plain}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert evidence_of(orders, packed)["content"].status == "passed"
    program.write_text(f"#!/bin/sh\ncat {plain}\nexit 1\n")
    damaged = evidence_of(orders, packed)["content"]
    assert (damaged.status, "zstd cannot read it to its end" in damaged.message) == ("blocked", True)


@pytest.mark.parametrize("options", [("-Fc",), ("-Ft",), ("-Fc", "-Z0")])
def test_a_dump_cut_by_one_byte_blocks(orders: Connection, dump: Dump, options: tuple[str, ...]) -> None:
    path = dump(*options)
    whole = path.read_bytes()
    path.write_bytes(whole.rstrip(b"\0")[:-1] if "-Ft" in options else whole[:-1])
    assert evidence_of(orders, path)["content"].status == "blocked"


def test_a_dump_of_half_the_size_of_the_last_is_said(orders: Connection, dump: Dump) -> None:
    before = dump("-Fc", name="shop-2026-05-01.dump")
    yesterday = time.time() - 86400
    os.utime(before, (yesterday, yesterday))
    again = tuple(all_of(orders, dump("-Fc", name="shop-2026-05-02.dump")))
    assert [each.status for each in again] == ["passed", "passed"]
    orders.execute("DELETE FROM orders WHERE id > 100")
    smaller = all_of(orders, dump("-Fc", name="shop-2026-05-02.dump"))[-1]
    assert smaller.status == "warned"
    assert "shop-2026-05-01.dump" in smaller.message


def test_a_dump_of_another_version_is_said(orders: Connection, dump: Dump) -> None:
    path = dump("-Fp")
    version = str(orders.info.server_version // 10000)
    text = path.read_text().replace(f"Dumped from database version {version}", "Dumped from database version 9.6")
    path.write_text(text)
    result = evidence_of(orders, path)["content"]
    assert (result.status, "PostgreSQL 9," in result.message) == ("warned", True)


def test_a_copy_of_an_old_dump_is_as_old_as_its_header(orders: Connection, dump: Dump) -> None:
    path = dump("-Fc", "-Z0")
    content = bytearray(path.read_bytes())
    # The custom format has the year since 1900 as an integer of a sign and four bytes, after those of day and month.
    year = time.gmtime().tm_year - 1900
    at = content.index(b"\0" + year.to_bytes(4, "little"))
    content[at + 1] = year - 2
    path.write_bytes(content)
    result = all_of(orders, path)[1]
    assert result.status == "blocked"
    assert "its header says" in result.message


def test_migsafes_own_dump_counts_while_it_is_recent_and_of_this_cluster(
    orders: Connection, database: Database, tmp_path: Path
) -> None:
    settings = Settings(directory=str(tmp_path))

    def answers() -> tuple[CheckResult, ...]:
        return asked("backup", orders, DROP, settings=settings, backup_kind="evidence")

    assert [each.status for each in answers()] == ["blocked"]
    folder = tmp_path / settings.runs / "2026-05-01T00-00-00-000Z_base_head"
    made = back_up(database, folder, server_version=VERSION)
    assert {each.status for each in answers()} == {"passed"}
    about = Path(made.path or "") / "backup.json"
    text = about.read_text()
    about.write_text(re.sub(r'"system_identifier": "\d+"', '"system_identifier": "42"', text))
    assert "no recent dump" in only(answers()).message
    foreign = all_of(orders, about.parent)
    assert "is of cluster 42" in next(each for each in foreign if each.status == "blocked").message
    about.write_text(text)
    cut = max(about.parent.glob("*.dat.gz"), key=lambda each: each.stat().st_size)
    cut.write_bytes(cut.read_bytes()[:-1])
    assert any("instead of" in each.message for each in answers() if each.status == "blocked")


def test_required_makes_a_backup_a_must(orders: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(backup_required=True, backup_command="no-such-program")
    assert only(asked("backup", orders, DROP, settings=settings, backup_kind="none")).status == "blocked"
    assert only(asked("backup", orders, DROP, settings=settings, backup_kind="evidence")).status == "blocked"


def test_a_restore_has_to_be_tried_every_month(orders: Connection) -> None:
    today = datetime.datetime.now(datetime.UTC).date()
    statuses = [
        only(asked("restore-drill", orders, DROP, settings=Settings(restore_tested=day), backup_kind="evidence")).status
        for day in (None, today - datetime.timedelta(days=31), today + datetime.timedelta(days=9), today)
    ]
    assert statuses == ["warned", "warned", "warned", "passed"]
    assert asked("restore-drill", orders, DROP, backup_kind="dump") == ()


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

"""WAL: whether it reaches the archive, who holds it back, and the mark in it before a run."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from fix_postgres import PROGRAMS, VERSION, Connect, Connection, Role
from fix_preflight import asked, only
from migsafe.model.checks import CheckResult
from migsafe.postgres.binaries import find
from migsafe.postgres.cluster import running
from migsafe.postgres.connection import Database
from migsafe.postgres.restore_point import mark
from migsafe.settings import Settings

ADD = "ALTER TABLE orders ADD flag boolean"


@pytest.fixture(scope="module")
def archiver() -> Iterator[Connection]:
    """A server of its own with archive_mode on; its superuser."""
    settings = {"archive_mode": "on"}
    with (
        running(PROGRAMS, settings=settings) as maintenance,
        psycopg.connect(make_conninfo("", **maintenance.parameters), autocommit=True) as connection,
    ):
        connection.execute("CREATE TABLE orders (id int, note text)")
        yield connection


def archiving(connection: Connection, settings: Settings | None = None) -> CheckResult:
    return only(asked("wal-archiving", connection, ADD, settings=settings))


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def write_a_segment(connection: Connection, command: str) -> None:
    connection.execute(f"ALTER SYSTEM SET archive_command = '{command}'".encode())
    connection.execute("SELECT pg_reload_conf()")
    connection.execute("SELECT pg_logical_emit_message(false, 'migsafe', 'x')")
    connection.execute("SELECT pg_switch_wal()")


def test_archiving_that_fails_blocks_and_passes_when_it_is_mended(archiver: Connection) -> None:
    assert archiving(archiver).status == "unknown"
    write_a_segment(archiver, "false")
    until(lambda: archiving(archiver).status == "blocked")
    failing = archiving(archiver)
    assert "it has never worked" in failing.message
    assert "0000000100000000000000" in failing.message
    # A managed service archives past this view: what fails there is not what it says.
    hidden = archiving(archiver, Settings(provider="rds"))
    assert (hidden.status, "latest_restorable_time" in (hidden.remedy or "")) == ("unknown", True)
    write_a_segment(archiver, "true")
    until(lambda: archiving(archiver).status == "passed")


def test_a_restore_point_is_made_where_the_role_may(archiver: Connection) -> None:
    made = mark(archiver, "migsafe_" + "long" * 20)
    assert made.name is not None
    assert len(made.name) == 63
    assert archiver.execute("SELECT %s::pg_lsn <= pg_current_wal_insert_lsn()", (made.lsn,)).fetchone() == (True,)
    archiver.execute("CREATE ROLE app LOGIN")
    address = make_conninfo("", host=archiver.info.host, user="app", dbname="postgres")
    with psycopg.connect(address, autocommit=True) as app:
        refused = mark(app, "migsafe")
        assert refused.name is None
        archiver.execute((refused.because or "").partition(": ")[2].encode())
        assert mark(app, "migsafe").name == "migsafe"


def test_without_archive_mode_there_is_nothing_to_mark_unless_wanted(connection: Connection) -> None:
    assert mark(connection, "migsafe").because == "archive_mode is off"
    assert mark(connection, "migsafe", without_archive=True).name == "migsafe"


@pytest.fixture
def orders(connection: Connection) -> Connection:
    connection.execute("CREATE TABLE orders (id int, note text)")
    return connection


def test_who_receives_wal_archives_it(
    orders: Connection, database: Database, tmp_path: Path, connect: Connect, role: Role
) -> None:
    assert asked("wal-archiving", orders, ADD, backup_kind="dump") == ()
    nobody = only(asked("wal-archiving", orders, ADD, backup_kind="evidence"))
    assert (nobody.status, "a restore loses" in nobody.message) == ("warned", True)
    host, port = database.parameters["host"], database.parameters["port"]
    words = [str(find("pg_receivewal", VERSION)), "-D", str(tmp_path), "-h", host, "-p", port, "-U", "postgres"]
    receiver = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: only(asked("wal-archiving", orders, ADD, backup_kind="evidence")).status == "passed")
        app = role("app")
        blind = only(asked("wal-archiving", orders, ADD, by=connect(app), backup_kind="evidence"))
        assert (blind.status, "pg_read_all_stats" in (blind.remedy or "")) == ("unknown", True)
        orders.execute((blind.remedy or "").encode())
        assert only(asked("wal-archiving", orders, ADD, by=connect(app), backup_kind="evidence")).status == "passed"
    finally:
        receiver.terminate()
        receiver.wait()

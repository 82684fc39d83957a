"""Scratch servers: whichever it is, it works, and nothing of it is left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from fix_postgres import VERSION, Connect, Role
from migsafe.errors import ConnectionFailed, ToolMissing
from migsafe.postgres import binaries, cluster
from migsafe.postgres.connection import Database, connect
from migsafe.postgres.embedded import Scratch, scratch_server

_HOLD = """
import sys, time
from migsafe.postgres.embedded import scratch_server
with scratch_server() as scratch:
    print(scratch.maintenance.parameters["host"], flush=True)
    time.sleep(120)
"""


def _processes(folder: str) -> list[str]:
    listed = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if folder in line]


def _folder(scratch: Scratch) -> str:
    return scratch.maintenance.parameters["host"]


def _nothing_left(folder: str) -> bool:
    return not Path(folder).exists() and not _processes(folder)


def _names(maintenance: Database) -> set[str]:
    with connect(maintenance) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database").fetchall()}


def test_a_scratch_database_is_made_and_dropped_with_who_is_in_it() -> None:
    with scratch_server() as scratch:
        assert scratch.version >= 14
        with scratch.database("Shop: orders") as database:
            assert database.dbname.startswith("shop_orders_")
            session = connect(database)
            assert session.execute("SELECT current_database()").fetchone() == (database.dbname,)
        assert database.dbname not in _names(scratch.maintenance)
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
        session.close()
    assert _nothing_left(_folder(scratch))


def test_nothing_is_left_when_the_caller_raises() -> None:
    folders: list[str] = []

    def be_interrupted() -> None:
        with scratch_server() as scratch:
            folders.append(_folder(scratch))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        be_interrupted()
    assert _nothing_left(*folders)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_when_the_process_is_ended(sent: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", _HOLD], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as holder:
        assert holder.stdout is not None
        folder = holder.stdout.readline().decode().strip()
        started = _processes(folder)
        holder.send_signal(sent)
    assert started
    deadline = time.monotonic() + 30
    while not _nothing_left(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _nothing_left(folder)


def test_a_database_with_a_subscription_is_dropped_too() -> None:
    with scratch_server() as scratch:
        with scratch.database() as database, connect(database) as connection:
            connection.execute("CREATE SUBSCRIPTION s CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false)")
        assert database.dbname not in _names(scratch.maintenance)


def test_a_scratch_url_is_preferred_and_left_running(database: Database, connect: Connect) -> None:
    with scratch_server(database.url()) as scratch:
        assert scratch.version == VERSION
        with scratch.database("x") as made:
            assert made.parameters["host"] == database.parameters["host"]
    assert connect().execute("SELECT 1").fetchone() == (1,)
    assert made.dbname not in _names(database)


def test_a_role_that_may_not_create_databases_is_told_so(role: Role) -> None:
    with (
        scratch_server(role("app").url()) as scratch,
        pytest.raises(ConnectionFailed, match="may not create") as caught,
        scratch.database(),
    ):
        pass
    assert "CREATEDB" in str(caught.value.remedy)


def test_without_any_server_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "wheel", lambda: None)
    monkeypatch.setattr(binaries, "_PATTERNS", ())
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ToolMissing) as caught, scratch_server():
        pass
    assert "alembic-migsafe[embedded]" in str(caught.value.remedy)
    assert "--scratch-url" in str(caught.value.remedy)


def test_binaries_on_the_path_are_used_without_the_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = binaries.wheel()
    assert folder is not None
    monkeypatch.setattr(binaries, "wheel", lambda: None)
    monkeypatch.setattr(binaries, "_PATTERNS", ())
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    with scratch_server() as scratch:
        assert scratch.version == 18


def test_a_server_that_does_not_start_says_why() -> None:
    folder = binaries.wheel()
    assert folder is not None
    with pytest.raises(ToolMissing, match="shared_bufers"), cluster.running(folder, settings={"shared_bufers": "1MB"}):
        pass


def test_programs_below_a_private_folder_are_copied_for_the_other_user(tmp_path: Path) -> None:
    """As root the server runs as somebody who may not enter root's home; as anybody else, from where it is."""
    folder = binaries.wheel()
    assert folder is not None
    tmp_path.chmod(0o700)
    package = folder.parent.parent
    for part in (package, package.with_name(f"{package.name}.libs")):
        (tmp_path / part.name).symlink_to(part)
    programs = tmp_path.joinpath(*folder.parts[-3:])
    with cluster.running(programs) as maintenance, connect(maintenance) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)

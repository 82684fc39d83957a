"""A PostgreSQL server of our own for as long as a block runs: started, stopped and deleted."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg.conninfo import make_conninfo

from migsafe.errors import ToolMissing
from migsafe.postgres.connection import Database

START_TIMEOUT = 60.0

# The shell reads from a pipe that only we hold. When we are gone, however we went (kill -9 too), it sees the end of
# it, stops the server and deletes the folder: no signal handler, no atexit, nothing left behind.
_KEEPER = r"""
trap '' HUP INT TERM
exec 3<&0 </dev/null
folder=$1; programs=$2; shift 2
"$programs/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --no-locale --no-sync >&2 3<&- && {
  "$programs/postgres" -D "$folder/data" "$@" >&2 3<&- &
  server=$!
  { read -r _ <&3; kill -QUIT "$server"; } &
  reader=$!
  wait "$server"
  kill -KILL "$reader"; wait "$reader"
}
rm -rf -- "$folder"
"""

SETTINGS: dict[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # Autovacuum takes locks and moves statistics: what is observed would depend on the moment.
    "autovacuum": "off",
    "checkpoint_timeout": "1h",
    "max_wal_size": "4GB",
    "shared_buffers": "64MB",
    # /dev/shm is 64 MB in a container, a parallel index build needs more.
    "dynamic_shared_memory_type": "mmap",
    "max_connections": "60",
    "max_locks_per_transaction": "1024",
    "max_prepared_transactions": "8",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
}


@contextmanager
def running(programs: Path, *, tcp: bool = False, settings: Mapping[str, str] | None = None) -> Iterator[Database]:
    """A new server of the binaries in the folder `programs`; yields its database `postgres`, to its superuser.

    It listens on a socket in a folder of its own and, with `tcp`, on the same port of 127.0.0.1. As root it runs as
    an unprivileged user. Raises ToolMissing with the last line of its log when it does not start.
    """
    folder = Path(tempfile.mkdtemp(prefix="migsafe-", dir=_temporary_directory()))
    account = _account()
    try:
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
        programs = _reachable(programs, folder, account)
        port = _free_port() if tcp else 5432
        database = Database({"host": str(folder), "port": str(port), "user": "postgres", "dbname": "postgres"})
        arguments = _arguments(folder, port, tcp, SETTINGS | dict(settings or {}))
        with tempfile.TemporaryFile() as log, _kept(folder, programs, arguments, account, log) as keeper:
            _wait(database, keeper, log)
            yield database
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _temporary_directory() -> str | None:
    # A socket's path has at most 107 bytes (103 on macOS).
    return None if len(tempfile.gettempdir()) < 70 else "/tmp"  # noqa: S108


def _account() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: who it runs as instead, None for ourselves."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in known:
            return known[name]
    raise ToolMissing("PostgreSQL does not run as root, and there is no user nobody", "Run as another user.")


def _identity(account: pwd.struct_passwd | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _reachable(programs: Path, folder: Path, account: pwd.struct_passwd | None) -> Path:
    """The folder of programs, or a copy where `account` may not enter it (an environment in root's home)."""
    if account is None or _runs(programs, account):
        return programs
    package = programs.parent.parent
    copy = folder / "programs"
    shutil.copytree(package, copy / package.name, symlinks=True, ignore=shutil.ignore_patterns("include", "*.py*"))
    libraries = package.with_name(package.name + ".libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copy / libraries.name)
    for path in (copy, *copy.rglob("*")):
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
    return copy / programs.relative_to(package.parent)


def _runs(programs: Path, account: pwd.struct_passwd) -> bool:
    command = [str(programs / "postgres"), "--version"]
    try:
        return subprocess.run(command, capture_output=True, cwd="/", **_identity(account)).returncode == 0
    except PermissionError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _arguments(folder: Path, port: int, tcp: bool, settings: Mapping[str, str]) -> list[str]:
    listen = "127.0.0.1" if tcp else ""
    words = ["-k", str(folder), "-p", str(port), "-c", f"listen_addresses={listen}"]
    for name, value in settings.items():
        words += ["-c", f"{name}={value}"]
    return words


@contextmanager
def _kept(
    folder: Path, programs: Path, arguments: list[str], account: pwd.struct_passwd | None, log: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    """The keeper, told to stop when the block ends; it deletes the folder."""
    command = ["/bin/sh", "-c", _KEEPER, "migsafe-scratch", str(folder), str(programs), *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    keeper = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=log,
        cwd=folder,
        env=environment | {"LC_ALL": "C", "TZ": "UTC"},
        start_new_session=True,
        **_identity(account),
    )
    try:
        yield keeper
    finally:
        assert keeper.stdin is not None
        keeper.stdin.close()
        keeper.wait()


def _wait(database: Database, keeper: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    conninfo = make_conninfo("", **database.parameters, connect_timeout=5)
    while True:
        try:
            psycopg.connect(conninfo).close()
            return
        except psycopg.OperationalError:
            if keeper.poll() is not None or time.monotonic() > deadline:
                raise ToolMissing(f"A scratch server did not start: {_last_line(log)}", _REMEDY) from None
            time.sleep(0.02)


_REMEDY = 'pip install "alembic-migsafe[embedded]", or give --scratch-url a server to create scratch databases on.'


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = [line for line in log.read().decode(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "error:" in line or "FATAL:" in line]
    return (errors or lines or ["no reason was given"])[-1]

"""Preflight through a real PgBouncer, of Debian's package; the pooler of fix_pooler.py is for every day."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from fix_postgres import Connection
from fix_preflight import asked, only
from fix_replication import until
from migsafe.postgres.connection import Database, connect

pytestmark = pytest.mark.servers

INDEX = "CREATE INDEX CONCURRENTLY orders_id ON orders (id)"
CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
auth_type = any
pool_mode = {mode}
unix_socket_dir =
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def pgbouncer(database: Database, mode: str, folder: Path) -> Iterator[Database]:
    """The same database through PgBouncer; as root it runs as nobody, for it refuses root."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program is not None, "apt-get install pgbouncer"
    port = _free_port()
    text = CONFIGURATION.format(server=database.parameters["port"], port=port, mode=mode)
    (folder / "pgbouncer.ini").write_text(text)
    for each in (folder, *folder.parents[:2]):
        each.chmod(0o755)
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    command = [program, "-q", *user, str(folder / "pgbouncer.ini")]
    with (folder / "log").open("w") as log, subprocess.Popen(command, stderr=log, cwd=folder) as process:
        pooled = database.replace(host="127.0.0.1", port=str(port))
        try:
            until(lambda: process.poll() is None and _answers(pooled))
            yield pooled
        finally:
            process.kill()


def _answers(database: Database) -> bool:
    try:
        psycopg.connect(make_conninfo("", **database.parameters, connect_timeout=2)).close()
    except psycopg.OperationalError:
        return False
    return True


def test_transaction_mode_blocks(over_tcp: Database, connection: Connection, tmp_path: Path) -> None:
    connection.execute("CREATE TABLE orders (id int)")
    with pgbouncer(over_tcp, "transaction", tmp_path) as pooled, connect(pooled) as own:
        result = only(asked("pooler", connection, INDEX, by=own))
    assert result.status == "blocked"
    assert "pooler in transaction mode" in result.message


def test_session_mode_passes(over_tcp: Database, connection: Connection, tmp_path: Path) -> None:
    connection.execute("CREATE TABLE orders (id int)")
    with pgbouncer(over_tcp, "session", tmp_path) as pooled, connect(pooled) as own:
        result = only(asked("pooler", connection, INDEX, by=own))
    assert (result.status, "kept our session" in result.message) == ("passed", True)

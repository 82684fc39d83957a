"""A primary with a hot standby, both of our own: small, and with logical decoding."""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from migsafe.postgres import cluster
from migsafe.postgres.binaries import wheel
from migsafe.postgres.connection import Database

Connection = psycopg.Connection[tuple[Any, ...]]

# The wheel's server, for it has pg_basebackup.
_SETTINGS = {
    "wal_level": "logical",
    "max_connections": "12",
    "max_prepared_transactions": "2",
    "max_locks_per_transaction": "10",
    "wal_receiver_status_interval": "1s",
}


class Replicated(NamedTuple):
    primary: Database
    standby: Database


@pytest.fixture(scope="session")
def replicated() -> Iterator[Replicated]:
    """The database `postgres` on both. The standby is started by the primary: it has the right user, also as root."""
    programs = wheel()
    assert programs is not None
    with (
        cluster.running(programs, settings=_SETTINGS) as primary,
        psycopg.connect(make_conninfo("", **primary.parameters), autocommit=True) as connection,
    ):
        folder = primary.parameters["host"]
        _shell(connection, f"pg_basebackup -D {folder}/standby -h {folder} -U postgres -R --checkpoint=fast --no-sync")
        where = f"-D {folder}/standby -l {folder}/standby.log -w"
        # A standby has at least the primary's limits (manual, section 26.4.3).
        limits = " ".join(
            f"-c {name}={value}" for name, value in (cluster.SETTINGS | _SETTINGS).items() if name.startswith("max_")
        )
        _shell(connection, f"pg_ctl start {where} -o '-k {folder} -p 5433 -c listen_addresses= {limits}'")
        yield Replicated(primary, primary.replace(port="5433"))
        _shell(connection, f"pg_ctl stop {where} -m immediate")


def _shell(connection: Connection, command: str) -> None:
    found = connection.execute("SELECT setting FROM pg_config WHERE name = 'BINDIR'").fetchone()
    assert found is not None
    connection.execute(sql.SQL("COPY (SELECT) TO PROGRAM {}").format(sql.Literal(f"PATH={found[0]}:$PATH; {command}")))


def until(true: Callable[[], object]) -> None:
    """Wait for what another process brings about; 20 s at most."""
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)

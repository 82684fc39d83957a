"""A database to restore into and throw away, with the encoding and the collation of the one that was backed up."""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import sql

from migsafe.backup.manifest import About
from migsafe.errors import RestoreRefused
from migsafe.postgres.connection import Database, connect
from migsafe.postgres.queries import query

_PROVIDERS = {"i": ("icu", "ICU_LOCALE"), "b": ("builtin", "BUILTIN_LOCALE")}
# The machine that runs the server does not have this locale, or its build no ICU.
_NO_LOCALE = (psycopg.errors.InvalidParameterValue, psycopg.errors.WrongObjectType, psycopg.errors.FeatureNotSupported)


def create(connection: psycopg.Connection[Any], name: str, about: About) -> str | None:
    """Make the database `name` as the backed-up one was; returns what could not be the same, None when all is.

    Raises RestoreRefused when the role may not make one, or it is there.
    """
    template = sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
    try:
        try:
            connection.execute(template + _locale(about))
        except _NO_LOCALE as error:
            encoding = sql.SQL(" ENCODING {}").format(sql.Literal(about.locale.get("encoding", "UTF8")))
            connection.execute(template + encoding)
            return f"the collation of the database: this server says {str(error).splitlines()[0]}"
    except psycopg.errors.InsufficientPrivilege:
        raise RestoreRefused(
            f"the role {connection.info.user} may not create the database {name}",
            f"ALTER ROLE {connection.info.user} CREATEDB; or name another server.",
        ) from None
    except psycopg.errors.DuplicateDatabase:
        raise RestoreRefused(f"the database {name} is there already", "Name another one.") from None
    return None


@contextmanager
def scratch(maintenance: Database, about: About) -> Iterator[tuple[Database, str | None]]:
    """A new database on the server of `maintenance`, dropped when the block ends, however it does; and what differs.

    A session of ours stays in it: where nobody is in such a database, a drill was killed, and the next one drops it.
    """
    name = f"migsafe_drill_{secrets.token_hex(4)}"
    database = maintenance.replace(dbname=name)
    with connect(maintenance, application_name="migsafe drill") as connection:
        _drop(connection, (row[0] for row in connection.execute(query("backup_scratches")).fetchall()))
        try:
            note = create(connection, name, about)
            with connect(database, application_name="migsafe drill"):
                yield database, note
        finally:
            _drop(connection, (name,))


def _drop(connection: psycopg.Connection[Any], names: Iterable[str]) -> None:
    for name in names:
        with suppress(psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectInUse):
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _locale(about: About) -> sql.Composed:
    known = about.locale
    words = [
        ("ENCODING", known.get("encoding")),
        ("LC_COLLATE", known.get("collate")),
        ("LC_CTYPE", known.get("ctype")),
    ]
    parts = [sql.SQL(f" {word} {{}}").format(sql.Literal(value)) for word, value in words if value]
    provider = _PROVIDERS.get(known.get("provider", "c"))
    if provider is not None:
        clause = sql.SQL(f" LOCALE_PROVIDER {provider[0]} {provider[1]} {{}}")
        parts.append(clause.format(sql.Literal(known.get("locale", ""))))
    return sql.SQL("").join(parts)

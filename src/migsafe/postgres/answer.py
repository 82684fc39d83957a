"""Run one query read-only, and turn what PostgreSQL says into an answer."""

import re
from typing import Any

import msgspec
import psycopg
from psycopg import errors

TIMEOUT_SECONDS = 30

Connection = psycopg.Connection[Any]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Rows, or why there are none: `error` is PostgreSQL's message, `sqlstate` its code, `remedy` what helps."""

    rows: tuple[tuple[Any, ...], ...] = ()
    error: str | None = None
    sqlstate: str | None = None
    remedy: str | None = None


def ask(
    connection: Connection,
    sql: str,
    grant: str | None = None,
    at_most: int = 2,
    timeout: float | None = None,
    first: str | None = None,
) -> Answer:
    """The first `at_most` rows of one SELECT, in a read-only transaction that is rolled back; nothing is raised.

    Row security is off: rows that a policy hides make an error instead of a wrong answer. `grant` is the remedy when
    the role may not ask, `{role}` stands for its name. In a transaction of the caller's own it is a savepoint.
    `timeout` in seconds, by default TIMEOUT_SECONDS. `first` is one more statement, run before in the same transaction.
    """
    seconds = TIMEOUT_SECONDS if timeout is None else timeout
    try:
        with connection.transaction(force_rollback=True):
            # In one round trip: a history has hundreds of proofs.
            connection.execute(
                "SET TRANSACTION READ ONLY; SET LOCAL row_security = off;"
                f" SET LOCAL statement_timeout = '{max(1, seconds * 1000):.0f}ms'".encode()
            )
            # `binary`, because only the extended protocol takes no more than one statement.
            if first is not None:
                connection.execute(first.encode(), binary=True)
            # DECLARE takes one SELECT: `SELECT 1; COMMIT; DROP TABLE t` is an error, and so is an UPDATE.
            connection.execute(b"DECLARE migsafe_ask CURSOR FOR " + sql.encode(), binary=True)
            found = connection.execute(f"FETCH FORWARD {int(at_most)} FROM migsafe_ask".encode())
            return Answer(rows=tuple(found.fetchall()))
    except psycopg.Error as error:
        return failed(connection, error, grant, seconds)


def failed(connection: Connection, error: psycopg.Error, grant: str | None, seconds: float) -> Answer:
    """The Answer that `error` is, with its remedy."""
    message = (error.diag.message_primary or str(error) or type(error).__name__).strip()
    return Answer(error=message, sqlstate=error.sqlstate, remedy=_remedy(connection, error, message, grant, seconds))


def _remedy(
    connection: Connection, error: psycopg.Error, message: str, grant: str | None, seconds: float
) -> str | None:
    match error:
        case errors.InsufficientPrivilege() if "row-level security" in message:
            return "Ask as the owner of the table or as a role with BYPASSRLS."
        case errors.InsufficientPrivilege():
            return (grant or _named(message)).format(role=_role(connection))
        case errors.QueryCanceled():
            return f"It took longer than {seconds:g} s: run it in psql without a timeout."
        case errors.OperationalError() if connection.closed or connection.broken:
            return "Connect again and run `migsafe verify`."
    return None


def _role(connection: Connection) -> str:
    row = connection.execute("SELECT quote_ident(current_user)").fetchone()
    return str(row[0]) if row else connection.info.user


_DENIED = re.compile(r"permission denied for (table|view|schema|function|sequence) (\S+)")
_PRIVILEGES = {"schema": "USAGE ON SCHEMA", "function": "EXECUTE ON FUNCTION", "sequence": "SELECT ON SEQUENCE"}


def _named(message: str) -> str:
    """The GRANT for what an English server names; another server's sentence is in the message itself."""
    found = _DENIED.search(message)
    if found is None:
        return "GRANT what the message names TO {role};"
    return f"GRANT {_PRIVILEGES.get(found[1], 'SELECT ON')} {found[2]} TO {{role}};"

"""Sees every statement that a run sends, whatever the driver and whoever sends it: op.*, a bind, the ORM."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

import msgspec
from alembic.runtime.migration import MigrationContext
from sqlalchemy import event

from migsafe.revisions.place import Place, locate

Execute = Callable[[str], None]

# psycopg prepares what it has sent five times, and a pool would keep that.
_UNPREPARED = {"psycopg": {"prepare": False}, "psycopg_async": {"prepare": False}}


class Call(msgspec.Struct, frozen=True):
    """A statement about to be sent.

    `sql` has the driver's placeholders, `parameters` their values. `place` is None for reflection, BOOKKEEPING for the
    version table. `execute` sends other SQL on the same connection; `run` sends this. `connection` is the driver's.
    """

    sql: str
    parameters: Any
    place: Place | None
    autocommit: bool
    execute: Execute
    run: Callable[[], None]
    connection: Any


class Watcher(Protocol):
    """What a run wants to know. Every method may raise, which fails the statement."""

    def statement(self, call: Call) -> bool:
        """True: dealt with (run or skipped) by the watcher; False: the driver runs it now."""

    def begun(self) -> None:
        """A transaction has begun."""

    def committing(self, execute: Execute) -> None:
        """A transaction is about to be committed; `execute` still belongs to it."""

    def rolled_back(self) -> None:
        """A transaction was rolled back."""


@contextmanager
def watching(context: MigrationContext, watcher: Watcher, paths: Callable[[], frozenset[str]]) -> Iterator[None]:
    """While entered, `watcher` sees what goes through the engine of `context`.

    The engine, not the connection: revisions open connections of their own for CREATE INDEX CONCURRENTLY (measured).
    """
    assert context.connection is not None
    engine = context.connection.engine

    def executing(cursor: Any, sql: str, parameters: Any, execution: Any, method: str) -> bool | None:
        connection = _driver_connection(execution.root_connection)
        call = Call(
            sql=sql,
            parameters=parameters,
            place=locate(paths()),
            autocommit=_autocommit(execution.root_connection),
            # A cursor of its own: this one may have to keep the rows of RETURNING.
            execute=lambda other: _aside(execution.root_connection, other),
            run=lambda: getattr(execution.dialect, method)(cursor, sql, *_arguments(method, parameters), execution),
            connection=connection,
        )
        return watcher.statement(call) or None

    def committing(conn: Any) -> None:
        try:
            watcher.committing(lambda sql: _aside(conn, sql))
        except BaseException:
            # SQLAlchemy takes a transaction for ended when its commit has failed: a pool would get it open, with locks.
            with suppress(Exception):
                conn.dialect.do_rollback(conn.connection)
            raise

    listeners: list[tuple[str, Callable[..., Any]]] = [
        ("do_execute", lambda cursor, sql, values, context: executing(cursor, sql, values, context, "do_execute")),
        (
            "do_executemany",
            lambda cursor, sql, values, context: executing(cursor, sql, values, context, "do_executemany"),
        ),
        (
            "do_execute_no_params",
            lambda cursor, sql, context: executing(cursor, sql, None, context, "do_execute_no_params"),
        ),
        ("begin", lambda conn: watcher.begun()),
        ("commit", committing),
        ("rollback", lambda conn: watcher.rolled_back()),
    ]
    for name, listener in listeners:
        event.listen(engine, name, listener)
    try:
        yield
    finally:
        for name, listener in listeners:
            event.remove(engine, name, listener)


def _arguments(method: str, parameters: Any) -> tuple[Any, ...]:
    return () if method == "do_execute_no_params" else (parameters,)


def _aside(connection: Any, sql: str) -> None:
    cursor = connection.connection.cursor()
    try:
        cursor.execute(sql, **_UNPREPARED.get(connection.dialect.driver, {}))
    finally:
        cursor.close()


def _autocommit(connection: Any) -> bool:
    return bool(connection.connection.dbapi_connection.autocommit)


def _driver_connection(connection: Any) -> Any:
    return connection.connection.driver_connection


def as_sql(call: Call) -> str:
    """The statement of `call` with its values in it, as the server would read it.

    psycopg and psycopg2 render it themselves; for asyncpg `$n` outside quotes is replaced. Raises ValueError for a
    value that has no literal.
    """
    module = type(call.connection).__module__.partition(".")[0]
    rows = call.parameters if isinstance(call.parameters, list) else [call.parameters]
    return ";\n".join(_filled(call, module, row) for row in rows)


def _filled(call: Call, module: str, row: Any) -> str:
    if module == "psycopg2":
        return str(call.connection.cursor().mogrify(call.sql, row).decode())
    import psycopg

    if module == "psycopg":
        own = call.connection if isinstance(call.connection, psycopg.Connection) else None
        if not row:
            return call.sql.replace("%%", "%") if row is not None else call.sql
        return psycopg.ClientCursor(own).mogrify(call.sql, row) if own else _numbered_from_format(call.sql, row)
    return _numbered(call.sql, row) if row else call.sql


def _numbered_from_format(sql: str, row: Any) -> str:
    values = {name: _literal(value) for name, value in row.items()}
    return sql % values


def _numbered(sql: str, row: Any) -> str:
    import re

    quoted = r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$\w*\$.*?\$\w*\$"

    def fill(match: "re.Match[str]") -> str:
        return match[0] if match[1] is None else _literal(row[int(match[1]) - 1])

    return re.sub(rf"{quoted}|\$(\d+)", fill, sql, flags=re.DOTALL)


def _literal(value: Any) -> str:
    from psycopg import sql as composed

    return composed.Literal(value).as_string(None)

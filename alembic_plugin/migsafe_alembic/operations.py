"""`op.verify`, `op.enable_extension` and `op.disable_extension` for revisions. Importing this module registers them."""

import logging
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, NamedTuple

from alembic.operations import MigrateOperation, Operations
from alembic.util import CommandError
from sqlalchemy import text

# A child of "alembic": fileConfig() in env.py disables every logger that alembic.ini does not name or contain.
log = logging.getLogger("alembic.migsafe")


class OwnVerify(NamedTuple):
    """A check that a revision's author wrote with `op.verify`.

    `sql` is one query. It holds when it returns no row (`no_rows`), else when its only value is `equals`.
    `revision`, `path` and `line` say where it was written, None when that is no revision file.
    """

    sql: str
    equals: object
    no_rows: bool
    name: str | None
    revision: str | None = None
    path: str | None = None
    line: int | None = None

    @property
    def label(self) -> str:
        return self.name or " ".join(self.sql.split())

    @property
    def wanted(self) -> str:
        return "no rows" if self.no_rows else repr(self.equals)

    def fault(self, rows: Sequence[Sequence[object]]) -> str | None:
        """What is wrong with the rows that the query returned; None when the check holds."""
        if self.no_rows:
            return f"the query returned rows, the first is {tuple(rows[0])!r}" if rows else None
        if len(rows) != 1 or len(rows[0]) != 1:
            shape = f"{len(rows[0])} columns" if len(rows) == 1 else "several rows" if rows else "no row"
            return f"the query returned {shape}"
        value = rows[0][0]
        # 1 == True in Python: a forgotten `equals=` must not let count(*) = 1 pass.
        same = value == self.equals and isinstance(value, bool) == isinstance(self.equals, bool)
        return None if same else f"the query returned {value!r}"


class VerifyFailed(CommandError):
    """An `op.verify` that does not hold; Alembic prints its message and rolls the transaction back."""


collector: Callable[[OwnVerify], None] | None = None
"""When set (by migsafe, for one run), it receives every `op.verify`, and the migration asks the server nothing."""


@Operations.register_operation("verify")
class VerifyOp(MigrateOperation):
    """A query that must hold at this point of the revision."""

    def __init__(self, check: OwnVerify) -> None:
        self.check = check

    @classmethod
    def verify(
        cls, operations: Operations, sql: str, *, equals: object = True, no_rows: bool = False, name: str | None = None
    ) -> None:
        """State what must be true here, as one query; fail the revision when it is not.

        The query must return the one value `equals` (default: true), or with `no_rows=True` no row at all. `name` is
        what messages call the check. Under `alembic upgrade` it runs on the spot, in the revision's transaction; with
        `--sql` it becomes a comment; under migsafe it becomes a part of the verification after the run. Inside
        `batch_alter_table` it runs before the batch does: write it after the block.

        Raises VerifyFailed when it does not hold.
        """
        operations.invoke(VerifyOp(OwnVerify(sql.strip().rstrip(";"), equals, no_rows, name, *_place())))


@Operations.register_operation("enable_extension")
class EnableExtensionOp(MigrateOperation):
    """CREATE EXTENSION, unless it is installed."""

    def __init__(self, name: str, schema: str | None = None, version: str | None = None, cascade: bool = False) -> None:
        self.name = name
        self.schema = schema
        self.version = version
        self.cascade = cascade

    @classmethod
    def enable_extension(
        cls,
        operations: Operations,
        name: str,
        *,
        schema: str | None = None,
        version: str | None = None,
        cascade: bool = False,
    ) -> None:
        """Install an extension where it is missing, and send nothing where it is there.

        Some managed services reject even CREATE EXTENSION IF NOT EXISTS from a role that may not install; with the
        extension installed by the administrator beforehand this operation passes. An installed extension of another
        `version` stays as it is, with a warning in the log. `cascade` installs what it depends on.
        """
        operations.invoke(EnableExtensionOp(name, schema, version, cascade))

    def reverse(self) -> "DisableExtensionOp":
        return DisableExtensionOp(self.name)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        return ("enable_extension", self.name)


@Operations.register_operation("disable_extension")
class DisableExtensionOp(MigrateOperation):
    """DROP EXTENSION, which fails while a column, index or function still depends on it."""

    def __init__(self, name: str) -> None:
        self.name = name

    @classmethod
    def disable_extension(cls, operations: Operations, name: str) -> None:
        """Remove an extension. Never CASCADE: that would drop the columns of its types, with what is in them."""
        operations.invoke(DisableExtensionOp(name))

    def reverse(self) -> EnableExtensionOp:
        return EnableExtensionOp(self.name)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        return ("disable_extension", self.name)


@Operations.implementation_for(VerifyOp)
def verify(operations: Operations, operation: VerifyOp) -> None:
    check = operation.check
    if collector is not None:
        collector(check)
    elif operations.migration_context.as_sql:
        operations.migration_context.impl.static_output(_comment(check))
    else:
        result = operations.get_bind().exec_driver_sql(check.sql, execution_options={"no_parameters": True})
        if not result.returns_rows:
            raise VerifyFailed(f"{_where(check)}op.verify needs a query that returns rows: {check.label}")
        fault = check.fault(result.fetchmany(2))
        result.close()
        if fault is not None:
            raise VerifyFailed(f"{_where(check)}verification failed: {check.label}: {fault}, expected {check.wanted}")


@Operations.implementation_for(EnableExtensionOp)
def enable_extension(operations: Operations, operation: EnableExtensionOp) -> None:
    _only_postgresql(operations, "enable_extension")
    context = operations.migration_context
    if not context.as_sql:
        query = text("SELECT extversion FROM pg_catalog.pg_extension WHERE extname = :name")
        installed = operations.get_bind().execute(query, {"name": operation.name}).scalar()
        if installed is not None:
            if operation.version not in (None, installed):
                log.warning("extension %s is %s, not %s", operation.name, installed, operation.version)
            return
    sql = f"CREATE EXTENSION IF NOT EXISTS {_quote(operations, operation.name)}"
    if operation.schema:
        sql += f" SCHEMA {_quote(operations, operation.schema)}"
    if operation.version:
        sql += " VERSION '{}'".format(operation.version.replace("'", "''"))
    _execute(operations, f"{sql} CASCADE" if operation.cascade else sql)


@Operations.implementation_for(DisableExtensionOp)
def disable_extension(operations: Operations, operation: DisableExtensionOp) -> None:
    _only_postgresql(operations, "disable_extension")
    _execute(operations, f"DROP EXTENSION {_quote(operations, operation.name)}")


def _quote(operations: Operations, identifier: str) -> str:
    return operations.migration_context.impl.dialect.identifier_preparer.quote(identifier)


def _execute(operations: Operations, sql: str) -> None:
    operations.migration_context.impl.execute(text(sql.replace(":", r"\:")))


def _only_postgresql(operations: Operations, operation: str) -> None:
    dialect = operations.migration_context.dialect.name
    if dialect != "postgresql":
        raise CommandError(f"op.{operation} is for PostgreSQL; this migration runs on {dialect}")


def _place() -> tuple[str | None, str | None, int | None]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        # Alembic's own mark of a revision file; helper modules that a revision calls have none.
        if "down_revision" in frame.f_globals:
            return frame.f_globals.get("revision"), frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return None, None, None


def _where(check: OwnVerify) -> str:
    return f"{check.path}:{check.line}: " if check.path else ""


def _comment(check: OwnVerify) -> str:
    title = f"{check.name}\n" if check.name else ""
    comment = f"verify: {title}{check.sql}\nexpected: {check.wanted}"
    return "\n".join(f"-- {line}".rstrip() for line in comment.splitlines())

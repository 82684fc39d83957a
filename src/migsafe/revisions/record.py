"""Stands where a connection would: statements are kept with their values in them, a question ends the rendering."""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import msgspec
from sqlalchemy import BindParameter, Insert, Update, literal, text
from sqlalchemy.engine.mock import MockConnection
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.sql import visitors
from sqlalchemy.types import NullType

from migsafe.revisions.place import BatchTracer, Place, line_in, locate
from migsafe.revisions.sentence import short


class Rendered(msgspec.Struct, frozen=True):
    """A piece of SQL as the revision sends it: one or more statements. `transaction` as in model.Statement."""

    sql: str
    place: Place
    transaction: int | None = 0


class Unreadable(BaseException):
    """Not an Exception: a revision's own `except Exception` must not make a wrong rendering of it."""


class Recorder:
    """Takes the place of execution: every statement is rendered and kept with its line.

    After the first question nothing is kept, whatever the revision makes of the exception.
    """

    def __init__(self, dialect: Any, paths: frozenset[str], batches: BatchTracer) -> None:
        self.dialect = dialect
        self.paths = paths
        self.pieces: list[Rendered] = []
        self.transaction: int | None = 0
        self.transactions = 1
        self.unreadable: str | None = None
        batches.paths = paths
        dialect._ensure_has_table_connection = lambda _connection: self.give_up("reads the database (has_table)")

    def record(self, construct: Any, parameters: Any = None) -> None:
        if self.unreadable is not None:
            raise Unreadable
        place = locate(self.paths) or Place()
        statement = text(construct) if isinstance(construct, str) else construct
        rows = parameters if isinstance(parameters, Sequence) else [parameters or {}]
        for row in rows or [{}]:
            self.pieces.append(Rendered(self._sql(statement, row), place, self.transaction))

    def begin(self) -> None:
        self.transaction, self.transactions = self.transactions, self.transactions + 1

    def end(self) -> None:
        self.transaction = None

    def give_up(self, why: str) -> NoReturn:
        line = line_in(self.paths)
        self.unreadable = self.unreadable or (f"line {line}: {why}" if line else why)
        raise Unreadable

    def _sql(self, statement: Any, row: Mapping[str, Any]) -> str:
        if isinstance(statement, ExecutableDDLElement):
            return str(statement.compile(dialect=self.dialect)).strip()
        statement = _with_values(statement, row)
        for bind in _binds(statement):
            if bind.required and bind.effective_value is None:
                self.give_up(f"bind parameter {bind.key!r} has no value")
        try:
            compiled = statement.compile(dialect=self.dialect, compile_kwargs={"literal_binds": True})
        except Exception as error:
            self.give_up(f"a value has no SQL literal ({short(error)})")
        return str(compiled).strip()


def _binds(statement: Any) -> list[BindParameter[Any]]:
    return [element for element in visitors.iterate(statement) if isinstance(element, BindParameter)]


def _with_values(statement: Any, row: Mapping[str, Any]) -> Any:
    """`statement` with `row` as execution would fill it in: bind parameters by name, the rest into columns."""
    if not row:
        return statement
    if hasattr(statement, "bindparams"):
        return statement.bindparams(**row)
    named = {bind.key for bind in _binds(statement)}
    assigned = {name: value for name, value in row.items() if name not in named}

    def fill(bind: Any) -> None:
        if bind.key in row:
            bind.value, bind.required = row[bind.key], False
            if isinstance(bind.type, NullType):
                bind.type = literal(bind.value).type

    # What params() does, which Insert, Update and Delete refuse.
    statement = visitors.cloned_traverse(statement, {"maintain_key": True}, {"bindparam": fill})
    return statement.values(**assigned) if assigned and isinstance(statement, Insert | Update) else statement


class Connection(MockConnection):
    """Stands where op.get_bind() gives a connection; what only a server can answer ends the rendering."""

    def __init__(self, dialect: Any, recorder: Recorder) -> None:
        super().__init__(dialect, self._take)
        self._recorder = recorder

    def _take(self, statement: Any, parameters: Any = None) -> "Result":
        self._recorder.record(statement, parameters)
        return Result(self._recorder)

    def execute(self, obj: Any, parameters: Any = None, execution_options: Any = None) -> "Result":
        return self._take(obj, parameters)

    def exec_driver_sql(self, statement: str, parameters: Any = None, execution_options: Any = None) -> "Result":
        if parameters or "%" in statement:
            self._recorder.give_up("exec_driver_sql() with the driver's own placeholders")
        return self._take(text(statement.replace(":", "\\:")))

    def commit(self) -> None:
        self._recorder.begin()

    def begin(self) -> Any:
        return Block()

    begin_nested = begin

    def close(self) -> None:
        return None

    def in_transaction(self) -> bool:
        return False

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self._recorder.give_up(f"reads the database{_public(name)}")


class Block:
    """A transaction or savepoint that a revision opens by itself: nothing to render."""

    is_active = True

    def __enter__(self) -> "Block":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def commit(self) -> None:
        return None

    rollback = close = commit


class Result:
    """The result of a statement that was not run: may be ignored, not looked at."""

    def __init__(self, recorder: Recorder) -> None:
        object.__setattr__(self, "_recorder", recorder)

    def _look(self, *_: object) -> Any:
        self._recorder.give_up("uses the result of a query")

    __iter__ = __bool__ = __len__ = __next__ = __getitem__ = __enter__ = _look

    def close(self) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        object.__getattribute__(self, "_recorder").give_up(f"uses the result of a query{_public(name)}")


def _public(name: str) -> str:
    """The attribute that was asked for, if its name tells a reader anything."""
    return "" if name.startswith("_") else f" ({name})"

"""One statement of a migration, and where it was written."""

import msgspec

from migsafe.model.effects import Effects


class Comment(msgspec.Struct, frozen=True):
    """A comment in SQL that speaks to migsafe. `line` (from 1) is that of a file of SQL, None in `op.execute()`.

    `apart`: it stands at no statement, with a blank line below it or nothing.
    """

    text: str
    line: int | None = None
    apart: bool = False


class Statement(msgspec.Struct, frozen=True):
    """One SQL statement that a revision sends to the server.

    `index` counts from 0 over the whole plan. `path` is relative to the working directory where it can be,
    `line` counts from 1. `operation` is Alembic's name (`op.add_column`), None for SQL that reached the connection
    some other way. `transaction` is the ordinal of the transaction within the revision, None in an autocommit block.
    `comments` are those of its text that speak to migsafe, in it or directly above it.
    """

    sql: str
    effects: Effects
    index: int = 0
    revision: str | None = None
    path: str | None = None
    line: int | None = None
    operation: str | None = None
    transaction: int | None = 0
    comments: tuple[Comment, ...] = ()

    @property
    def place(self) -> str:
        """`path:line`, as far as known."""
        where = self.path or "SQL"
        return f"{where}:{self.line}" if self.line else where

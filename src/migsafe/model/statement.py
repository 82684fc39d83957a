"""One statement of a migration, and where it was written."""

import msgspec

from migsafe.model.effects import Effects


class Statement(msgspec.Struct, frozen=True):
    """One SQL statement that a revision sends to the server.

    `index` counts from 0 over the whole plan. `path` is relative to the working directory where it can be,
    `line` counts from 1. `operation` is Alembic's name (`op.add_column`), None for SQL that reached the connection
    some other way. `transaction` is the ordinal of the transaction within the revision, None in an autocommit block.
    """

    sql: str
    effects: Effects
    index: int = 0
    revision: str | None = None
    path: str | None = None
    line: int | None = None
    operation: str | None = None
    transaction: int | None = 0

    @property
    def place(self) -> str:
        """`path:line`, as far as known."""
        where = self.path or "SQL"
        return f"{where}:{self.line}" if self.line else where

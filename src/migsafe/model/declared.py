"""What a team says must be true after a revision: a question, and what it has to give."""

from typing import Literal

import msgspec

How = Literal["value", "share", "index", "dimensions", "broken"]


class Declared(msgspec.Struct, frozen=True):
    """One question of a revision. `place` is `path:line` of who asks it.

    `how` it is answered: `value`, the rows of the SELECT `sql`; `share`, which share of its rows is true (0 to 1);
    `index`, in how many milliseconds the server runs it with the index `subject`; `dimensions`, of the vectors in the
    column `subject` (`table.column` or `schema.table.column`); `broken`, not at all: `sql` says what is wrong with it.

    `expect` is "true" (one row that is true or 1), "no rows", "true or no rows", "at least 3 rows", "3 rows", a
    comparison (`>= 0.95`, "" for none), or the one value as text (cast arrays and JSON to text in the query); `warn` a
    stricter comparison that only warns. `timeout` in seconds, by default 30.
    """

    sql: str
    expect: str = "true"
    place: str = ""
    how: How = "value"
    subject: str = ""
    warn: str | None = None
    name: str | None = None
    revision: str | None = None
    timeout: float | None = None

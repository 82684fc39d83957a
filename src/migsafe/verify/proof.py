"""One thing that must be true after a migration, and the query that shows it."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

import msgspec

from migsafe.postgres.queries import query
from migsafe.sql.quote import identifier, literal


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A query to paste into psql: one row, `ok boolean` (null: cannot be told) and `found text`.

    `name` is the check's (`column-there`), `kind` and `subject` say what it is about, `expected` what must be true of
    it. `remedy` is what to type when it is not, `grant` what a role that may not ask needs (`{role}` stands for it).
    `place` is the statement that touched the subject last; `doubts` are later places whose effects are not known and
    which may have changed it: a proof that fails then fails for one of two reasons. `first` is a statement to run
    before the query, in the same transaction. `severity` is what a proof that fails is.
    """

    name: str
    kind: str
    subject: str
    expected: str
    sql: str
    remedy: str | None = None
    grant: str | None = None
    place: str | None = None
    doubts: tuple[str, ...] = ()
    first: str | None = None
    severity: Literal["blocked", "warned"] = "blocked"

    @property
    def sentence(self) -> str:
        return f"{self.kind} {self.subject}: {self.expected}"


class Asked(NamedTuple):
    """What is asked of one object: conditions over its row, what they mean for a reader, and what is run first."""

    conditions: tuple[str, ...]
    words: str
    first: str | None = None


def fill(template: str, /, **values: str) -> str:
    """The query `template` of verify.sql with SQL text in the place of its `{braces}`."""
    return query(template).format(**values)


def every(conditions: Iterable[str]) -> str:
    """Conditions joined by AND, one a line as `verify.sql` shows them."""
    return "\n       AND ".join(conditions) or "true"


def schema_of(name: str) -> str:
    """What `nspname` must equal for `schema.name`; the search path decides for a bare name."""
    return literal(name.split(".", 1)[0]) if "." in name else "ANY (current_schemas(false))"


def bare(name: str) -> str:
    """The part of `schema.name` after the schema."""
    return name.split(".", 1)[-1]


def array(values: Iterable[str | None]) -> str:
    """A text[] of SQL; None is NULL."""
    return f"ARRAY[{', '.join('NULL' if value is None else literal(value) for value in values)}]::text[]"


def listed(values: Iterable[str | None]) -> str:
    """Names for a reader; None is an expression."""
    return ", ".join("(expression)" if value is None else identifier(value) for value in values)

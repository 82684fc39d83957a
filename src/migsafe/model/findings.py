"""What lint says of a statement."""

from typing import Literal

import msgspec

from migsafe.model.rewrite import Rewrite

Severity = Literal["error", "warning", "info"]
FailOn = Literal["error", "warning", "info", "never"]
Pack = Literal["postgresql", "pgvector", "alembic", "style"]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A hazard. `name` is the module's file name. `bad` and `good` are SQL scripts that tests execute.

    `setup` is run before either. `effect` says what happens to the application, `safe` the safe form, in one
    imperative sentence written in Alembic's API. `language` python: the examples are bodies of upgrade(). `refused` is
    the SQLSTATE with which the server refuses the bad example; None where it accepts it.
    """

    name: str
    severity: Severity
    summary: str
    effect: str
    safe: str
    bad: str
    good: str
    setup: str = ""
    refused: str | None = None
    language: Literal["sql", "python"] = "sql"
    pack: Pack = "postgresql"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that a statement breaks. `statement` is its index in the plan; None for one about a whole revision.

    `fingerprint` is the same for the same fault of the same statement, wherever its line has moved to. `rewrite` is the
    statement in its safe form, where one can be told.
    """

    rule: str
    severity: Severity
    message: str
    fix: str
    statement: int | None = None
    revision: str | None = None
    path: str | None = None
    line: int | None = None
    ignored_because: str | None = None
    fingerprint: str = ""
    rewrite: Rewrite | None = None

    @property
    def place(self) -> str:
        where = self.path or "SQL"
        return f"{where}:{self.line}" if self.line else where

    def fails(self, fail_on: FailOn) -> bool:
        """Whether it is as bad as `fail_on`, and nobody accepted it."""
        return self.ignored_because is None and _RANK[self.severity] >= _RANK[fail_on]


_RANK = {"never": 4, "error": 3, "warning": 2, "info": 1}

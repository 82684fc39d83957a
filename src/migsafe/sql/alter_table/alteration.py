"""One ALTER TABLE while its subcommands are read: what PostgreSQL gathers before its third phase."""

from migsafe.model.locks import LockMode
from migsafe.sql.conversions import Conversion
from migsafe.sql.draft import Draft


class Alteration:
    """What the subcommands of one ALTER TABLE on `name` have asked for so far.

    `mode` is the strongest lock that any of them needs, and holds for every child that one of them reaches.
    `recurses` is False for ONLY. `added` are columns new in this statement; `rewritten` and `verified` the relations
    that phase 3 reads; `retyped` conversions by (relation, column); `gone` constraints and indexes dropped here;
    `skipped` how many subcommands had nothing to do.
    """

    def __init__(self, draft: Draft, name: str, mode: LockMode, recurses: bool) -> None:
        self.draft = draft
        self.name = name
        self.mode = mode
        self.recurses = recurses
        self.added: set[tuple[str, str]] = set()
        self.filled: set[tuple[str, str]] = set()
        self.rewritten: dict[str, None] = {}
        self.verified: dict[str, None] = {}
        self.retyped: dict[tuple[str, str], Conversion] = {}
        self.gone: set[str] = set()
        self.skipped = 0
        self.reaches: set[str] = {name}

    def family(self, recurses: bool = True) -> tuple[str, ...]:
        """The relation and, unless ONLY was said, its children, all locked."""
        members = self.draft.family(self.name) if self.recurses and recurses else (self.name,)
        for member in members:
            self.draft.lock(member, self.mode)
        self.reaches |= set(members)
        return members

    def rewrite(self, relation: str) -> None:
        if self.has_rows(relation):
            self.rewritten[relation] = None

    def verify(self, relation: str) -> None:
        if self.has_rows(relation):
            self.verified[relation] = None

    def has_rows(self, relation: str) -> bool:
        """Whether the relation has a data file of its own."""
        return self.draft.kind(relation) in ("table", "materialized view")

"""Lock modes of PostgreSQL and what they conflict with (manual, section 13.3, table 13.2)."""

from enum import Enum
from functools import cached_property

import msgspec


class LockMode(Enum):
    """A table-level lock mode; the value is its spelling in `pg_locks.mode`, in order of strength."""

    ACCESS_SHARE = "AccessShareLock"
    ROW_SHARE = "RowShareLock"
    ROW_EXCLUSIVE = "RowExclusiveLock"
    SHARE_UPDATE_EXCLUSIVE = "ShareUpdateExclusiveLock"
    SHARE = "ShareLock"
    SHARE_ROW_EXCLUSIVE = "ShareRowExclusiveLock"
    EXCLUSIVE = "ExclusiveLock"
    ACCESS_EXCLUSIVE = "AccessExclusiveLock"

    @property
    def text(self) -> str:
        """As the manual and `LOCK TABLE` spell it: `SHARE ROW EXCLUSIVE`."""
        return self.name.replace("_", " ")

    @cached_property
    def strength(self) -> int:
        """0 (ACCESS SHARE) to 7 (ACCESS EXCLUSIVE), PostgreSQL's own order of the modes."""
        return list(LockMode).index(self)

    def conflicts_with(self, other: "LockMode") -> bool:
        return other.name in _CONFLICTS[self.name]

    @cached_property
    def blocks_reads(self) -> bool:
        """Whether a plain SELECT has to wait for the holder."""
        return self.conflicts_with(LockMode.ACCESS_SHARE)

    @cached_property
    def blocks_writes(self) -> bool:
        """Whether INSERT, UPDATE, DELETE and MERGE have to wait for the holder."""
        return self.conflicts_with(LockMode.ROW_EXCLUSIVE)

    @classmethod
    def from_text(cls, text: str) -> "LockMode":
        """The mode spelled as in the manual, in any case."""
        return cls[text.upper().replace(" ", "_")]


_CONFLICTS: dict[str, frozenset[str]] = {
    "ACCESS_SHARE": frozenset({"ACCESS_EXCLUSIVE"}),
    "ROW_SHARE": frozenset({"EXCLUSIVE", "ACCESS_EXCLUSIVE"}),
    "ROW_EXCLUSIVE": frozenset({"SHARE", "SHARE_ROW_EXCLUSIVE", "EXCLUSIVE", "ACCESS_EXCLUSIVE"}),
    "SHARE_UPDATE_EXCLUSIVE": frozenset(
        {"SHARE_UPDATE_EXCLUSIVE", "SHARE", "SHARE_ROW_EXCLUSIVE", "EXCLUSIVE", "ACCESS_EXCLUSIVE"}
    ),
    "SHARE": frozenset(
        {"ROW_EXCLUSIVE", "SHARE_UPDATE_EXCLUSIVE", "SHARE_ROW_EXCLUSIVE", "EXCLUSIVE", "ACCESS_EXCLUSIVE"}
    ),
    "SHARE_ROW_EXCLUSIVE": frozenset(
        {
            "ROW_EXCLUSIVE",
            "SHARE_UPDATE_EXCLUSIVE",
            "SHARE",
            "SHARE_ROW_EXCLUSIVE",
            "EXCLUSIVE",
            "ACCESS_EXCLUSIVE",
        }
    ),
    "EXCLUSIVE": frozenset(set(LockMode.__members__) - {"ACCESS_SHARE"}),
    "ACCESS_EXCLUSIVE": frozenset(LockMode.__members__),
}


class Lock(msgspec.Struct, frozen=True, order=False):
    """A lock that a statement takes on a relation.

    `relation` is `schema.name`, unquoted; `kind` one of table, partitioned table, index, partitioned index,
    sequence, view, materialized view, foreign table.
    """

    relation: str
    kind: str
    mode: LockMode

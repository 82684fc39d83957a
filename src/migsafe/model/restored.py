"""What came of putting saved rows back, and what would come of it."""

import msgspec


class Counts(msgspec.Struct, frozen=True):
    """Rows: put back, as saved already (nobody changed them), in conflict, deleted by the application since.

    `pending`: a row that they refer to is not there yet.
    """

    restored: int = 0
    kept: int = 0
    conflicting: int = 0
    gone: int = 0
    pending: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """Both together."""
        return Counts(
            self.restored + other.restored,
            self.kept + other.kept,
            self.conflicting + other.conflicting,
            self.gone + other.gone,
            self.pending + other.pending,
        )


class Conflict(msgspec.Struct, frozen=True):
    """A row in conflict. `key`, `saved` and `now` are texts by column; `now` is None when the row is not there."""

    what: str
    key: dict[str, str | None]
    saved: dict[str, str | None]
    now: dict[str, str | None] | None
    because: str


class PartRestored(msgspec.Struct, frozen=True):
    """What came of one part; `because` says why nothing did."""

    what: str
    counts: Counts
    because: str | None = None


class Restored(msgspec.Struct, frozen=True):
    """What came of it all. `made` are objects that were made again, `notes` sentences on what is not as before.

    `conflicts` is the file that lists every row in conflict, `first` are a few of them. `said` is what became of the
    version table; `doubts` are sentences on rows that the run may not have deleted, but somebody else.
    """

    parts: tuple[PartRestored, ...]
    made: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    conflicts: str | None = None
    first: tuple[Conflict, ...] = ()
    said: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def counts(self) -> Counts:
        """All parts together."""
        total = Counts()
        for part in self.parts:
            total = total.plus(part.counts)
        return total

    @property
    def wholly(self) -> bool:
        """Whether everything that was saved is back, and nothing is in conflict."""
        return not self.notes and all(not each.counts.conflicting and each.because is None for each in self.parts)


class Intended(msgspec.Struct, frozen=True):
    """Each a sentence or SQL: `objects` to be made again, `columns` SQL that makes room for values, `rows` to be held
    against the tables, `gone` what cannot be put back, and why. `expires` is ISO 8601 in UTC."""

    objects: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    gone: tuple[str, ...]
    expires: str

"""The way back of one statement, derived from what it does and the schema before it."""

from typing import Literal

import msgspec

Kind = Literal["exact", "lossy", "impossible"]


class Command(msgspec.Struct, frozen=True):
    """One statement of a way back. `apart`: outside of any transaction, or in one of its own, to be gentle."""

    sql: str
    apart: bool = False


class Discard(msgspec.Struct, frozen=True):
    """What came after the statement and goes with its inverse: rows and values of the new shape.

    `what` is kind and name as `--lose` takes it (`column:public.t.c`); `count` a query for how many rows there are,
    None: they cannot be counted. `blocks`: with such rows the inverse fails, rather than loses them.
    """

    what: str
    count: str | None = None
    blocks: bool = False


class Inverse(msgspec.Struct, frozen=True):
    """What takes a statement back.

    exact: schema and data are again as they were before the statement. lossy: the schema is, but `loses` says what the
    statement destroyed and no SQL brings back. impossible: no such SQL is known, `loses` says why; there is none then.
    Grants, comments, owners, settings and the order of columns are part of the schema (docs/decisions/028).
    """

    kind: Kind
    commands: tuple[Command, ...] = ()
    loses: tuple[str, ...] = ()
    discards: tuple[Discard, ...] = ()

    @property
    def because(self) -> str:
        """What is lost, or why there is no way back, as one text; empty for an exact one."""
        return "; ".join(self.loses)


class Undone(msgspec.Struct, frozen=True):
    """A statement of an upgrade, and its inverse."""

    place: str
    sql: str
    inverse: Inverse


class WayBack(msgspec.Struct, frozen=True):
    """The two ways back from one revision: its own downgrade(), and the one derived of its statements.

    `own` is missing, empty, raises, unreadable (`own_because` says why), exact, lossy, or differs: the schema is then,
    as far as can be told without a server, not as before (`own_because` says where). `undone` is in the order of the
    statements; a way back goes from the last to the first. `derived` is the worst of theirs.
    """

    revision: str
    down_revisions: tuple[str, ...]
    path: str
    doc: str
    undone: tuple[Undone, ...]
    derived: Kind
    own: str
    own_because: tuple[str, ...] = ()
    own_sql: tuple[str, ...] = ()

    @property
    def commands(self) -> tuple[Command, ...]:
        """The derived way back, in the order in which it runs."""
        return tuple(each for undone in reversed(self.undone) for each in undone.inverse.commands)


def worst(kinds: tuple[Kind, ...]) -> Kind:
    """That of several taken together."""
    order: tuple[Kind, ...] = ("exact", "lossy", "impossible")
    return max(kinds, key=order.index, default="exact")

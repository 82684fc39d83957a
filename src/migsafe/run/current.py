"""The revision that is running, and what is known of it."""

from collections.abc import Callable

import msgspec

from migsafe.model.effects import Effects
from migsafe.postgres import progress
from migsafe.revisions.place import Place
from migsafe.revisions.watch import Call, as_sql
from migsafe.run.seen import Seen

Told = Callable[[str, float | None], None]


class Current(msgspec.Struct):
    """The revision that is running: mutable, because it is the one thing in a run that moves.

    `sql`, `place`, `effects` are those of its last statement; `seen` what the catalog had before that, where it is a
    CONCURRENTLY one; `instead` is what has to be run in its place, because an earlier attempt has done half of it.
    """

    revision: str
    path: str
    recorded: dict[int, progress.Done]
    number: int = -1
    resumed: int = 0
    sql: str | None = None
    place: Place | None = None
    effects: Effects | None = None
    seen: Seen | None = None
    instead: str | None = None
    pending: list[progress.Done] = []
    durable: bool = False
    version_moved: bool = False
    # Something is being made durable, and the server has not said yet that it is.
    unsettled: bool = False
    own_timeout: bool = False
    timeouts: set[str] = set()


def only_reads(sql: str) -> bool:
    """Whether a statement is a query, as far as its first word tells."""
    word = sql.lstrip().split(None, 1)[0].upper() if sql.strip() else ""
    return word in ("SELECT", "SHOW", "VALUES", "EXPLAIN") and " INTO " not in sql.upper()


def literal(call: Call) -> str:
    """The statement with its values in it, where they have literals."""
    try:
        return as_sql(call)
    except (ValueError, TypeError, KeyError, IndexError):
        return call.sql


def short(sql: str) -> str:
    """One line of at most 100 characters."""
    line = " ".join(sql.split())
    return line if len(line) <= 100 else f"{line[:97]}…"

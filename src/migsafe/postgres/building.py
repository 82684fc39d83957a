"""A CONCURRENTLY statement while it runs: how far it is, and whom it waits for."""

from typing import Any

import msgspec
import psycopg
from psycopg.rows import dict_row

from migsafe.model.run import Blocker
from migsafe.postgres.blockers import ending
from migsafe.postgres.locks import from_row
from migsafe.postgres.queries import query

# Where each phase of the manual's table (section 27.4.4) lies in the whole, as far as time goes: reading the table
# twice, and sorting in between. From phase to phase it never falls.
_STAGES = (
    ("building index: scanning table", 0.0, 0.4),
    ("building index: sorting", 0.4, 0.5),
    ("building index: loading", 0.5, 0.6),
    ("building index", 0.0, 0.6),
    ("index validation: scanning index", 0.6, 0.7),
    ("index validation: sorting", 0.7, 0.75),
    ("index validation: scanning table", 0.75, 1.0),
)


class Progress(msgspec.Struct, frozen=True):
    """One look at a session. Everything but `waiting` is None unless it builds an index, and tells it so.

    `waiting`: for a lock, which may be the end of another transaction. `oid` and `index` are those of the index that
    is being made. `locker` is the pid of the session whose end it waits for, one of `lockers_total`.
    """

    waiting: bool
    oid: int | None = None
    index: str | None = None
    phase: str | None = None
    blocks_done: int | None = None
    blocks_total: int | None = None
    tuples_done: int | None = None
    tuples_total: int | None = None
    lockers_done: int | None = None
    lockers_total: int | None = None
    locker: int | None = None

    @property
    def done(self) -> tuple[str, int, int] | None:
        """What is counted in this phase: its unit, how many are done, of how many; None when nothing is."""
        counts = (
            ("transactions", self.lockers_done, self.lockers_total),
            ("blocks", self.blocks_done, self.blocks_total),
            ("tuples", self.tuples_done, self.tuples_total),
        )
        phase = self.phase or ""
        if "sorting" in phase:
            # The counts of an earlier phase stay where they were.
            return None
        wanted = counts[:1] if phase.startswith("waiting") else counts[1:]
        return next(((unit, done or 0, total) for unit, done, total in wanted if total), None)

    @property
    def fraction(self) -> float | None:
        """How much of the whole build is done, from 0 to 1; None for what is no build, and while it waits."""
        phase = self.phase or ""
        stage = next((each for each in _STAGES if phase.startswith(each[0])), None)
        if stage is None:
            return None
        _, first, last = stage
        counted = self.done
        part = min(1.0, counted[1] / counted[2]) if counted else 0.0
        return round(first + (last - first) * part, 4)


def progress_of(connection: psycopg.Connection[Any], pid: int) -> Progress:
    """How far session `pid`, of our own role, is."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(query("build_progress"), {"pid": pid}).fetchone()
    return msgspec.convert(row, Progress)


def snapshot_holders(connection: psycopg.Connection[Any], pid: int | None) -> tuple[Blocker, ...]:
    """Whose snapshots a build by session `pid` would have to wait for if it came to that now; the oldest first.

    That they are there is visible to everybody; since when, state and query are None without pg_read_all_stats.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query("snapshot_holders"), {"pid": pid}).fetchall()
    return tuple(_told(row) for row in rows)


def _told(row: dict[str, Any]) -> Blocker:
    end, caution = ending(row)
    return msgspec.structs.replace(from_row(row), end=end, caution=caution)

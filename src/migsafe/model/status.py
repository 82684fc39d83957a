"""What a run that crashed, failed or still goes on has left."""

from typing import Literal

import msgspec

from migsafe.model.run import Blocker


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """A statement of a half-done revision, as `migsafe_progress` has it. `number` counts from 1, `at` is ISO 8601.

    Not `finished`: it was begun, and nobody knows how it ended. `place` and `sql` are from the journal of the run that
    sent it, None without that. `next` is what the next `migsafe upgrade` does about it.
    """

    revision: str
    number: int
    finished: bool
    at: str
    place: str | None = None
    sql: str | None = None
    next: str = ""


class Leftover(msgspec.Struct, frozen=True, kw_only=True):
    """What a CONCURRENTLY statement that was cut off has left on `relation`. `end` is the SQL that clears it away.

    `worker` is the pid of a session that may be making it still. `next` is what the next `migsafe upgrade` does.
    """

    kind: Literal["invalid index", "new copy of an index", "old copy of an index", "partition half detached"]
    name: str
    relation: str
    end: str
    worker: int | None = None
    next: str | None = None


class LastRun(msgspec.Struct, frozen=True, kw_only=True):
    """The newest run directory. `outcome` as in a report; `running` or `crashed` where there is none.

    `database` is a label with the user that ran it. `place`, `sql`: of the statement at which it stopped or is. `event`
    and `at` are the last line of the journal.
    """

    directory: str
    outcome: str
    command: str | None = None
    database: str | None = None
    version_table: str | None = None
    current: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    pid: int | None = None
    host: str | None = None
    event: str | None = None
    at: str | None = None
    revision: str | None = None
    place: str | None = None
    sql: str | None = None
    failure: str | None = None
    remedy: str | None = None


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """`migsafe status`. What could not be asked is None, and `unknown` says why; with `unreachable` that is everything
    about the database.

    `pending` are the revisions between the heads of the database and those of the scripts; `unknown_heads` are in the
    database and not in the scripts. `runner` is the session that holds the runner lock.
    """

    version: int = 1
    database: str | None = None
    unreachable: str | None = None
    version_table: str | None = None
    heads: tuple[str, ...] | None = None
    target: tuple[str, ...] = ()
    pending: tuple[str, ...] | None = None
    unknown_heads: tuple[str, ...] = ()
    runner: Blocker | None = None
    recorded: tuple[Recorded, ...] | None = None
    leftovers: tuple[Leftover, ...] | None = None
    unknown: tuple[str, ...] = ()
    last: LastRun | None = None
    typed: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    @property
    def part_way(self) -> bool:
        """Whether the last run did not come to its end, and some of its revisions are in."""
        last = self.last
        if last is None or self.heads is None or last.outcome in ("done", "nothing-to-do", "unverified", "running"):
            return False
        return set(self.heads) not in (set(last.current), set(last.target)) and bool(last.target)

    @property
    def exit_code(self) -> int:
        """0: nothing is half done, or somebody is at it; 2: the database cannot be asked; 4: something is half done."""
        if self.unreachable is not None:
            return 2
        if self.runner is not None:
            return 0
        return 4 if self.recorded or self.leftovers or self.part_way else 0

"""What happened while the revisions ran."""

from typing import Literal

import msgspec


class Blocker(msgspec.Struct, frozen=True, kw_only=True):
    """A session (or, with pid 0, a prepared transaction) whose lock is in the way. Times in seconds.

    None is "not visible to this role", never "none". Not `granted`: it waits for the lock itself, ahead of us.
    `waits_for` are the pids that it waits for, `depth` how far it is from the root of them: who waits for nobody has 0.
    `end` is the SQL that ends it, None where nobody should; `caution` what to know before, or why not.
    """

    pid: int
    relation: str | None = None
    mode: str | None = None
    application: str | None = None
    user: str | None = None
    state: str | None = None
    age: float | None = None
    query: str | None = None
    gid: str | None = None
    granted: bool = True
    address: str | None = None
    waits_for: tuple[int, ...] = ()
    depth: int = 0
    end: str | None = None
    caution: str | None = None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try at a revision. `started` and `ended` are ISO 8601 in UTC; `seconds` is from a monotonic clock.

    `found` is what the database had kept of it, where it was a lost connection that ended it.
    """

    started: str
    ended: str
    seconds: float
    sqlstate: str | None = None
    message: str | None = None
    statement: str | None = None
    place: str | None = None
    blocked_by: tuple[Blocker, ...] = ()
    found: str | None = None


class StepResult(msgspec.Struct, frozen=True, kw_only=True):
    """A revision after the run.

    `done`: committed and recorded in the version table. `failed`: rolled back, the database is as before this
    revision. `partial`: an autocommit part is durable, the version is not; the next run resumes.
    `not-reached`: an earlier one stopped the run. `unknown`: the connection was lost while something was being made
    durable, and the server could not be asked since; the next run finds out.
    """

    revision: str
    outcome: Literal["done", "failed", "partial", "not-reached", "unknown"]
    attempts: tuple[Attempt, ...] = ()
    statements: int = 0
    resumed: int = 0
    notes: tuple[str, ...] = ()

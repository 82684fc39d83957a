"""What happened while the revisions ran."""

from typing import Literal

import msgspec


class Blocker(msgspec.Struct, frozen=True, kw_only=True):
    """A session (or, with pid 0, a prepared transaction) whose lock is in the way. Times in seconds.

    None is "not visible to this role", never "none". Not `granted`: it waits for the lock itself, ahead of us.
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


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try at a revision. `started` and `ended` are ISO 8601 in UTC; `seconds` is from a monotonic clock."""

    started: str
    ended: str
    seconds: float
    sqlstate: str | None = None
    message: str | None = None
    statement: str | None = None
    place: str | None = None
    blocked_by: tuple[Blocker, ...] = ()


class StepResult(msgspec.Struct, frozen=True, kw_only=True):
    """A revision after the run.

    `done`: committed and recorded in the version table. `failed`: rolled back, the database is as before this
    revision. `partial`: an autocommit part is durable, the version is not; the next run resumes.
    `not-reached`: an earlier one stopped the run.
    """

    revision: str
    outcome: Literal["done", "failed", "partial", "not-reached"]
    attempts: tuple[Attempt, ...] = ()
    statements: int = 0
    resumed: int = 0
    notes: tuple[str, ...] = ()

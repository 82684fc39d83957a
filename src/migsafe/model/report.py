"""Everything one command did, for a person, a CI system and a runbook."""

from typing import Literal

import msgspec

from migsafe.model.checks import CheckResult
from migsafe.model.findings import Finding
from migsafe.model.plan import Plan
from migsafe.model.run import StepResult


class BackupFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a backup: path relative to the backup, size in bytes, SHA-256 in hex."""

    path: str
    bytes: int
    sha256: str


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """What can be restored from. `kind` is dump, evidence or none; `because` says why there is none.

    `verified` says how it was read back. `seconds` is what making and reading it took. `notes` say what is not in it.
    """

    kind: Literal["dump", "evidence", "none"]
    path: str | None = None
    because: str | None = None
    verified: str | None = None
    bytes: int | None = None
    seconds: float | None = None
    files: tuple[BackupFile, ...] = ()
    notes: tuple[str, ...] = ()


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """What a downgrade step would lose: `what` as a label, `because` in one sentence."""

    revision: str
    what: str
    because: str


class SavedData(msgspec.Struct, frozen=True, kw_only=True):
    """Rows or columns that were saved before a statement destroyed them. `what` as a label, `bytes` as stored."""

    revision: str
    what: str
    rows: int
    bytes: int


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """What `migsafe restore` can put back: in files below `path`, or in tables of `migsafe_undo` (then that is `path`).

    `expires` is ISO 8601 in UTC; from then on `migsafe gc` removes it. `unsaved` says what is not in it, and why.
    """

    path: str
    expires: str
    parts: tuple[SavedData, ...] = ()
    unsaved: tuple[Loss, ...] = ()
    seconds: float = 0.0


class Undo(msgspec.Struct, frozen=True, kw_only=True):
    """The way back: the scripts written, what they would lose, and which revisions have none."""

    downgrade_sql: str | None = None
    restore_sh: str | None = None
    losses: tuple[Loss, ...] = ()
    impossible: tuple[Loss, ...] = ()
    saved: Saved | None = None


class Excuse(msgspec.Struct, frozen=True):
    """`--allow RULE --because "…"`, `--skip CHECK --because "…"`, or of a downgrade `--lose NAME --because "…"`."""

    kind: Literal["allow", "skip", "lose"]
    name: str
    because: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a command. `before` is preflight, `after` verification; `failure` the sentence that ended it.

    `stopped_at` is the stage that ended it early by the user's wish (dry run, answered no) or by an interrupt.
    `asked` is the target as typed, `typed` and `options` the words before and after the command that name environment
    and database: a command to type next means the same one. `round` is the name of the round of env.py (one database
    and version table of several), None where env.py has one; the rounds of one command have the same `started`, and
    `began` says when this one's turn came.
    """

    command: str
    plan: Plan
    started: str
    ended: str = ""
    version: int = 1
    migsafe: str = ""
    findings: tuple[Finding, ...] = ()
    before: tuple[CheckResult, ...] = ()
    backup: Backup | None = None
    undo: Undo | None = None
    steps: tuple[StepResult, ...] = ()
    after: tuple[CheckResult, ...] = ()
    excuses: tuple[Excuse, ...] = ()
    notes: tuple[str, ...] = ()
    failure: str | None = None
    remedy: str | None = None
    stopped_at: Literal["dry-run", "declined", "deadline", "timeout", "interrupted", "not-reached"] | None = None
    directory: str | None = None
    asked: str | None = None
    typed: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    round: str | None = None
    began: str | None = None

    @property
    def open_errors(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.severity == "error" and f.ignored_because is None)

    @property
    def refused(self) -> bool:
        """Whether findings or preflight stand against the run: then nothing was changed."""
        return not self.steps and (bool(self.open_errors) or any(result.refuses for result in self.before))

    @property
    def arrived(self) -> bool:
        """Whether the database was taken all the way to the target."""
        return bool(self.steps) and all(step.outcome == "done" for step in self.steps)

    @property
    def outcome(self) -> str:
        """One of done, nothing-to-do, refused, dry-run, declined, failed, partial, unverified, deadline, timeout,
        interrupted.

        `partial`: some revisions or parts of one are in, the same command resumes. `failed`: the database is as before.
        """
        return _outcome(self)

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.outcome]


EXIT_CODES: dict[str, int] = {
    "done": 0,
    "nothing-to-do": 0,
    "dry-run": 0,
    "refused": 1,
    "declined": 1,
    "failed": 3,
    "partial": 4,
    "unverified": 5,
    "deadline": 75,
    "timeout": 75,
    "not-reached": 3,
    "interrupted": 130,
}


def _outcome(report: Report) -> str:
    durable = any(step.outcome in ("done", "partial", "unknown") for step in report.steps)
    unfinished = any(step.outcome != "done" for step in report.steps)
    if report.refused:
        return "refused"
    if report.stopped_at == "interrupted":
        return "interrupted"
    if report.stopped_at in ("deadline", "timeout"):
        return "partial" if durable else report.stopped_at
    if report.stopped_at is not None:
        return report.stopped_at
    if report.failure is not None or unfinished:
        return "partial" if durable else "failed"
    if any(result.refuses for result in report.after):
        return "unverified"
    return "done" if report.steps else "nothing-to-do"

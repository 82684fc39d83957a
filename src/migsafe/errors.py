"""What ends a command early. A refusal is a Report, not one of these.

MigsafeError (exit_code 2)
├── UsageError            2  wrong arguments, unknown revision, wrong configuration key
├── ConnectionFailed      2  no server, wrong password, not PostgreSQL
├── RevisionError         2  a revision file or env.py that cannot be loaded or run
├── ToolMissing           2  pg_dump or another program is missing or too old
├── SqlError              2  a text that is no PostgreSQL statement
├── BackupFailed          3  the dump could not be made or read back; nothing was changed
├── RestoreRefused        1  the backup or the place to restore to is not what it has to be; nothing was changed
├── RestoreFailed         3  a restore did not come to its end; the message says what is as it was
├── RunFailed             3  a revision failed; the report says what is durable
├── NotMigrated           *  migsafe.command only: `report` says why, with its exit code
├── LockNotAvailable     75  the deadline passed before the locks could be had
├── OutOfTime            75  --timeout was over before anything was changed
└── Interrupted         130  Ctrl-C
"""

from collections.abc import Iterable

from migsafe.model.report import Report


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a wrong one was probably meant to be; None when none is like it."""
    # What the standard library takes long to load is loaded where it is used: `explain` answers in 0.1 s.
    import difflib

    return next(iter(difflib.get_close_matches(name, list(known), n=1)), None)


class MigsafeError(Exception):
    """A condition with one clear message and what to type next. `exit_code` is documented in docs/guide.md."""

    exit_code = 2

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class UsageError(MigsafeError):
    """The command line, a revision name or a setting is wrong."""


class ConnectionFailed(MigsafeError):
    """The server could not be reached or would not let us in. Never carries a password.

    `passing`: it may let us in later by itself, because it starts, is full, or the network is gone.
    """

    def __init__(self, message: str, remedy: str | None = None, *, passing: bool = False) -> None:
        super().__init__(message, remedy)
        self.passing = passing


class RevisionError(MigsafeError):
    """A revision file or env.py cannot be loaded or run."""


class ToolMissing(MigsafeError):
    """A program that is needed is not there, or older than the server."""


class SqlError(MigsafeError):
    """A text that PostgreSQL's grammar rejects. `position` is an offset in characters, from 0."""

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


class BackupFailed(MigsafeError):
    """A backup could not be made or read back."""

    exit_code = 3


class RestoreRefused(MigsafeError):
    """Nothing is restored: the backup is damaged, or its place is another one. Nothing was changed."""

    exit_code = 1


class RestoreFailed(MigsafeError):
    """A restore was begun and did not come to its end, or what came out is not what was saved."""

    exit_code = 3


class RunFailed(MigsafeError):
    """A revision failed."""

    exit_code = 3


class NotMigrated(MigsafeError):
    """What migsafe.command raises for every outcome but done. `report` is a model.report.Report."""

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message, report.remedy)
        self.report = report
        self.exit_code = report.exit_code


class LockNotAvailable(MigsafeError):
    """The deadline passed before the locks (or the place of the only runner) could be had."""

    exit_code = 75


class OutOfTime(MigsafeError):
    """The time for the whole run was over before anything was changed."""

    exit_code = 75


class Interrupted(MigsafeError):
    """The operator pressed Ctrl-C."""

    exit_code = 130


class TimeIsUp(KeyboardInterrupt):
    """The time for the whole run is over: raised in the main thread wherever it is, and never shown.

    A KeyboardInterrupt, because on that everything below cancels its statement and ends its processes.
    """

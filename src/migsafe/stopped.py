"""What ends a run from outside, Ctrl-C, SIGTERM, `--timeout`, and what is said of it when nothing was changed yet."""

import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn, Protocol

import msgspec

from migsafe.errors import Interrupted, MigsafeError, OutOfTime, TimeIsUp
from migsafe.formats.words import duration
from migsafe.model.checks import CheckResult
from migsafe.model.report import Report
from migsafe.model.run import Blocker
from migsafe.postgres.connection import Database
from migsafe.run.events import Emit

_BUG = "This is a bug in migsafe: report it, with what MIGSAFE_DEBUG=1 prints in addition."


class Observer(Protocol):
    """Who watches: the command line, or nobody."""

    def known(self, database: Database) -> None:
        """The database is known: from here on its password must be kept out of every text."""

    def planned(self, report: Report) -> bool:
        """Plan, findings and preflight are there and nothing stands against the run. False declines it."""

    def progress(self, text: str, fraction: float | None) -> None:
        """A long step is under way; `fraction` from 0 to 1, None where the end cannot be known."""

    def blocked(self, blockers: tuple[Blocker, ...], pause: float) -> None:
        """A lock could not be had; the next attempt comes in `pause` seconds."""


class Stages:
    """Passes on what is told of the stages around the run, as events too, and remembers the last."""

    def __init__(self, observer: Observer, emit: Emit) -> None:
        self.observer, self.emit, self.last = observer, emit, "reading the revisions"

    def progress(self, text: str, fraction: float | None) -> None:
        if text != self.last:
            self.emit("progress", text=text, fraction=fraction)
        self.last = text
        self.observer.progress(text, fraction)


@contextmanager
def nothing_changed_when_stopped(stages: Stages, timeout: float | None) -> Iterator[None]:
    """Ctrl-C and the end of the time in this block: an error that says where it was, and that nothing was changed."""
    try:
        yield
    except TimeIsUp:
        raise OutOfTime(
            f"the time for the whole run ({duration(timeout or 0)}) was over while {stages.last}; nothing was changed",
            "Run the same command again, with a longer --timeout.",
        ) from None
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted while {stages.last}; nothing was changed") from None


def stopped_in(report: Report, stages: Stages, timeout: float | None, why: KeyboardInterrupt) -> Report:
    """`report` of a run that was stopped outside of its revisions: in the backup, or while it was proven."""
    if not isinstance(why, TimeIsUp):
        failure = f"interrupted by the operator while {stages.last}"
        return msgspec.structs.replace(report, failure=failure, stopped_at="interrupted")
    failure = f"the time for the whole run ({duration(timeout or 0)}) was over while {stages.last}"
    if not report.arrived:
        return msgspec.structs.replace(report, failure=failure, stopped_at="timeout")
    unproven = CheckResult(
        check="verification", group="verify", status="blocked", message=failure, remedy="migsafe verify last"
    )
    return msgspec.structs.replace(report, after=(unproven,))


def broken_off(report: Report, error: Exception) -> Report:
    """`report` of a run that an error of ours or of the connection ended outside of its revisions.

    What arrived has arrived: then it is the verification that failed, and the same command would find nothing to do.
    """
    if isinstance(error, MigsafeError):
        failure, remedy = error.message, error.remedy
    else:
        failure, remedy = f"{type(error).__name__}: {' '.join(str(error).split())}", _BUG
        if os.environ.get("MIGSAFE_DEBUG"):
            traceback.print_exc()
    if not report.arrived:
        return msgspec.structs.replace(report, failure=failure, remedy=remedy)
    unproven = CheckResult(
        check="verification",
        group="verify",
        status="blocked",
        message=f"the upgrade is in, and its verification broke off: {failure}",
        remedy=f"{remedy + ' ' if remedy else ''}Then: migsafe verify last",
    )
    return msgspec.structs.replace(report, after=(*report.after, unproven))


def kept(write: Callable[[], Report]) -> Report:
    """What `write` writes down, whatever still arrives: the time is over or does not matter, and Ctrl-C is too late."""
    unlimited()
    try:
        return write()
    except KeyboardInterrupt:
        return write()


@contextmanager
def limited(seconds: float | None) -> Iterator[None]:
    """Raise TimeIsUp in the block after `seconds`. Only the main thread can be stopped like that: in another one,
    nothing is, but the revisions (see run).
    """
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _time_is_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def unlimited() -> None:
    """From here on the time does not matter: what was done is written down."""
    if signal.getsignal(signal.SIGALRM) is _time_is_up:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _time_is_up(_number: int, _frame: FrameType | None) -> NoReturn:
    raise TimeIsUp

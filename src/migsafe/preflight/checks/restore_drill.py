"""Was a restore from these backups ever tried?"""

import datetime
from collections.abc import Iterator

from migsafe.model.checks import CheckResult
from migsafe.preflight.answer import answer, check
from migsafe.settings import Settings

CHECK = check(
    __name__,
    group="backup",
    why="A backup that nobody has restored from is a hope; most are found to be broken when they are needed.",
    remedy="Restore the newest backup on another machine, look at the data, then set restore_tested in the settings to "
    "that day.",
)

DAYS = 30


def run(*, settings: Settings, backup_kind: str, **_: object) -> Iterator[CheckResult]:
    """Only where somebody else's backup is relied upon: migsafe reads its own dumps back."""
    if backup_kind != "evidence":
        return
    tested = settings.restore_tested
    if tested is None:
        yield answer(CHECK, "warned", "Nobody has said that a restore from the backups was ever tried.")
        return
    days = (datetime.datetime.now(datetime.UTC).date() - tested).days
    if days > DAYS:
        yield answer(CHECK, "warned", f"A restore was last tried on {tested}, {days} days ago; more than {DAYS}.")
    elif days < -1:
        yield answer(CHECK, "warned", f"restore_tested is {tested}, which has not come yet.")
    else:
        yield answer(CHECK, "passed", f"A restore was tried on {tested}.")

"""Was a restore from these backups ever tried?"""

import datetime
from collections.abc import Iterator
from pathlib import Path

from migsafe import rundir
from migsafe.model.checks import CheckResult, Status
from migsafe.model.drill import Drill
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection
from migsafe.preflight.backups.drilled import age, newest, sentence
from migsafe.preflight.backups.listed import cluster
from migsafe.preflight.wording import duration
from migsafe.settings import Settings

CHECK = check(
    __name__,
    group="backup",
    why="A backup that nobody has restored from is a hope; most are found to be broken when they are needed.",
    remedy="Restore the newest backup on another machine, look at the data, then set restore_tested in the settings to "
    "that day. Of a dump that migsafe made: `migsafe restore --drill RUN`.",
)

DAY = 86400.0


def run(*, connection: Connection, settings: Settings, backup_kind: str, **_: object) -> Iterator[CheckResult]:
    """The last drill, if there was one; else what a person said, where somebody else's backup is relied upon."""
    if backup_kind == "none":
        return
    found = _drill(connection, settings, backup_kind)
    if found is not None:
        yield _judged(*found, settings, backup_kind)
    elif backup_kind == "evidence":
        yield _said(settings)


def _drill(connection: Connection, settings: Settings, backup_kind: str) -> tuple[Path, Drill] | None:
    """Of the backup that is relied upon, else of any that migsafe made of this database: it makes them all alike."""
    named = settings.backup_evidence
    if backup_kind == "evidence" and (named is not None or settings.backup_command is not None):
        backups = [Path(settings.directory) / named] if named is not None else []
    else:
        backups = [folder / rundir.BACKUP for folder in rundir.directories(settings)]
    return newest(backups, connection.info.dbname, cluster(connection).identifier)


def _judged(path: Path, drill: Drill, settings: Settings, backup_kind: str) -> CheckResult:
    message, shown = sentence(path, drill), {"ended": drill.ended.isoformat(), "server": drill.server}
    again = f"migsafe restore --drill {path.parent}"
    if not drill.equal:
        remedy = f"Make a new backup, and try it: {again}"
        status: Status = "blocked" if backup_kind == "evidence" and settings.backup_evidence is not None else "warned"
        return answer(CHECK, status, message, subject=str(path), remedy=remedy, evidence=shown)
    if age(drill) > settings.drill_max_age:
        message = f"{message} drill_max_age is {duration(settings.drill_max_age)}."
        return answer(CHECK, "warned", message, subject=str(path), remedy=f"Try a newer one: {again}", evidence=shown)
    return answer(CHECK, "passed", message, subject=str(path), evidence=shown)


def _said(settings: Settings) -> CheckResult:
    tested = settings.restore_tested
    if tested is None:
        return answer(CHECK, "warned", "Nobody has said that a restore from the backups was ever tried.")
    days, most = (datetime.datetime.now(datetime.UTC).date() - tested).days, round(settings.drill_max_age / DAY)
    if days > most:
        return answer(CHECK, "warned", f"A restore was last tried on {tested}, {days} days ago; more than {most}.")
    if days < -1:
        return answer(CHECK, "warned", f"restore_tested is {tested}, which has not come yet.")
    return answer(CHECK, "passed", f"A restore was tried on {tested}.")

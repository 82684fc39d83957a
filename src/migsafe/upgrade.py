"""The straight line: preview, lint, preflight, backup, run, verify. Only this file knows the order of the stages."""

import time
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from migsafe import __version__, journal
from migsafe.backup import back_up
from migsafe.backup.restore import write_restore_script
from migsafe.errors import BackupFailed, LockNotAvailable, MigsafeError
from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.model.report import Backup, Report, Undo
from migsafe.model.run import Blocker
from migsafe.postgres import advisory
from migsafe.postgres.connection import Database, connect
from migsafe.recorded import begin_run, write_report, written
from migsafe.revisions.config import Environment
from migsafe.revisions.plugin import collecting
from migsafe.revisions.read import Reading, read
from migsafe.run import Ran, run
from migsafe.settings import Settings
from migsafe.situation import Asked, Situation, look, now, report_of
from migsafe.undo import write_downgrade
from migsafe.verify import OwnCheck, run_own, verify


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


def upgrade(environment: Environment, settings: Settings, asked: Asked, observer: Observer) -> Report:
    """Take the database of `environment` to `asked.target`, and report.

    A refusal is a Report; what is raised is misuse or a server out of reach (see errors.py). The way down is the
    same way: `asked.direction`.
    """
    started = now()
    reading = read(environment, asked.target, direction=asked.direction, url=asked.url)
    database = Database.from_parameters(reading.connection or {})
    observer.known(database)
    if not reading.steps and not reading.unknown_heads:
        return _nothing_to_do(reading, database, asked, started)
    situation = look(environment, reading, settings, asked, observer.progress)
    report = report_of(situation, asked, started)
    if report.refused or asked.dry_run:
        stopped: Literal["dry-run"] | None = None if report.refused else "dry-run"
        return written(msgspec.structs.replace(report, stopped_at=stopped), situation, settings)
    if not observer.planned(report):
        return msgspec.structs.replace(report, stopped_at="declined", ended=now())
    return _carry_out(environment, settings, asked, observer, situation, report)


def _carry_out(
    environment: Environment,
    settings: Settings,
    asked: Asked,
    observer: Observer,
    situation: Situation,
    report: Report,
) -> Report:
    log, report = begin_run(situation, settings, report)
    with log:
        try:
            report = _guarded(environment, settings, asked, observer, situation, report, log)
        except MigsafeError as error:
            stopped: Literal["deadline"] | None = "deadline" if isinstance(error, LockNotAvailable) else None
            report = msgspec.structs.replace(report, failure=error.message, remedy=error.remedy, stopped_at=stopped)
        except KeyboardInterrupt:
            report = msgspec.structs.replace(
                report, failure="interrupted by the operator before anything was changed", stopped_at="interrupted"
            )
        return write_report(report, log)


def _guarded(
    environment: Environment,
    settings: Settings,
    asked: Asked,
    observer: Observer,
    situation: Situation,
    report: Report,
    log: journal.Journal,
) -> Report:
    plan, database = situation.preview.plan, situation.database
    directory = Path(report.directory or ".")
    ends = time.monotonic() + settings.deadline
    with (
        connect(database, application_name="migsafe lock") as lock_connection,
        advisory.runner_lock(
            lock_connection,
            advisory.key(database.dbname, plan.version_table),
            settings.deadline,
            lambda holder: observer.blocked((holder,), 0.0),
        ),
    ):
        own: dict[tuple[Any, ...], Any] = {}
        backup, undo = _way_back(directory, situation, settings, observer, log)
        report = msgspec.structs.replace(report, backup=backup, undo=undo)
        with collecting(own):
            ran = run(
                environment,
                plan,
                database=database,
                journal=log,
                lock_timeout=settings.lock_timeout,
                deadline=max(1.0, ends - time.monotonic()),
                search_path=situation.reading.search_path,
                url=asked.url,
                told=observer.progress,
                on_blocked=observer.blocked,
            )
    report = _after_run(report, ran)
    if ran.failure is None:
        observer.progress("verifying", None)
        log.write("verifying")
        report = msgspec.structs.replace(report, after=proven(situation, own))
    return report


def proven(situation: Situation, own: dict[tuple[Any, ...], Any]) -> tuple[CheckResult, ...]:
    """What the server says to the proofs derived from the plan, and to the revisions' own `op.verify`."""
    with connect(situation.database, read_only=True) as connection:
        derived = verify(connection, situation.preview.plan, situation.preview.before)
        return derived + run_own(connection, tuple(_own_check(each) for each in own.values()))


def _own_check(own: Any) -> OwnCheck:
    expect = "no rows" if own.no_rows else "true" if own.equals is True else str(own.equals)
    return OwnCheck(own.sql, expect, f"{own.path}:{own.line}")


def _way_back(
    directory: Path, situation: Situation, settings: Settings, observer: Observer, log: journal.Journal
) -> tuple[Backup, Undo | None]:
    seen, database = situation.preview, situation.database
    backup = Backup(kind=situation.backup_kind, because=_why_no_dump(situation.backup_kind))
    if situation.backup_kind == "dump":
        log.write("backup")
        version = seen.plan.server_version
        if version is None:
            raise BackupFailed("the server's version is not known")
        sizes = {each.name: each.bytes for each in seen.before.relations.values() if each.bytes is not None}
        backup = back_up(
            database,
            directory,
            server_version=version,
            jobs=settings.backup_jobs,
            on_progress=observer.progress,
            heads=seen.plan.current,
            table_sizes=sizes,
        )
    undo = None
    if seen.back is not None:
        undo = write_downgrade(directory, seen.back, seen.plan, seen.after)
    if backup.kind == "dump":
        script = write_restore_script(directory, backup, seen.plan)
        undo = msgspec.structs.replace(undo or Undo(), restore_sh=str(script))
    return backup, undo


def _after_run(report: Report, ran: Ran) -> Report:
    return msgspec.structs.replace(
        report,
        steps=ran.steps,
        failure=ran.failure,
        remedy=ran.remedy,
        stopped_at=ran.stopped_at,
        notes=(*report.notes, *ran.notes),
    )


def _why_no_dump(kind: str) -> str | None:
    return {"dump": None, "evidence": "evidence of another backup was accepted", "none": "--backup none"}[kind]


def _nothing_to_do(reading: Reading, database: Database, asked: Asked, started: str) -> Report:
    plan = Plan(
        current=reading.heads,
        target=reading.target,
        direction=asked.direction,
        server_version=reading.server_version,
        database=database.label,
        version_table=reading.version_table,
    )
    return Report(command=asked.direction, plan=plan, started=started, ended=now(), migsafe=__version__)

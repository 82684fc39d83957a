"""The straight line: preview, lint, preflight, backup, run, verify. Only this file knows the order of the stages."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec
import psycopg

from migsafe import __version__, journal
from migsafe.backup import back_up
from migsafe.backup.restore import write_restore_script
from migsafe.errors import MigsafeError
from migsafe.formats.words import near
from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.model.report import Backup, Excuse, Report, Undo
from migsafe.model.run import Blocker
from migsafe.own_checks import run_own_checks
from migsafe.postgres import advisory
from migsafe.postgres.connection import Database, connect
from migsafe.postgres.progress import versions
from migsafe.postgres.restore_point import mark
from migsafe.postgres.session import NEVER_IDLE
from migsafe.recorded import begin_run, write_report, written
from migsafe.revisions.config import Environment
from migsafe.revisions.plugin import collecting
from migsafe.revisions.read import Reading
from migsafe.run import Ran, run
from migsafe.run.events import Emit, silent
from migsafe.settings import Settings
from migsafe.situation import Asked, Situation, look, now, read_for, report_of
from migsafe.undo import write_downgrade
from migsafe.verify import Declared, run_declared, verify


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


def upgrade(
    environment: Environment, settings: Settings, asked: Asked, observer: Observer, emit: Emit = silent
) -> Report:
    """Take the database of `environment` to `asked.target`, and report.

    A refusal is a Report; what is raised is misuse, a server out of reach, or another runner that does not end before
    the deadline (see errors.py). The way down is the same way: `asked.direction`.
    """
    started = now()
    reading, database = _read(environment, asked, observer)
    if not reading.steps and not reading.unknown_heads:
        return _nothing_to_do(reading, database, asked, started)
    with ExitStack() as held:
        if not asked.dry_run and _waited_for_the_lock(held, reading, database, settings, observer):
            reading, database = _read(environment, asked, observer)
            if not reading.steps and not reading.unknown_heads:
                return _nothing_to_do(reading, database, asked, started)
        situation = look(environment, reading, settings, asked, observer.progress)
        report = report_of(situation, asked, started)
        if report.refused or asked.dry_run:
            stopped: Literal["dry-run"] | None = None if report.refused else "dry-run"
            return written(msgspec.structs.replace(report, stopped_at=stopped), situation, settings)
        if not observer.planned(report):
            return msgspec.structs.replace(report, stopped_at="declined", ended=now())
        return _carry_out(environment, settings, asked, observer, situation, report, emit)


def _read(environment: Environment, asked: Asked, observer: Observer) -> tuple[Reading, Database]:
    reading = read_for(environment, asked)
    database = Database.from_parameters(reading.connection or {})
    observer.known(database)
    return reading, database


def _waited_for_the_lock(
    held: ExitStack, reading: Reading, database: Database, settings: Settings, observer: Observer
) -> bool:
    """Become the only runner until `held` ends; whether the database moved while we waited for that.

    Before the plan is made: what the operator approves is then what runs.
    """
    connection = held.enter_context(connect(database, application_name="migsafe lock"))
    connection.execute(NEVER_IDLE)
    key = advisory.key(database.dbname, reading.version_table)
    held.enter_context(
        advisory.runner_lock(connection, key, settings.deadline, lambda holder: observer.blocked((holder,), 0.0))
    )
    return versions(connection, reading.version_table) != tuple(sorted(reading.heads))


def _carry_out(
    environment: Environment,
    settings: Settings,
    asked: Asked,
    observer: Observer,
    situation: Situation,
    report: Report,
    emit: Emit,
) -> Report:
    log, report = begin_run(situation, settings, report)
    with log:
        try:
            report = _with_way_back(report, situation, settings, observer, log)
            report = _marked(report, situation, log)
            own: dict[tuple[Any, ...], Any] = {}
            with collecting(own):
                report = _after_run(report, _run(environment, settings, asked, observer, situation, log, emit))
            if report.failure is None:
                observer.progress("verifying", None)
                log.write("verifying")
                report = msgspec.structs.replace(report, after=proven(situation, own, settings, asked.excuses))
        except MigsafeError as error:
            report = msgspec.structs.replace(report, failure=error.message, remedy=error.remedy)
        except OSError as error:
            failure = f"{error.filename or report.directory} cannot be written: {error.strerror}"
            remedy = "Free space there, or set `runs` to a folder on another disk."
            report = msgspec.structs.replace(report, failure=failure, remedy=remedy)
        except KeyboardInterrupt:
            report = msgspec.structs.replace(report, failure="interrupted by the operator", stopped_at="interrupted")
        return write_report(report, log)


def _run(
    environment: Environment,
    settings: Settings,
    asked: Asked,
    observer: Observer,
    situation: Situation,
    log: journal.Journal,
    emit: Emit,
) -> Ran:
    return run(
        environment,
        situation.preview.plan,
        database=situation.database,
        journal=log,
        lock_timeout=settings.lock_timeout,
        max_wait=settings.max_wait,
        queue_behind=settings.queue_behind,
        timeout=settings.timeout,
        terminate_idle=settings.terminate_idle_in_transaction,
        deadline=settings.deadline,
        search_path=situation.reading.search_path,
        url=asked.url,
        told=observer.progress,
        on_blocked=observer.blocked,
        emit=emit,
    )


def proven(
    situation: Situation, own: dict[tuple[Any, ...], Any], settings: Settings, excuses: tuple[Excuse, ...] = ()
) -> tuple[CheckResult, ...]:
    """What the server says to the proofs derived from the plan, to `op.verify`, and to the team's checks for after.

    A server that cannot be asked any more proves nothing: that is a result too, because the revisions are in.
    """
    try:
        with connect(situation.database, read_only=True) as connection:
            derived = verify(connection, situation.preview.plan, situation.preview.before)
            declared = run_declared(connection, tuple(_declared(each) for each in own.values()))
            return derived + declared + checked_after(connection, settings, excuses)
    except MigsafeError as error:
        again = "Verify when the server answers again: migsafe verify last"
        return (
            CheckResult(check="verification", group="verify", status="blocked", message=error.message, remedy=again),
        )


def checked_after(
    connection: psycopg.Connection[Any], settings: Settings, excuses: tuple[Excuse, ...] = ()
) -> tuple[CheckResult, ...]:
    """The team's checks for after the migration, with `--skip` and `require` as preflight has them."""
    because = {each.name: each.because for each in excuses if each.kind == "skip"}
    return tuple(
        msgspec.structs.replace(each, skipped_because=because.get(each.check), required=each.check in settings.require)
        for each in run_own_checks(settings, connection, "after")
    )


def _declared(own: Any) -> Declared:
    expect = "no rows" if own.no_rows else "true" if own.equals is True else str(own.equals)
    return Declared(own.sql, expect, f"{near(str(own.path))}:{own.line}")


def _with_way_back(
    report: Report, situation: Situation, settings: Settings, observer: Observer, log: journal.Journal
) -> Report:
    """`report` with a backup that was read back and the scripts of the way back, all in its directory."""
    seen, directory = situation.preview, Path(report.directory or ".")
    backup, undo = _backup(directory, situation, settings, observer, log), None
    if seen.back is not None:
        undo = write_downgrade(directory, seen.back, seen.plan, seen.after)
    if backup.kind == "dump":
        script = write_restore_script(directory, backup, seen.plan)
        undo = msgspec.structs.replace(undo or Undo(), restore_sh=str(script))
    return msgspec.structs.replace(report, backup=backup, undo=undo)


def _backup(
    directory: Path, situation: Situation, settings: Settings, observer: Observer, log: journal.Journal
) -> Backup:
    seen, kind = situation.preview, situation.backup_kind
    if kind != "dump" or seen.plan.server_version is None:
        return Backup(kind=kind, because=_why_no_dump(kind))
    log.write("backup")
    return back_up(
        situation.database,
        directory,
        server_version=seen.plan.server_version,
        jobs=settings.backup_jobs,
        on_progress=observer.progress,
        heads=seen.plan.current,
        table_sizes={each.name: each.bytes for each in seen.before.relations.values() if each.bytes is not None},
    )


def _marked(report: Report, situation: Situation, log: journal.Journal) -> Report:
    """`report` with the place in the WAL, just before the run, to which a recovery can go back."""
    relied_upon = situation.backup_kind == "evidence"
    try:
        with connect(situation.database, application_name="migsafe restore point") as connection:
            placed = mark(connection, f"migsafe_{Path(report.directory or '').name}", without_archive=relied_upon)
    except (MigsafeError, psycopg.Error) as error:
        note = f"no restore point: {type(error).__name__}"
        return msgspec.structs.replace(report, notes=(*report.notes, note)) if relied_upon else report
    log.write("restore-point", name=placed.name, lsn=placed.lsn, because=placed.because)
    if placed.name is not None:
        note = f"restore point before the run: {placed.name} at {placed.lsn} (recovery_target_name)"
    elif relied_upon:
        note = f"no restore point ({placed.because}); WAL was at {placed.lsn} before the run (recovery_target_lsn)"
    else:
        return report
    return msgspec.structs.replace(report, notes=(*report.notes, note))


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

"""The straight line: preview, lint, preflight, backup, run, verify. Only this file knows the order of the stages."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import msgspec
import psycopg

from migsafe import __version__, journal
from migsafe.alone import Place, alone, has_moved
from migsafe.backup import back_up
from migsafe.backup.restore import write_restore_script
from migsafe.errors import MigsafeError
from migsafe.going_back.remembered import as_before, remember
from migsafe.going_back.securing import Secured, to_be_saved, weighing
from migsafe.model.plan import Plan
from migsafe.model.report import Backup, Report, Undo
from migsafe.postgres.connection import Database, connect
from migsafe.postgres.restore_point import mark
from migsafe.proving.drift import drifted, new_drift
from migsafe.proving.proven import proven
from migsafe.recorded import begin_run, write_report, written
from migsafe.revisions.config import Environment
from migsafe.revisions.plugin import collecting
from migsafe.revisions.read import Reading
from migsafe.run import Ran, run
from migsafe.run.events import blocking
from migsafe.settings import Settings
from migsafe.situation import Asked, Situation, look, now, read_for, report_of
from migsafe.stopped import Observer, Stages, broken_off, kept, stopped_in
from migsafe.undo import write_downgrade


class Ready(msgspec.Struct, frozen=True):
    """What may run: nothing stands against it, and `lock` keeps other runners away."""

    environment: Environment
    situation: Situation
    report: Report
    lock: psycopg.Connection[Any]


def upgrade(
    environment: Environment, settings: Settings, asked: Asked, stages: Stages, began: float, reading: Reading
) -> Report:
    """Take the database of `reading`, the only one of `environment`, to `asked.target`, and report.

    A refusal is a Report; what is raised is misuse, a server out of reach, or another runner that does not end before
    the deadline (see errors.py). The way down is the same way: `asked.direction`. `began` is of time.monotonic().
    """
    started = now()
    with ExitStack() as held:
        ready = prepare(held, environment, settings, asked, stages, reading, started)
        if isinstance(ready, Report):
            return ready
        if not stages.observer.planned(ready.report):
            return msgspec.structs.replace(ready.report, stopped_at="declined", ended=now())
        return carry_out(ready, settings, asked, stages, began)


def prepare(
    held: ExitStack,
    environment: Environment,
    settings: Settings,
    asked: Asked,
    stages: Stages,
    reading: Reading,
    started: str,
    beside: Ready | None = None,
) -> Ready | Report:
    """Everything up to the question; the report where nothing may or need be run.

    `beside` is another round of env.py over the same database: its session and what it read of the catalog serve again.
    """
    database = _known(reading, stages.observer)
    if not reading.steps and not reading.unknown_heads:
        return _nothing_to_do(reading, database, asked, started)
    lock = None
    if not asked.dry_run:
        waits = blocking(stages.observer.blocked, stages.emit)
        lock = alone(held, reading, database, settings, waits, stages.progress, beside.lock if beside else None)
        if has_moved(lock, reading):
            known = reading
            reading = msgspec.structs.replace(
                read_for(environment, asked), notes=known.notes, left_alone=known.left_alone
            )
            database = _known(reading, stages.observer)
            if not reading.steps and not reading.unknown_heads:
                return _nothing_to_do(reading, database, asked, started)
    catalog = beside.situation.preview.before if beside else None
    situation = weighing(look(environment, reading, settings, asked, stages.progress, catalog), settings)
    report = report_of(situation, asked, started)
    if report.refused or lock is None:
        stopped: Literal["dry-run"] | None = None if report.refused else "dry-run"
        return written(msgspec.structs.replace(report, stopped_at=stopped), situation, settings)
    return Ready(environment, situation, report, lock)


def _known(reading: Reading, observer: Observer) -> Database:
    database = Database.from_parameters(reading.connection or {})
    observer.known(database)
    return database


def carry_out(ready: Ready, settings: Settings, asked: Asked, stages: Stages, began: float) -> Report:
    """Backup, run, verification of what was agreed to; the report, written."""
    environment, situation = ready.environment, ready.situation
    log, report = begin_run(situation, settings, ready.report)
    waits = blocking(stages.observer.blocked, stages.emit)
    with log, Place(ready.lock, situation.reading, settings, waits, stages.progress) as place, Secured() as secured:
        try:
            report = _with_way_back(report, situation, settings, stages, log)
            report = secured.secure(report, situation, settings, stages.progress, log)
            report = _marked(report, situation, log)
            before = drifted(environment, settings, asked.url)
            own: dict[tuple[Any, ...], Any] = {}
            with collecting(own):
                ran = _run(environment, settings, asked, stages, situation, log, place, began, secured)
                report = secured.conclude(_after_run(report, ran), log)
            if report.failure is None:
                stages.progress("verifying", None)
                log.write("verifying")
                after = proven(environment, situation, own, settings, asked.excuses, report.directory)
                after += new_drift(before, environment, settings, asked.url) + as_before(situation, settings)
                report = msgspec.structs.replace(report, after=after)
        except OSError as error:
            failure = f"{error.filename or report.directory} cannot be written: {error.strerror}"
            remedy = "Free space there, or set `runs` to a folder on another disk."
            report = msgspec.structs.replace(report, failure=failure, remedy=remedy)
        except KeyboardInterrupt as error:
            report = stopped_in(report, stages, settings.timeout, error)
        except Exception as error:
            report = broken_off(report, error)
        return kept(lambda: write_report(report, log))


def _run(
    environment: Environment,
    settings: Settings,
    asked: Asked,
    stages: Stages,
    situation: Situation,
    log: journal.Journal,
    place: Place,
    began: float,
    secured: Secured,
) -> Ran:
    return run(
        environment,
        situation.preview.plan,
        database=situation.database,
        journal=log,
        lock_timeout=settings.lock_timeout,
        max_wait=settings.max_wait,
        queue_behind=settings.queue_behind,
        timeout=None if settings.timeout is None else max(0.0, settings.timeout - (time.monotonic() - began)),
        terminate_idle=settings.terminate_idle_in_transaction,
        deadline=settings.deadline,
        concurrently_deadline=settings.concurrently_deadline,
        search_path=situation.reading.search_path,
        url=asked.url,
        told=stages.observer.progress,
        on_blocked=stages.observer.blocked,
        emit=stages.emit,
        is_alone=place.is_held,
        alone_again=place.again,
        securing=secured.before,
    )


def _with_way_back(
    report: Report, situation: Situation, settings: Settings, stages: Stages, log: journal.Journal
) -> Report:
    """`report` with a backup that was read back and the scripts of the way back, all in its directory."""
    seen, directory = situation.preview, Path(report.directory or ".")
    backup, undo = _backup(directory, situation, settings, stages, log), None
    if seen.back is not None:
        ways, saved = remember(directory, situation), to_be_saved(situation, settings)
        undo = write_downgrade(directory, seen.back, seen.plan, seen.after, ways, saved)
    if backup.kind == "dump":
        together = msgspec.structs.replace(seen.plan, steps=(*situation.beside, *seen.plan.steps))
        script = write_restore_script(directory, backup, together)
        undo = msgspec.structs.replace(undo or Undo(), restore_sh=str(script))
    return msgspec.structs.replace(report, backup=backup, undo=undo)


def _backup(directory: Path, situation: Situation, settings: Settings, stages: Stages, log: journal.Journal) -> Backup:
    seen, kind = situation.preview, situation.backup_kind
    if situation.dumped is not None:
        return situation.dumped
    if kind != "dump" or seen.plan.server_version is None:
        return Backup(kind=kind, because=_why_no_dump(kind))
    log.write("backup")
    stages.progress("backing up", None)
    return back_up(
        situation.database,
        directory,
        server_version=seen.plan.server_version,
        jobs=settings.backup_jobs,
        on_progress=stages.progress,
        heads=seen.plan.current,
        table_sizes={each.name: each.bytes for each in seen.before.relations.values() if each.bytes is not None},
        files=settings.backup_files,
        root=Path(settings.directory),
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
    name = reading.round.name if reading.round else None
    return Report(command=asked.direction, plan=plan, started=started, ended=now(), migsafe=__version__, round=name)

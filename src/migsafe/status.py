"""What is half done: read from the database and the run directories, and changed by nothing here."""

from pathlib import Path

import msgspec
import psycopg

from migsafe import journal, rundir
from migsafe.errors import ConnectionFailed, MigsafeError, SqlError
from migsafe.formats.json import read_report
from migsafe.formats.words import near
from migsafe.model.catalog import Catalog, Index
from migsafe.model.report import Report
from migsafe.model.status import LastRun, Leftover, Recorded, Status
from migsafe.postgres import advisory, left_behind
from migsafe.postgres.connection import Database, connect, redact
from migsafe.revisions.config import Environment
from migsafe.revisions.read import Reading, read, steps_between
from migsafe.settings import Settings
from migsafe.situation import Asked, connecting
from migsafe.sql.predict import predict
from migsafe.stopped import Observer


def status(environment: Environment, settings: Settings, asked: Asked, observer: Observer) -> Status:
    """What there is to know of the database of `environment`, and of the last run on it.

    Needs no privilege but SELECT on the version table. Raises UsageError or RevisionError for a project that cannot be
    read; a server out of reach is in the result, and then the last run is that on any database.
    """
    empty = Status(target=tuple(environment.script.get_heads()), typed=asked.typed, options=asked.options)
    try:
        with connecting():
            reading = read(environment, "heads", url=asked.url, revisions=False)
        database = Database.from_parameters(reading.connection or {})
        observer.known(database)
        with connect(database, application_name="migsafe status", read_only=True) as connection:
            return _asked(empty, environment, settings, reading, database, connection)
    except (ConnectionFailed, psycopg.OperationalError) as error:
        message = error.message if isinstance(error, MigsafeError) else " ".join(str(error).split())
        remedy = error.remedy if isinstance(error, MigsafeError) else None
        end = "" if message.endswith((".", "?", "!")) else "."
        said = f"{message}{end} {remedy}" if remedy else message
        return msgspec.structs.replace(empty, unreachable=said, last=last_run(settings, None))


def _asked(
    empty: Status,
    environment: Environment,
    settings: Settings,
    reading: Reading,
    database: Database,
    connection: psycopg.Connection[tuple[object, ...]],
) -> Status:
    rows = left_behind.progress_rows(connection, reading.version_table.rpartition(".")[0] or None)
    found = left_behind.leftovers(connection)
    unknown = () if rows is not None else (f"migsafe_progress: GRANT SELECT ON it to {connection.info.user}",)
    steps = [] if reading.unknown_heads else steps_between(environment, "heads", "upgrade", reading.heads)
    sent = _sent(settings)
    recorded = None if rows is None else tuple(_recorded(row, sent.get(row.digest), found) for row in rows)
    return msgspec.structs.replace(
        empty,
        database=redact(database.label, database),
        version_table=reading.version_table,
        heads=reading.heads,
        pending=None if reading.unknown_heads else tuple(step.revision.revision for step in steps),
        unknown_heads=reading.unknown_heads,
        runner=advisory.holding(connection, advisory.key(database.dbname, reading.version_table)),
        recorded=recorded,
        leftovers=tuple(_with_next(each, recorded or ()) for each in found),
        unknown=unknown,
        last=last_run(settings, database.label, reading.version_table),
    )


def last_run(settings: Settings, database: str | None, version_table: str | None = None) -> LastRun | None:
    """The newest run on `database` (a label, of whichever user; None: on any); not `migsafe backup`'s.

    With `version_table` on that one, or where the run did not say on which.
    """
    for path in rundir.directories(settings):
        found = _run_of(path)
        if found is None or (database is not None and not rundir.same_database(found.database, database)):
            continue
        if version_table is None or found.version_table in (None, version_table):
            return found
    return None


def _run_of(path: Path) -> LastRun | None:
    entries = list(journal.read(path / rundir.JOURNAL))
    report = _report_of(path)
    if report is None and not entries:
        return None
    last: dict[str, object] = {}
    for entry in entries:
        last = (last if entry["event"] not in ("revision", "started") else _kept(last)) | entry
    run = msgspec.convert(
        {"directory": near(str(path)), "outcome": _outcome(path, report), **_of_journal(last)}, LastRun
    )
    return run if report is None else _told(run, report)


def _kept(last: dict[str, object]) -> dict[str, object]:
    """What an entry that begins something new keeps of those before it."""
    return {
        name: last[name]
        for name in ("command", "database", "version_table", "current", "target", "pid", "host")
        if name in last
    }


def _of_journal(last: dict[str, object]) -> dict[str, object]:
    texts = ("command", "database", "version_table", "host", "event", "at", "revision", "place", "sql")
    found: dict[str, object] = {name: last[name] for name in texts if isinstance(last.get(name), str)}
    found |= {"pid": last["pid"]} if isinstance(last.get("pid"), int) else {}
    for name in ("current", "target"):
        value = last.get(name)
        found |= {name: tuple(map(str, value))} if isinstance(value, list) else {}
    return found


def _outcome(path: Path, report: Report | None) -> str:
    if report is not None:
        return report.outcome
    if journal.unfinished(path / rundir.JOURNAL) is None:
        return "ended"
    return "running" if rundir.is_alive(path) else "crashed"


def _report_of(path: Path) -> Report | None:
    try:
        return read_report((path / rundir.REPORT).read_bytes())
    except (OSError, msgspec.DecodeError):
        return None


def _told(run: LastRun, report: Report) -> LastRun:
    """`run` with what its report says; where it stopped is there, too."""
    stopped = next((step for step in report.steps if step.outcome in ("failed", "partial") and step.attempts), None)
    last = stopped.attempts[-1] if stopped is not None else None
    return msgspec.structs.replace(
        run,
        command=report.command,
        database=run.database or report.plan.database,
        version_table=run.version_table or report.plan.version_table,
        current=report.plan.current,
        target=report.plan.target,
        revision=stopped.revision if stopped is not None else None,
        place=last.place if last is not None else None,
        sql=last.statement if last is not None else None,
        failure=report.failure,
        remedy=report.remedy,
    )


def _sent(settings: Settings) -> dict[str, dict[str, object]]:
    """The statements that journals on this machine know, by digest."""
    found: dict[str, dict[str, object]] = {}
    for path in rundir.directories(settings)[:20]:
        for entry in journal.read(path / rundir.JOURNAL):
            if entry["event"] == "statement" and isinstance(entry.get("digest"), str):
                found.setdefault(entry["digest"], entry)
    return found


def _recorded(row: left_behind.Row, sent: dict[str, object] | None, found: tuple[Leftover, ...]) -> Recorded:
    known = {name: str(sent[name]) for name in ("place", "sql") if sent is not None and name in sent}
    return Recorded(
        revision=row.revision,
        number=row.number + 1,
        finished=row.finished,
        at=row.at,
        **known,
        next="skips it" if row.finished else _reconciling(known.get("sql"), found),
    )


def _reconciling(sql: str | None, found: tuple[Leftover, ...]) -> str:
    """What comes of a statement that was begun and never reported back."""
    names = _indexes(sql) if sql is not None else ()
    left = next((each for each in found if each.name in names), None)
    if left is not None and left.worker is not None:
        return f"waits for pid {left.worker}, which works on {left.name} still"
    if left is not None:
        return f"drops the invalid index {left.name}, then runs it again"
    return "looks whether it is done: then skips it, else clears away what is left of it and runs it again"


def _indexes(sql: str) -> tuple[str, ...]:
    """The indexes that a statement makes; none where the journal has cut it off."""
    try:
        return tuple(each.name for each in predict(sql, Catalog()).creates if isinstance(each, Index))
    except SqlError:
        return ()


def _with_next(left: Leftover, recorded: tuple[Recorded, ...]) -> Leftover:
    mine = next((each for each in recorded if left.name in each.next), None)
    if mine is None:
        return left
    return msgspec.structs.replace(left, next=f"revision {mine.revision}, statement {mine.number}: {mine.next}")

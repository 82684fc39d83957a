"""What is known before anything is changed: plan, findings, preflight."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import psycopg

from migsafe import __version__, rundir
from migsafe.errors import ConnectionFailed, UsageError
from migsafe.lint import excuse, lint
from migsafe.losing import left_alone, rows_lost
from migsafe.model.catalog import Catalog
from migsafe.model.checks import CheckResult
from migsafe.model.findings import Finding
from migsafe.model.plan import Step
from migsafe.model.report import Backup, Excuse, Report
from migsafe.postgres.catalog import read as read_catalog
from migsafe.postgres.connection import Database, connect, redact
from migsafe.postgres.refusal import explain
from migsafe.postgres.size import database_size
from migsafe.preflight import preflight
from migsafe.preview import Preview, preview
from migsafe.revisions.config import Environment
from migsafe.revisions.read import Direction, Reading, read, read_rounds
from migsafe.settings import Settings

BackupKind = Literal["dump", "evidence", "none"]


class Asked(msgspec.Struct, frozen=True):
    """What one call wants. `url` takes the place of the one in env.py; `excuses` are recorded in the report.

    `only` are the checks of preflight to ask, () for all; `rounds` the rounds of env.py to work in, by name or pattern,
    () for all. `typed` and `options` are the words before and after the command that name environment and database.
    """

    target: str
    direction: Direction = "upgrade"
    url: str | None = None
    dry_run: bool = False
    excuses: tuple[Excuse, ...] = ()
    typed: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    rounds: tuple[str, ...] = ()


class Situation(msgspec.Struct, frozen=True):
    """What is known before anything is changed.

    Where env.py has several rounds over one database, it is dumped once: `dumped` is that dump, None before it was
    made, and `beside` are the steps of the other rounds, which a restore takes back too.
    """

    reading: Reading
    preview: Preview
    database: Database
    findings: tuple[Finding, ...]
    before: tuple[CheckResult, ...]
    backup_kind: BackupKind
    notes: tuple[str, ...] = ()
    dumped: Backup | None = None
    beside: tuple[Step, ...] = ()


# Of a password with an @ in it, drivers take the rest for a part of the host name, and quote that.
_REST_OF_A_PASSWORD = re.compile(r"(['\"])[^'\"]*@")


@contextmanager
def connecting() -> Iterator[None]:
    """What the driver of env.py says of a connection that it could not make, with the remedy that fits."""
    try:
        yield
    except ConnectionFailed as error:
        message = _REST_OF_A_PASSWORD.sub(r"\1***@", error.message)
        place = (error.remedy or "").partition(" could not connect")[0]
        raise ConnectionFailed(message, f"{explain(message)[1]} ({place} connects.)") from None


def read_for(environment: Environment, asked: Asked) -> Reading:
    """What stands between the database and the target. Raises UsageError for a range, which is for reading only."""
    _not_a_range(asked)
    with connecting():
        return read(environment, asked.target, direction=asked.direction, url=asked.url)


def read_rounds_for(environment: Environment, asked: Asked) -> tuple[Reading, ...]:
    """The same for each round of env.py, in its order."""
    _not_a_range(asked)
    with connecting():
        return read_rounds(environment, asked.target, direction=asked.direction, url=asked.url)


def _not_a_range(asked: Asked) -> None:
    if ":" in asked.target:
        raise UsageError(
            f"{asked.target} is a range, and a database is where it is",
            "Name the target alone. A range is for preview, lint and --sql.",
        )


def look(
    environment: Environment,
    reading: Reading,
    settings: Settings,
    asked: Asked,
    progress: Callable[[str, float | None], None],
    catalog: Catalog | None = None,
) -> Situation:
    """Everything that can be known before: plan, findings, preflight. Changes nothing.

    `catalog` where the database was read just now, for another round of env.py.
    """
    database = Database.from_parameters(reading.connection or {})
    with connect(database, read_only=True) as connection:
        version = connection.info.server_version // 10000
        progress("reading the catalog", None)
        catalog = read_catalog(connection) if catalog is None else catalog
        catalog = msgspec.structs.replace(catalog, search_path=reading.search_path)
        seen = preview(
            environment,
            reading,
            catalog,
            database=database,
            server_version=version,
            scratch_url=settings.scratch_url,
            on_progress=progress,
        )
        # migsafe gives each revision its own transaction, whatever env.py says.
        alone = msgspec.structs.replace(seen.plan, one_transaction=False)
        findings = excuse(lint(alone, catalog, settings.lint, judging=False), asked.excuses)
        if asked.direction == "downgrade":
            findings = _as_losses(findings)
        kind = _backup_kind(settings, connection)
        progress("asking the server", None)
        before = preflight(
            connection,
            seen.plan,
            settings,
            catalog=catalog,
            skip=tuple(each for each in asked.excuses if each.kind == "skip"),
            only=asked.only,
            unknown_heads=reading.unknown_heads,
            backup_kind=kind,
            tenants=reading.round.beside if reading.round else (),
        )
        if asked.direction == "downgrade":
            before = (*before, *rows_lost(connection, seen.plan, catalog, asked.excuses))
            before += left_alone(seen.plan, reading.left_alone, asked.excuses)
    notes = (*reading.notes, *_crashed(settings, database, reading.version_table), *_not_asked(asked))
    return Situation(reading, seen, database, findings, before, kind, notes)


def report_of(situation: Situation, asked: Asked, started: str | None = None) -> Report:
    """The report as it stands before anything is changed."""
    return Report(
        command=asked.direction,
        plan=situation.preview.plan,
        started=started or now(),
        migsafe=__version__,
        findings=situation.findings,
        before=situation.before,
        excuses=asked.excuses,
        notes=situation.notes,
        asked=asked.target,
        typed=tuple(redact(word, situation.database) for word in asked.typed),
        options=asked.options,
        round=(situation.reading.round.name or None) if situation.reading.round else None,
    )


def _backup_kind(settings: Settings, connection: psycopg.Connection[Any]) -> BackupKind:
    if settings.backup is not None:
        return settings.backup
    return "dump" if database_size(connection) <= settings.backup_up_to else "evidence"


def _as_losses(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """A way back that takes away what the way there brought is what was asked for: said, and asked, not refused."""
    return tuple(
        msgspec.structs.replace(each, severity="warning") if each.severity == "error" else each for each in findings
    )


def _not_asked(asked: Asked) -> tuple[str, ...]:
    return (f"of preflight only {', '.join(asked.only)} was asked; no other check was",) if asked.only else ()


def _crashed(settings: Settings, database: Database, version_table: str) -> tuple[str, ...]:
    return tuple(_found(each) for each in rundir.crashed(settings, database.label, version_table)[:1])


def _found(run: rundir.Crashed) -> str:
    last = run.last
    where = f" in revision {last['revision']}" if "revision" in last else ""
    what = f", at {last['place']}: {last['sql']}" if {"place", "sql"} <= last.keys() else ""
    how = "is still running" if run.alive else "ended without a word"
    return f"an earlier run ({run.directory}, process {last.get('pid')}) {how}{where}{what}; last sign {last.get('at')}"


def now() -> str:
    """The time in UTC, ISO 8601 with milliseconds, as reports have it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")

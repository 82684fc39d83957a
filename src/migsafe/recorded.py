"""What a run leaves behind: its directory, its journal, its report."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from migsafe import journal, rundir
from migsafe.errors import UsageError
from migsafe.formats import json, markdown
from migsafe.formats import sql as sql_format
from migsafe.model.report import Report
from migsafe.proving.proofs import look_before, write_proofs
from migsafe.settings import Settings
from migsafe.situation import Situation, now
from migsafe.sql.layout import layout
from migsafe.verify import Baseline


def begin_run(situation: Situation, settings: Settings, report: Report) -> tuple[journal.Journal, Report]:
    """Make the run directory with its scripts and an open journal: from here on a crash leaves a trace."""
    plan = situation.preview.plan
    directory = rundir.create(settings, plan.current, plan.target)
    with _writable(directory):
        _write_before(directory, situation, look_before(situation, settings))
        log = journal.Journal(directory / rundir.JOURNAL)
        log.write(
            "started",
            command=plan.direction,
            database=situation.database.label,
            version_table=plan.version_table,
            round=report.round,
            current=plan.current,
            target=plan.target,
            fingerprint=plan.fingerprint,
            pid=os.getpid(),
            host=socket.gethostname(),
        )
    return log, msgspec.structs.replace(report, directory=str(directory))


def write_report(report: Report, log: journal.Journal) -> Report:
    """The last thing of a run: its report, and the word in the journal that it ended.

    What was done is done: a disk that is full by now is a note.
    """
    report = msgspec.structs.replace(report, ended=now())
    try:
        _write_report(Path(report.directory or "."), report)
    except OSError as error:
        note = f"the report could not be written to {report.directory}: {error.strerror}"
        report = msgspec.structs.replace(report, notes=(*report.notes, note))
    with suppress(OSError):
        log.write("ended", outcome=report.outcome, exit_code=report.exit_code)
    return report


def written(report: Report, situation: Situation, settings: Settings) -> Report:
    plan = situation.preview.plan
    directory = rundir.create(settings, plan.current, plan.target)
    report = msgspec.structs.replace(report, directory=str(directory), ended=now())
    with _writable(directory):
        _write_before(directory, situation)
        _write_report(directory, report)
    return report


@contextmanager
def _writable(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"{directory} cannot be written: {error.strerror}; nothing was changed",
            "Free space there, or set `runs` to a folder on another disk.",
        ) from None


def _write_before(directory: Path, situation: Situation, baseline: Baseline | None = None) -> None:
    seen = situation.preview
    rundir.write(directory / "preview.sql", sql_format.preview(seen.plan, layout))
    # The catalog that the proofs are derived from is gone after the run; `migsafe verify` asks them again.
    write_proofs(directory, situation, baseline)


def _write_report(directory: Path, report: Report) -> None:
    rundir.write(directory / rundir.REPORT, json.report_json(report))
    rundir.write(directory / "report.md", markdown.report(report))

"""What every act needs, and what several of them ask."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from migsafe.demo.database import Size, version
from migsafe.demo.project import line_of, reports
from migsafe.demo.shell import Shell
from migsafe.demo.surprise import expect
from migsafe.model.report import Report
from migsafe.postgres.connection import Database


class Scene(msgspec.Struct, frozen=True):
    """The project's shell, its database, how large that is, and the log of the application."""

    shell: Shell
    database: Database
    size: Size
    log: Path


def proven(scene: Scene, revision: str) -> Report:
    """The report of the last run, which must have arrived at `revision` and found everything there."""
    report = reports(scene.shell.folder)[0]
    expect("the outcome in the report", report.outcome, "done")
    expect("the revision of the database", version(scene.database), revision)
    expect("a backup that was read back", bool(report.backup and report.backup.kind == "dump"), True)
    expect("something that was verified", bool(report.after), True)
    return report


def refused(scene: Scene, revision: str, findings: Iterable[tuple[str, str, str]]) -> None:
    """The last run must have been refused at `revision`, for these rules, each at the line of a file with this text."""
    report = reports(scene.shell.folder)[0]
    wanted = sorted((rule, line_of(scene.shell.folder, name, text)) for rule, name, text in findings)
    expect("the outcome in the report", report.outcome, "refused")
    expect("the findings", sorted((each.rule, each.place) for each in report.open_errors), wanted)
    expect("checks of preflight that refuse", [each.check for each in report.before if each.refuses], [])
    expect("the revision of the database", version(scene.database), revision)

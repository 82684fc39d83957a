"""`migsafe runs`: what was run, newest first."""

import re
from pathlib import Path
from typing import Literal

import click
import msgspec

from migsafe.cli import output
from migsafe.cli.options import output_format
from migsafe.model.report import Report
from migsafe.rundir import BACKUP, JOURNAL, REPORT, directories, folder
from migsafe.settings import load

UNFINISHED = "crashed or running"


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run directory. Where there is no report, what the name of the directory tells."""

    name: str
    path: str
    command: str | None = None
    when: str | None = None
    current: tuple[str, ...] | None = None
    target: tuple[str, ...] | None = None
    outcome: str
    seconds: float | None = None
    exit_code: int | None = None
    round: str | None = None


@click.command(name="runs", short_help="List the runs in this project, newest first.")
@output_format("text", "json")
def command(format: Literal["text", "json"]) -> None:
    """List the runs in this project, newest first: when, from where to where, how it ended, for how long.

    A directory with a journal and no report is of a run that crashed or is still running; the same command resumes it.
    """
    settings = load()
    runs = [read(path) for path in directories(settings)]
    if format == "json":
        print(msgspec.json.format(msgspec.json.encode(runs), indent=2).decode())
    elif not runs:
        print(f"None yet: {near(folder(settings))} has no runs. `migsafe upgrade` makes one.")
    else:
        _table(runs)


def near(path: Path) -> Path:
    """`path` as a person in the working directory would type it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def read(path: Path) -> Run:
    """What a run directory says, also when the run has not come to its end or a file of it is damaged."""
    from migsafe.formats import json, words

    try:
        report = json.read_report((path / REPORT).read_bytes())
    except FileNotFoundError:
        outcome = UNFINISHED if (path / JOURNAL).exists() else "backup" if (path / BACKUP).exists() else "empty"
        return Run(name=path.name, path=str(path), when=_time_of(path.name), outcome=outcome)
    except (msgspec.DecodeError, OSError) as error:
        why = words.one_line(str(error), 60)
        return Run(name=path.name, path=str(path), when=_time_of(path.name), outcome=f"unreadable report ({why})")
    return _of(report, path)


def _of(report: Report, path: Path) -> Run:
    from migsafe.formats import words

    return Run(
        name=path.name,
        path=str(path),
        command=report.command,
        when=report.started,
        current=report.plan.current,
        target=report.plan.target,
        outcome=report.outcome,
        seconds=words.elapsed(report),
        exit_code=report.exit_code,
        round=report.round,
    )


def _time_of(name: str) -> str | None:
    found = re.match(r"(\d{4})-?(\d\d)-?(\d\d)T(\d\d)[:-]?(\d\d)[:-]?(\d\d)", name)
    return "{}-{}-{}T{}:{}:{}Z".format(*found.groups()) if found else None


def _table(runs: list[Run]) -> None:
    from migsafe.formats.lines import say

    rows = [("when", "from → to", "outcome", "took", "exit", "run"), *(_row(run) for run in runs)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    console = output.console()
    styles = {0: "dim"}
    for number, row in enumerate(rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        say(console, (line.rstrip(), styles.get(number, "")), hang=4)


def _row(run: Run) -> tuple[str, ...]:
    from migsafe.formats import words

    way = (
        "?" if run.current is None or run.target is None else f"{words.heads(run.current)} → {words.heads(run.target)}"
    )
    way = f"{run.round}: {way}" if run.round else way
    took = words.duration(run.seconds) if run.seconds is not None else "?"
    code = str(run.exit_code) if run.exit_code is not None else "?"
    return (words.time(run.when or "?"), way, run.outcome, took, code, run.name)

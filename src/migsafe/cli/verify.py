"""`migsafe verify [RUN|REVISION|all]`: ask the database whether what was to be true is true."""

from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from migsafe.cli.durations import duration_option
from migsafe.cli.options import Choices, Globals, choices, pass_globals
from migsafe.cli.show import LAST, find
from migsafe.errors import UsageError
from migsafe.model.checks import CheckResult
from migsafe.model.report import Report
from migsafe.proving import ALL
from migsafe.rundir import REPORT, directories
from migsafe.settings import Settings

if TYPE_CHECKING:
    from migsafe.cli.terminal import Terminal


@click.command(name="verify", short_help="Ask the database again what a run proved and revisions declare.")
@click.argument("what", metavar="[RUN | REVISION | all]", default=LAST)
@duration_option("--watch", "Ask again and again for so long, like 30m, and give a verdict at the end.")
@duration_option("--every", "How often to ask with --watch (default 10s).")
@click.option("--round-trip", is_flag=True, help="Try revisions on a scratch server: up, down, and up again.")
@choices("url", "scratch_url", "config_from", "tag", "round", "format")
@pass_globals
def command(
    given: Globals, what: str, watch: float | None, every: float | None, round_trip: bool, choices: Choices
) -> int:
    """Verify the database against the plan of RUN (a name in `migsafe runs`, or last: of the last that arrived), or
    against what REVISION declares in `def verify(check)` and verify/REVISION.sql; all: every revision that the
    database has. And the team's own checks for after a migration. Only reads.

    With --watch, after a deployment: a check that fails in the last round, or in three rounds in a row, has failed;
    one that failed and holds again is a warning. Proofs of a run are asked once.

    With --round-trip no database of yours is asked: each revision (or REVISION, or FROM:TO) goes up, down and up again
    on a scratch server, with generated rows in every table; schema and values are compared, and the verdict on its
    downgrade() is exact, lossy, wrong, empty or none.

    Exit code 5 when something is not as it should be.
    """
    if round_trip:
        from migsafe.cli.round_trip import try_round_trips

        return try_round_trips(given, choices, ALL if what == LAST else what)
    from migsafe.cli.opened import opened
    from migsafe.cli.printed import print_reports
    from migsafe.cli.terminal import Terminal
    from migsafe.going_back.remembered import still_as_before
    from migsafe.proving.verifying import verify_revisions, verify_run
    from migsafe.revisions.narrow import each_round
    from migsafe.situation import connecting

    if every is not None and watch is None:
        raise UsageError("--every is for --watch", "migsafe verify --watch 30m --every 10s")
    if ":" in what:
        raise UsageError(f"{what}: a range is for --round-trip", "migsafe verify all asks what they all declare.")
    environment, settings = opened(given, choices)
    runs = _runs(what, settings, choices.round)
    with Terminal(yes=True, printing=choices.format == "text", quiet=given.quiet) as terminal:
        asking = _watch(terminal, watch, every)
        if runs:
            _one_is_watched(watch, len(runs))
            reports = tuple(
                verify_run(
                    environment,
                    settings,
                    _report(run),
                    run,
                    choices.url,
                    terminal,
                    asking,
                    lambda plan, reading, database: still_as_before(plan, settings, reading, database),
                )
                for run in runs
            )
        else:
            revision = ALL if what == LAST else what
            with connecting():
                rounds = each_round(environment, choices.round, url=choices.url)
            _one_is_watched(watch, len(rounds))
            reports = tuple(verify_revisions(one, settings, revision, choices.url, terminal, asking) for one in rounds)
        if choices.format == "text":
            for report in reports:
                terminal.show_verified(report)
        else:
            print_reports(reports, choices.format)
    return 5 if any(result.refuses for report in reports for result in report.after) else 0


def _one_is_watched(watch: float | None, rounds: int) -> None:
    if watch is not None and rounds > 1:
        raise UsageError(f"--watch watches one round of env.py, and there are {rounds}", "Choose one: --round NAME.")


def _watch(
    terminal: "Terminal", seconds: float | None, every: float | None
) -> Callable[[Callable[[], tuple[CheckResult, ...]]], tuple[CheckResult, ...]]:
    from migsafe.proving.verifying import once
    from migsafe.proving.watching import watch

    if seconds is None:
        return once
    pause = every if every is not None else min(10.0, seconds)
    return lambda ask: watch(
        ask, seconds=seconds, every=pause, changed=terminal.show_change, progress=terminal.progress
    )


def _runs(what: str, settings: Settings, rounds: tuple[str, ...]) -> tuple[Path, ...]:
    """The directory of the run that is meant, none when revisions are; `last` is the newest that arrived.

    Of an env.py with several rounds, `last` are all that the same command took there, in its order.
    """
    if what == LAST:
        return _last(settings, rounds)
    path = None if what == ALL else find(what, settings)
    if path is not None and not (report := _report(path)).arrived:
        raise UsageError(f"run {path.name} did not arrive ({report.outcome})", "`migsafe runs` lists the others.")
    return () if path is None else (path,)


def _last(settings: Settings, rounds: tuple[str, ...]) -> tuple[Path, ...]:
    arrived = filter(_arrived, directories(settings))
    of_round = (path for path in arrived if not rounds or _fits(_report(path).round, rounds))
    newest = next(of_round, None)
    if newest is None or (last := _report(newest)).round is None:
        return () if newest is None else (newest,)
    same = [newest]
    for path in of_round:
        if _report(path).started != last.started:
            break
        same.append(path)
    return tuple(reversed(same))


def _fits(round: str | None, patterns: tuple[str, ...]) -> bool:
    return round is not None and any(fnmatchcase(round, pattern) for pattern in patterns)


def _arrived(path: Path) -> bool:
    try:
        return _report(path).arrived
    except UsageError:
        return False


def _report(path: Path) -> Report:
    from migsafe.formats.json import read_report

    try:
        return read_report((path / REPORT).read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{path / REPORT} is no report that can be read: {why}", "Verify another run.") from None

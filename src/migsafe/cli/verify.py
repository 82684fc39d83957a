"""`migsafe verify [RUN]`: ask again, now, what a run proved when it ended."""

from pathlib import Path

import click
import msgspec

from migsafe.cli.options import Choices, Globals, choices, pass_globals
from migsafe.cli.show import LAST, find
from migsafe.errors import UsageError
from migsafe.model.report import Report
from migsafe.rundir import REPORT, directories
from migsafe.settings import Settings

PROOFS = "proofs.json"


@click.command(name="verify", short_help="Ask the database again what a run proved.")
@click.argument("run", metavar="[RUN]", default="last")
@choices("url", "config_from", "tag", "format")
@pass_globals
def command(given: Globals, run: str, choices: Choices) -> int:
    """Verify the database against the plan of RUN (a name in `migsafe runs`, or last: of the last that arrived). Only
    reads.

    Exit code 5 when something is not as it was proven to be.
    """
    from migsafe.cli.opened import opened
    from migsafe.cli.printed import print_report
    from migsafe.cli.terminal import Terminal
    from migsafe.stages import verify_again

    environment, settings = opened(given, choices)
    earlier, proofs = _verifiable(run, settings)
    with Terminal(yes=True, printing=choices.format == "text", quiet=given.quiet) as terminal:
        report = verify_again(environment, settings, earlier, proofs, choices.url, terminal)
        if choices.format == "text":
            terminal.show_verified(report)
        else:
            print_report(report, choices.format)
    return 5 if any(result.refuses for result in report.after) else 0


def _verifiable(run: str, settings: Settings) -> tuple[Report, bytes]:
    """The report of a run that arrived, and its proofs; `last` is the newest of those."""
    path = next(filter(_arrived, directories(settings)), None) if run == LAST else find(run, settings)
    if path is None:
        raise UsageError(f"there is no finished run {run!r} to verify", "`migsafe runs` lists them.")
    report = _report(path)
    if not report.arrived:
        raise UsageError(f"run {path.name} did not arrive ({report.outcome})", "`migsafe runs` lists the others.")
    try:
        return report, (path / PROOFS).read_bytes()
    except OSError as error:
        raise UsageError(f"{path / PROOFS} cannot be read: {error.strerror}", "Verify another run.") from None


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

"""`migsafe verify [RUN]`: ask again, now, what a run proved when it ended."""

from pathlib import Path

import click
import msgspec

from migsafe.cli.options import Choices, Globals, choices, pass_globals


@click.command(name="verify", short_help="Ask the database again what a run proved.")
@click.argument("run", metavar="[RUN]", default="last")
@choices("url", "config_from", "tag", "format")
@pass_globals
def command(given: Globals, run: str, choices: Choices) -> int:
    """Verify the database against the plan of RUN (a name in `migsafe runs`, or last). Only reads.

    Exit code 5 when something is not as it was proven to be.
    """
    from migsafe.cli.opened import opened
    from migsafe.cli.printed import print_report
    from migsafe.cli.show import find
    from migsafe.cli.terminal import Terminal
    from migsafe.errors import UsageError
    from migsafe.formats.json import read_report
    from migsafe.stages import verify_again

    environment, settings = opened(given, choices)
    path = find(run, settings)
    files = [Path(path or ".") / name for name in ("report.json", "proofs.json")]
    if path is None or not all(file.exists() for file in files):
        raise UsageError(f"there is no finished run {run!r} to verify", "`migsafe runs` lists them.")
    try:
        earlier = read_report(files[0].read_bytes())
    except msgspec.DecodeError as error:
        raise UsageError(f"{files[0]} is no report that can be read: {error}", "Verify another run.") from None
    with Terminal(yes=True, printing=choices.format == "text" and not given.quiet) as terminal:
        report = verify_again(environment, earlier, files[1].read_bytes(), choices.url, terminal)
        if choices.format == "text":
            terminal.show_verified(report)
        else:
            print_report(report, choices.format)
    return 5 if any(result.refuses for result in report.after) else 0

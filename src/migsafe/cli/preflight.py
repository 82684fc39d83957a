"""`migsafe preflight [REVISION]`: may I start this now?"""

import click

from migsafe.cli.options import Choices, Command, Globals, choices, pass_globals


@click.command(name="preflight", cls=Command, short_help="Ask the server whether the upgrade may start now.")
@click.argument("revision", metavar="[REVISION]", default="heads")
@choices("url", "scratch_url", "config_from", "tag", "excuses", "backup", "format")
@pass_globals
def command(given: Globals, revision: str, choices: Choices) -> int:
    """Check server, extensions, disk, backup, privileges and contention for the upgrade to REVISION. Only reads.

    Four answers: passed, warned, blocked, and unknown, which names the GRANT or the setting that would settle it.
    Exit code 1 when a check blocks.
    """
    from migsafe.cli.opened import opened
    from migsafe.cli.printed import print_report
    from migsafe.cli.terminal import Terminal
    from migsafe.situation import Asked
    from migsafe.stages import check

    environment, settings = opened(given, choices)
    asked = Asked(revision, url=choices.url, excuses=choices.excuses, typed=given.typed, options=choices.typed)
    with Terminal(yes=True, printing=choices.format == "text", quiet=given.quiet) as terminal:
        report = check(environment, settings, asked, terminal)
        if choices.format == "text":
            terminal.show_checks(report)
        else:
            print_report(report, choices.format)
    return int(any(result.refuses for result in report.before))

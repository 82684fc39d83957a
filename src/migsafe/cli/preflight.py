"""`migsafe preflight [REVISION]`: may I start this now?"""

import click

from migsafe.cli.options import Choices, Command, Globals, choices, pass_globals

OPTIONS = (
    "url",
    "scratch_url",
    "config_from",
    "tag",
    "excuses",
    "only",
    "round",
    "require",
    "backup",
    "replica_url",
    "no_data",
    "allow_server_program",
    "verbose",
    "format",
)


@click.command(name="preflight", cls=Command, short_help="Ask the server whether the upgrade may start now.")
@click.argument("revision", metavar="[REVISION]", default="heads")
@choices(*OPTIONS)
@pass_globals
def command(given: Globals, revision: str, choices: Choices) -> int:
    """Check server, extensions, disk, backup, privileges and contention for the upgrade to REVISION, and ask the checks
    of your own. Only reads.

    Four answers: passed, warned, blocked, and unknown, which names the GRANT or the setting that would settle it.
    Exit code 1 when a check blocks, or one of --require is unknown. `--format markdown` is a checklist to sign.
    """
    from migsafe.cli.opened import opened
    from migsafe.cli.printed import print_reports
    from migsafe.cli.terminal import Terminal
    from migsafe.situation import Asked
    from migsafe.stages import check

    environment, settings = opened(given, choices)
    asked = Asked(
        revision,
        url=choices.url,
        excuses=choices.excuses,
        typed=given.typed,
        options=choices.typed,
        only=choices.only,
        rounds=choices.round,
    )
    printing = choices.format == "text"
    with Terminal(yes=True, printing=printing, quiet=given.quiet, verbose=choices.verbose) as terminal:
        reports = check(environment, settings, asked, terminal)
        if choices.format != "text":
            print_reports(reports, choices.format)
        elif reports[0].round is None:
            terminal.show_checks(reports[0])
        else:
            terminal.show_rounds(reports)
    return int(any(result.refuses for report in reports for result in report.before))

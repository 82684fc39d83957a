"""`migsafe upgrade REVISION`: stands where `alembic upgrade REVISION` stood."""

import sys
from contextlib import nullcontext, redirect_stdout

import click

from migsafe.cli.options import Choices, Command, Globals, choices, pass_globals

OPTIONS = (
    "url",
    "scratch_url",
    "config_from",
    "tag",
    "yes",
    "dry_run",
    "excuses",
    "backup",
    "lock_timeout",
    "deadline",
    "format",
)


@click.command(name="upgrade", cls=Command, short_help="Upgrade a live database: checked, backed up, guarded, proven.")
@click.argument("revision", metavar="REVISION")
@choices(*OPTIONS)
@pass_globals
def command(given: Globals, revision: str, choices: Choices) -> int:
    """Upgrade the database to REVISION (head, heads, a partial id, +1, label@head: as in Alembic).

    Shows the plan, its findings and the preflight checks, and refuses (exit code 1, nothing changed) where they stand
    against it. Asks; then dumps the database, runs one revision a transaction with short lock waits and retries, and
    verifies the result. What was done is in a directory of .migsafe/runs: `migsafe show last`.

    Exit codes: 0 done, 1 refused, 2 usage, 3 failed and the database is as before, 4 stopped part-way and the same
    command resumes, 5 upgraded but verification failed, 75 no lock before the deadline, 130 interrupted.
    """
    return migrate(given, revision, choices, "upgrade")


def migrate(given: Globals, revision: str, choices: Choices, direction: str) -> int:
    """Both ways: what `migsafe upgrade` and `migsafe downgrade` do. Returns the exit code."""
    # Alembic, SQLAlchemy and psycopg cost 0.3 s that `--help` need not pay.
    from migsafe.cli.opened import opened
    from migsafe.cli.printed import print_report
    from migsafe.cli.terminal import Terminal
    from migsafe.situation import Asked
    from migsafe.upgrade import upgrade

    environment, settings = opened(given, choices)
    asked = Asked(
        revision,
        "downgrade" if direction == "downgrade" else "upgrade",
        choices.url,
        choices.dry_run,
        choices.excuses,
        given.typed,
        choices.typed,
    )
    with Terminal(yes=choices.yes, printing=choices.format == "text", quiet=given.quiet) as terminal:
        # A revision may print; what reads a report from us must not find that in it.
        aside = redirect_stdout(sys.stderr) if choices.format != "text" else nullcontext()
        with aside:
            report = upgrade(environment, settings, asked, terminal)
        if choices.format == "text":
            terminal.show_after(report)
        else:
            print_report(report, choices.format)
    return report.exit_code

"""`migsafe upgrade REVISION`: stands where `alembic upgrade REVISION` stood."""

import sys
from contextlib import nullcontext, redirect_stdout

import click

from migsafe.cli.options import Choices, Command, Globals, choices, pass_globals
from migsafe.errors import MigsafeError, UsageError

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
    "max_wait",
    "terminate_idle_in_transaction",
    "deadline",
    "timeout",
    "only",
    "round",
    "require",
    "replica_url",
    "no_data",
    "allow_server_program",
    "verbose",
    "events",
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
    from migsafe.cli.events import writing
    from migsafe.cli.opened import opened
    from migsafe.cli.printed import print_reports
    from migsafe.cli.terminal import Terminal
    from migsafe.model.rounds import Rounds
    from migsafe.rounds import migrate as migrate_rounds
    from migsafe.situation import Asked

    if choices.events == "-" and choices.format != "text":
        raise UsageError("--events - and --format both want standard output", "Give --events a file.")
    environment, settings = opened(given, choices)
    asked = Asked(
        revision,
        "downgrade" if direction == "downgrade" else "upgrade",
        choices.url,
        choices.dry_run,
        choices.excuses,
        given.typed,
        choices.typed,
        choices.only,
        choices.round,
    )
    # What reads events or a report from us must find nothing else there; a revision may print.
    ours = choices.format != "text" or choices.events == "-"
    with (
        writing(choices.events) as emit,
        Terminal(
            yes=choices.yes,
            printing=choices.format == "text",
            quiet=given.quiet,
            verbose=choices.verbose,
            stderr=ours,
        ) as terminal,
    ):
        try:
            with redirect_stdout(sys.stderr) if ours else nullcontext():
                reports = migrate_rounds(environment, settings, asked, terminal, emit)
        except MigsafeError as error:
            emit("done", outcome=None, exit_code=error.exit_code, failure=error.message, remedy=error.remedy)
            raise
        whole = Rounds(reports)
        why = {"failure": whole.worst.failure, "remedy": whole.worst.remedy}
        emit("done", outcome=whole.outcome, exit_code=whole.exit_code, **why)
        if choices.format != "text":
            print_reports(reports, choices.format)
        elif reports[0].round is None:
            terminal.show_after(reports[0])
        else:
            terminal.show_rounds(reports)
    return whole.exit_code

"""`migsafe downgrade REVISION`: the way back, guarded like the way there."""

import click

from migsafe.cli.options import Choices, Command, Globals, choices, pass_globals
from migsafe.cli.upgrade import OPTIONS, migrate


@click.command(name="downgrade", cls=Command, short_help="Downgrade a live database, after saying what is lost.")
@click.argument("revision", metavar="REVISION")
@choices(*OPTIONS)
@pass_globals
def command(given: Globals, revision: str, choices: Choices) -> int:
    """Downgrade the database to REVISION (base, a partial id, -1: as in Alembic) by the revisions' own downgrade().

    Guarded like `migsafe upgrade`. What is dropped or rewritten is shown, and asked about, not refused; the database
    is dumped first. Exit codes as of `migsafe upgrade`.
    """
    return migrate(given, revision, choices, "downgrade")

"""`migsafe downgrade REVISION`: the way back, guarded like the way there."""

import click

from migsafe.cli.options import Choices, Command, Globals, choices, pass_globals
from migsafe.cli.upgrade import OPTIONS, migrate


@click.command(name="downgrade", cls=Command, short_help="Downgrade a live database, after saying what is lost.")
@click.argument("revision", metavar="REVISION")
@click.option(
    "--lose",
    multiple=True,
    metavar="NAME",
    expose_value=True,
    help="Go on although the rows of this are lost (column:public.t.c, table:public.t), or nothing of it is undone "
    "(revision:REV).",
)
@choices(*OPTIONS)
@pass_globals
def command(given: Globals, revision: str, choices: Choices, lose: tuple[str, ...]) -> int:
    """Downgrade the database to REVISION (base, a partial id, -1: as in Alembic) by the revisions' own downgrade().

    Where a revision has none, by the one derived of its statements: `migsafe undo-plan`. Guarded like `migsafe
    upgrade`; the database is dumped first. Tables and columns that go are refused while they hold rows, and a revision
    whose downgrade() is empty where none can be derived: each needs its --lose, and a --because. Afterwards the schema
    is compared with the one that the upgrade recorded. Exit codes as of `migsafe upgrade`.
    """
    return migrate(given, revision, choices, "downgrade")

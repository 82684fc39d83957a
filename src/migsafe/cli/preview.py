"""`migsafe preview [REVISION]`: the SQL that an upgrade would send, statement by statement."""

from typing import TYPE_CHECKING

import click

from migsafe.cli.options import Choices, Globals, choices, pass_globals

if TYPE_CHECKING:
    from migsafe.cli.looked import Looked


@click.command(name="preview", short_help="Print the SQL of the pending revisions, with lines and locks.")
@click.argument("revision", metavar="[REVISION | FROM:TO]", default="heads")
@click.option("--downgrade", is_flag=True, help="Preview the way down to REVISION instead.")
@click.option("--sql", "as_sql", is_flag=True, hidden=True)
@choices("url", "scratch_url", "config_from", "tag", "round", "format")
@pass_globals
def command(given: Globals, revision: str, downgrade: bool, as_sql: bool, choices: Choices) -> int:
    """Print what `migsafe upgrade REVISION` would send to the server, with file, line, operation and locks.

    From the database's own heads, which are only read. FROM:TO (base:head) needs no database. What cannot be rendered
    without one is replayed on a scratch server; what cannot be read at all is said, never passed over.
    """
    from migsafe.cli.looked import look_at

    seen = look_at(given, revision, choices, "downgrade" if downgrade else "upgrade")
    if choices.format == "json":
        import msgspec

        from migsafe.cli.linted import joined
        from migsafe.formats.json import plan_json

        whole = joined(each.preview.plan for each in seen)
        print(msgspec.json.format(msgspec.json.encode(plan_json(whole, ())), indent=2).decode())
        return 0
    for each in seen:
        print(_text(each, choices.format), end="")
    return 0


def _text(looked: "Looked", format: str) -> str:
    plan, rounds = looked.preview.plan, ", ".join(looked.rounds)
    if format == "markdown":
        from migsafe.formats.markdown import plan as in_markdown

        return (f"# Rounds: {rounds}\n\n" if rounds else "") + in_markdown(plan)
    from migsafe.formats.sql import preview
    from migsafe.sql.layout import layout

    return (f"-- Rounds of env.py: {rounds}\n" if rounds else "") + preview(plan, layout)

"""`migsafe preview [REVISION]`: the SQL that an upgrade would send, statement by statement."""

import click

from migsafe.cli.options import Choices, Globals, choices, pass_globals


@click.command(name="preview", short_help="Print the SQL of the pending revisions, with lines and locks.")
@click.argument("revision", metavar="[REVISION | FROM:TO]", default="heads")
@click.option("--downgrade", is_flag=True, help="Preview the way down to REVISION instead.")
@click.option("--sql", "as_sql", is_flag=True, hidden=True)
@choices("url", "scratch_url", "config_from", "tag", "format")
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

        from migsafe.formats.json import plan_json

        print(msgspec.json.format(msgspec.json.encode(plan_json(seen.plan, ())), indent=2).decode())
    elif choices.format == "markdown":
        from migsafe.formats.markdown import plan

        print(plan(seen.plan), end="")
    else:
        from migsafe.formats.sql import preview
        from migsafe.sql.layout import layout

        print(preview(seen.plan, layout), end="")
    return 0

"""`migsafe undo-plan [REVISION | FROM:TO]`: the way back, before anybody has to go it."""

import click

from migsafe.cli.options import Choices, Command, Globals, choices, pass_globals


@click.command(name="undo-plan", cls=Command, short_help="Show the way back of each revision, statement by statement.")
@click.argument("revision", metavar="[REVISION | FROM:TO]", default="heads")
@click.option("--format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@choices("url", "scratch_url", "config_from", "tag", "round")
@pass_globals
def command(given: Globals, revision: str, format: str, choices: Choices) -> int:
    """Show what takes back each statement of the revisions up to REVISION that the database does not have yet.

    Beside it the verdict on the revision's own downgrade(). FROM:TO (base:heads) needs no database, and knows of
    comments, grants and settings only what the revisions say. An inverse is exact, lossy (it says what is lost), or
    impossible (it says why). Ends with 1 when a revision has neither a downgrade() that arrives nor a derived way back.
    """
    from migsafe.cli.looked_back import look_back
    from migsafe.formats.undo import as_json, text

    ways = look_back(given, revision, choices)
    if format == "json":
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(as_json(ways)), indent=2).decode())
    else:
        print(text(ways), end="")
    stuck = [way for way in ways if way.derived == "impossible" and way.own not in ("exact", "lossy", "unreadable")]
    return 1 if stuck else 0

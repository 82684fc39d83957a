"""`migsafe status`: what a run that crashed, failed or still goes on has left."""

from typing import TYPE_CHECKING

import click

from migsafe.cli.options import Choices, Command, Globals, choices, pass_globals

if TYPE_CHECKING:
    from migsafe.revisions.config import Environment


@click.command(name="status", cls=Command, short_help="Tell what a crashed or running run has left, and what to type.")
@choices("url", "config_from", "tag", "round")
@click.option("--format", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print.")
@pass_globals
def command(given: Globals, choices: Choices, format: str) -> int:
    """Tell where the database is, who migrates it now, what is half done, how the last run ended, what to type next.

    Only reads, and needs no privilege but SELECT on the version table. Without a server it tells what the run
    directories know. Of an env.py that migrates several databases or schemas, each is told, or those of --round.

    Exit codes: 0 nothing is half done, or somebody is at it; 2 no server, or a broken project; 4 something is half
    done, and the command that is printed carries on.
    """
    import msgspec

    from migsafe.cli import output
    from migsafe.cli.opened import opened
    from migsafe.cli.terminal import Terminal
    from migsafe.formats import status as formats
    from migsafe.formats.lines import heading
    from migsafe.situation import Asked
    from migsafe.status import status

    environment, settings = opened(given, choices)
    asked = Asked("heads", url=choices.url, typed=given.typed, options=choices.typed)
    with Terminal(yes=True, printing=False) as terminal:
        rounds = _rounds(environment, choices)
        found = [status(one, settings, asked, terminal) for one in rounds]
    if format == "json":
        documents = [msgspec.to_builtins(each) | {"exit_code": each.exit_code} for each in found]
        if rounds[0].only is not None:
            names = [one.only.name for one in rounds if one.only is not None]
            documents = [{"rounds": [{"round": name} | each for name, each in zip(names, documents, strict=True)]}]
        print(msgspec.json.format(msgspec.json.encode(documents[0]), indent=2).decode())
    else:
        for one, each in zip(rounds, found, strict=True):
            if one.only is not None:
                heading(output.console(), "Round", one.only.name)
            formats.text(each, output.console())
    return max(each.exit_code for each in found)


def _rounds(environment: "Environment", choices: Choices) -> "tuple[Environment, ...]":
    """One for each round of env.py; where there is no server, that is for status() to tell."""
    from migsafe.errors import ConnectionFailed
    from migsafe.revisions.narrow import each_round

    try:
        return each_round(environment, choices.round, url=choices.url)
    except ConnectionFailed:
        return (environment,)

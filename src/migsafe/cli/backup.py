"""`migsafe backup`: a dump that was read back in full, with the script that restores it."""

import shlex
from pathlib import Path

import click

from migsafe.cli.options import Choices, Globals, choices, pass_globals


@click.command(name="backup", short_help="Dump the database, read the dump back, and write restore.sh.")
@click.option("--to", "folder", type=click.Path(path_type=Path), help="Where; default: a new run directory.")
@choices("url", "config_from", "tag")
@pass_globals
def command(given: Globals, folder: Path | None, choices: Choices) -> int:
    """Dump the database of this environment in parallel with checksums, read it back in full, write restore.sh."""
    from migsafe.cli import output
    from migsafe.cli.opened import opened
    from migsafe.cli.terminal import Terminal
    from migsafe.formats import text, words
    from migsafe.formats.lines import say
    from migsafe.stages import dump

    environment, settings = opened(given, choices)
    with Terminal(yes=True, printing=True, quiet=given.quiet) as terminal:
        backup, script = dump(environment, settings, choices.url, folder, terminal)
    console = output.console()
    text.backup(backup, console)
    say(console, ("restore it with: ", "dim"), f"sh {shlex.quote(words.near(str(script)))}", fold=False)
    return 0

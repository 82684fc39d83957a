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
    """Dump the database of this environment in parallel with checksums, read it back in full, write restore.sh.

    Beside the dump: the objects of the database as of the same moment, roles and tablespaces (without passwords), and
    the files of `backup_files`. What is not in it is said. `migsafe restore --drill` tries it out.
    """
    from migsafe.backup.room import left_over
    from migsafe.cli import output
    from migsafe.cli.opened import opened
    from migsafe.cli.terminal import Terminal
    from migsafe.formats import text, words
    from migsafe.formats.lines import say
    from migsafe.rundir import folder as folder_of
    from migsafe.stages import dump

    environment, settings = opened(given, choices)
    with Terminal(yes=True, printing=True, quiet=given.quiet) as terminal:
        backup, script = dump(environment, settings, choices.url, folder, terminal)
    console = output.console()
    text.backup(backup, console)
    say(console, ("restore it with: ", "dim"), f"sh {shlex.quote(words.near(str(script)))}", fold=False)
    run = shlex.quote(words.near(str(script.parent)))
    say(console, ("try it out with: ", "dim"), f"migsafe restore --drill {run}", fold=False)
    for path in left_over(folder_of(settings)):
        rest = shlex.quote(words.near(str(path)))
        say(console, ("left by a backup that was killed: ", "dim"), f"rm -r {rest}", fold=False)
    return 0

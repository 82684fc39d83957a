"""`migsafe revision-downgrade REVISION`: writes the downgrade() that a revision lacks."""

import sys
import time

import click

from migsafe.cli.options import Choices, Command, Globals, choices, pass_globals


@click.command(name="revision-downgrade", cls=Command, short_help="Write downgrade() for a revision that has none.")
@click.argument("revision", metavar="REVISION")
@click.option("--diff", is_flag=True, help="Print what would be written, as a diff; change nothing.")
@choices("url", "scratch_url", "config_from", "tag", "round")
@pass_globals
def command(given: Globals, revision: str, diff: bool, choices: Choices) -> int:
    """Write downgrade() into the file of REVISION, whose own is missing, empty or raises.

    It takes back each statement of upgrade(), the last first: what `migsafe undo-plan` shows. What it cannot bring back
    stands in it as a comment. Where the way back of a statement is not known, nothing is written, and the reason said.
    """
    from migsafe import fixes
    from migsafe.cli.looked_back import look_back
    from migsafe.errors import UsageError
    from migsafe.going_back.written_back import downgrade_for
    from migsafe.revisions.config import relative

    since = time.time()
    ways = look_back(given, revision, choices)
    if not ways:
        raise UsageError(f"{revision} names no revision", "Give its id, or the beginning of it: `migsafe history`.")
    written = downgrade_for(ways[-1])
    found = fixes.Fixes(files=(written,))
    if diff:
        sys.stdout.write(fixes.diff(found))
        return 0
    fixes.write(found, since)
    print(f"migsafe: wrote downgrade() of {ways[-1].revision} into {relative(written.path)}", file=sys.stderr)
    for each in ways[-1].undone:
        for lost in each.inverse.loses:
            print(f"migsafe: it does not bring back {lost}", file=sys.stderr)
    return 0

"""`migsafe lint [REVISION]`: the hazards of the pending revisions, each at its line."""

import click

from migsafe.cli.options import Choices, Command, Globals, choices, pass_globals

_RANK = {"error": 3, "warning": 2, "info": 1}


@click.command(name="lint", cls=Command, short_help="Find what would block or lose, at the line of the op.* call.")
@click.argument("revision", metavar="[REVISION | FROM:TO]", default="heads")
@click.option("--downgrade", is_flag=True, help="Lint the way down to REVISION instead.")
@choices("url", "scratch_url", "config_from", "tag", "excuses", "format")
@pass_globals
def command(given: Globals, revision: str, downgrade: bool, choices: Choices) -> int:
    """Find the hazards of the revisions that the database does not have yet, or of FROM:TO without a database.

    Exit code 1 when a finding is at or above `fail_on` of the settings (default: error).
    """
    from migsafe.cli import output
    from migsafe.cli.looked import look_at
    from migsafe.lint import excuse, lint
    from migsafe.settings import load

    seen = look_at(given, revision, choices, "downgrade" if downgrade else "upgrade")
    settings = choices.over(load())
    # A range is history, of which each revision was (or will be) deployed by itself.
    each_alone = ":" in revision
    findings = excuse(lint(seen.plan, seen.before, settings.lint, each_alone=each_alone), choices.excuses)
    if choices.format == "json":
        import msgspec

        from migsafe.formats.json import plan_json

        print(msgspec.json.format(msgspec.json.encode(plan_json(seen.plan, findings)), indent=2).decode())
    elif choices.format == "markdown":
        from migsafe.formats.markdown import findings as in_markdown

        print(in_markdown(findings), end="")
    else:
        from migsafe.formats import text

        text.findings(findings, output.console())
    least = _RANK[settings.lint.fail_on]
    return int(any(_RANK[each.severity] >= least for each in findings if each.ignored_because is None))

"""`migsafe rules [NAME]`: what lint asks, why, and the safe form."""

from collections.abc import Sequence

import click

from migsafe.cli.options import output_format
from migsafe.errors import UsageError, nearest


@click.command(name="rules", short_help="List the rules of lint; with a NAME say why, with examples and the fix.")
@click.argument("name", metavar="[NAME]", required=False)
@output_format("text", "json")
def command(name: str | None, format: str) -> None:
    """List the rules of lint by pack, with the severity that they have in this project.

    With a NAME: what happens to the application, a bad and a good example, the fix, and how to accept one finding.
    """
    # rich and the parser cost 200 ms that --help need not pay.
    from migsafe.cli import output
    from migsafe.formats.rules import Listed, as_json, listing, page
    from migsafe.lint import all_rules
    from migsafe.settings import load

    settings = load().lint
    listed = [
        Listed(
            rule,
            settings.severity.get(rule.name, rule.severity),
            (rule.pack != "style" or not {rule.name, rule.pack}.isdisjoint(settings.enable))
            and rule.name not in settings.disable,
        )
        for rule in all_rules()
    ]
    if name is not None:
        _only_known(name, [each.rule.name for each in listed])
        listed = [each for each in listed if each.rule.name == name]
    if format == "json":
        click.echo(as_json(listed), nl=False)
    elif name is None:
        listing(listed, output.console())
    else:
        from migsafe.lint.quoted import said_of_bad

        page(listed[0], said_of_bad(listed[0].rule), output.console())


def _only_known(name: str, known: Sequence[str]) -> None:
    if name not in known:
        near = nearest(name, known)
        remedy = f"Did you mean {near}?" if near else "`migsafe rules` lists them."
        raise UsageError(f"there is no rule {name}", remedy)

"""`migsafe lint [INPUT …]`: the hazards of revisions and of SQL, each at its line."""

import time
from typing import get_args

import click

from migsafe.cli.findings import Output, findings_format, print_findings
from migsafe.cli.fixing import fixing_options
from migsafe.cli.known import Past, baseline_options, over_past
from migsafe.cli.options import Choices, Command, Globals, choices, pass_globals, was_typed
from migsafe.formats.findings import FindingsFormat
from migsafe.model.findings import FailOn


@click.command(name="lint", cls=Command, short_help="Find what would block or lose, at the line of the op.* call.")
@click.argument("inputs", metavar="[REVISION | FROM:TO | FILE | -]...", nargs=-1)
@click.option("--downgrade", is_flag=True, help="Lint downgrade() of these; with a REVISION, the way down to it.")
@click.option("--base-ref", metavar="REF", help="Lint what differs in git from where this branch left REF.")
@click.option("--select", multiple=True, metavar="RULE", help="Ask only this rule, or pack of rules.")
@click.option("--ignore", multiple=True, metavar="RULE", help="Do not ask this rule, or pack of rules.")
@click.option("--fail-on", type=click.Choice(get_args(FailOn)), help="The least severity that ends with 1.")
@baseline_options
@click.option("--schema", metavar="FILE", help="SQL that builds the schema before, for SQL files.")
@click.option(
    "--server-version",
    type=click.Choice(["14", "15", "16", "17", "18"]),
    help="The major version of PostgreSQL, for SQL files.  [default: 18, or that of --url]",
)
@click.option("--stats", metavar="FILE", help="Sizes that `migsafe stats` wrote, for where no database is asked.")
@choices("url", "scratch_url", "config_from", "tag", "round", "excuses")
@fixing_options
@findings_format
@pass_globals
def command(
    given: Globals,
    inputs: tuple[str, ...],
    downgrade: bool,
    base_ref: str | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    fail_on: FailOn | None,
    past: Past,
    schema: str | None,
    server_version: str | None,
    stats: str | None,
    choices: Choices,
    fix: bool,
    diff: bool,
    format: FindingsFormat,
    outputs: tuple[Output, ...],
) -> int:
    """Find the hazards of the revisions that the database does not have yet.

    Without a database: of FROM:TO (base:heads is everything), of what this branch adds (--base-ref origin/main), of
    revision files, of SQL files, or of SQL on standard input (-).

    --fix mends the revision files where that is safe: only files of revisions that are pending in the database, or that
    this branch adds. What needs a revision of its own gets one, and later revisions follow that one.

    Exit code 1 when a finding is at or above `fail_on` of the settings (default: error).
    """
    from migsafe.cli.fixing import fix_findings, refuse_wrong_use, show_diff
    from migsafe.cli.inputs import Seen, Wanted, look_at_inputs
    from migsafe.cli.linted import failed, linted, over_settings
    from migsafe.cli.stats import statistics_for
    from migsafe.lint import excuse
    from migsafe.model.findings import Finding
    from migsafe.model.plan import Plan
    from migsafe.settings import load

    loaded = load()
    settings = over_settings(choices.over(loaded).lint, select, ignore)
    past = past.over(settings)
    sizes = statistics_for(stats, loaded)
    wanted = Wanted(
        inputs=inputs,
        base_ref=base_ref,
        downgrade=downgrade,
        url=choices.url if was_typed("url") else None,
        schema=schema,
        server_version=int(server_version) if server_version else None,
    )
    refuse_wrong_use(fix=fix, diff=diff, downgrade=downgrade)
    since = time.time()

    def look() -> tuple[tuple[Seen, ...], Plan, tuple[Finding, ...]]:
        seen = look_at_inputs(given, wanted, choices)
        plan, found = linted(seen, settings, sizes)
        return seen, plan, tuple(over_past(excuse(found, choices.excuses), plan, past, settings))

    seen, plan, findings = look()
    if fix and fix_findings(given, choices, plan, findings, since, base_ref=base_ref):
        seen, plan, findings = look()
    fail_on = fail_on or settings.fail_on
    if diff:
        show_diff(given, choices, plan, findings)
        return int(failed(findings, fail_on))
    sources = {path: text for each in seen for path, text in each.sources.items()}
    print_findings(plan, findings, format=format, outputs=outputs, fail_on=fail_on, sources=sources)
    return int(failed(findings, fail_on))

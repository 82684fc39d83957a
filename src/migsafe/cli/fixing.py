"""`migsafe lint --fix` and `--diff`: what can be mended, in the files or as a diff."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from migsafe.cli.options import Choices, Globals
from migsafe.errors import UsageError
from migsafe.model.findings import Finding
from migsafe.model.plan import Plan

_PENDING = (
    "--fix changes only revisions that are applied nowhere: those that the database lacks (migsafe lint --fix), or "
    "those that this branch adds (--base-ref origin/main). --diff shows what it would do."
)


def fixing_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--fix` and `--diff`; the command gets both as booleans."""
    fix = click.option("--fix", is_flag=True, help="Mend the revision files, where that is safe; then lint again.")
    show = click.option("--diff", is_flag=True, help="Print what --fix would change, as a diff; change nothing.")
    return fix(show(function))


def refuse_wrong_use(*, fix: bool, diff: bool, downgrade: bool) -> None:
    """Raises UsageError for options that do not go together."""
    if fix and diff:
        raise UsageError("--fix and --diff do not go together", "Give --diff first, then --fix.")
    if (fix or diff) and downgrade:
        raise UsageError(
            "--fix and --diff are for upgrade(); they see to its downgrade() by themselves", "Leave --downgrade out."
        )


def fix_findings(
    given: Globals, choices: Choices, plan: Plan, findings: Sequence[Finding], since: float, *, base_ref: str | None
) -> bool:
    """Mend what can be mended, and say what was and what was not. Whether a file was changed.

    `since` is when the revisions were read, in seconds since 1970. Raises UsageError for what may be applied already.
    """
    from migsafe import fixes
    from migsafe.cli.opened import opened
    from migsafe.revisions.config import relative

    _refuse_what_may_be_applied(given, choices, plan, base_ref)
    found = fixes.find_fixes(opened(given, choices)[0], plan, findings)
    fixes.write(found, since)
    for file in found.files:
        _say(f"{'wrote' if file.before is None else 'changed'} {relative(file.path)}")
    for each in found.fixed:
        _say(f"fixed {each.rule} at {each.place}")
    for left in found.left:
        _say(f"left {left.finding.rule} at {left.finding.place} to you: {left.because}")
    return bool(found.files)


def show_diff(given: Globals, choices: Choices, plan: Plan, findings: Sequence[Finding]) -> None:
    """Print the diff of what --fix would do; what it would leave goes to standard error."""
    from migsafe import fixes
    from migsafe.cli.opened import opened

    found = fixes.find_fixes(opened(given, choices)[0], plan, findings)
    sys.stdout.write(fixes.diff(found))
    for left in found.left:
        _say(f"would leave {left.finding.rule} at {left.finding.place} to you: {left.because}")


def _refuse_what_may_be_applied(given: Globals, choices: Choices, plan: Plan, base_ref: str | None) -> None:
    if plan.database is None and base_ref is None:
        raise UsageError("it is not known whether these revisions are applied somewhere", _PENDING)
    if base_ref is None:
        return
    from pathlib import Path

    from migsafe.cli.opened import opened
    from migsafe.git import changed_since

    new = changed_since(base_ref, Path(opened(given, choices)[0].script.dir), only_new=True).paths
    old = [step.path for step in plan.steps if Path(step.path).resolve() not in new]
    if old:
        raise UsageError(f"{old[0]} is in {base_ref} already, and may be applied", _PENDING)


def _say(text: str) -> None:
    print(f"migsafe: {text}", file=sys.stderr)

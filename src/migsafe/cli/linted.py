"""What lint says of the plans that were read, as one."""

from collections.abc import Iterable, Sequence

import msgspec

from migsafe.cli.inputs import Seen
from migsafe.cli.options import only_known
from migsafe.model.findings import FailOn, Finding
from migsafe.model.plan import Plan
from migsafe.model.statistics import DatabaseStatistics
from migsafe.settings import LintSettings


def linted(
    seen: Iterable[Seen], settings: LintSettings, statistics: DatabaseStatistics | None = None
) -> tuple[Plan, tuple[Finding, ...]]:
    """The plans as one, and what lint says of each; the indexes of statements count over all of them.

    `statistics` hold where no database was asked.
    """
    from migsafe.lint import lint

    whole, findings = Plan((), ()), []
    for each in seen:
        shift = len(whole.statements)
        sizes = statistics if each.plan.database is None else None
        found = lint(each.plan, each.before, settings, each_alone=each.each_alone, statistics=sizes)
        findings += [_shifted(_as_expected(finding, each.plan, settings), shift) for finding in found]
        whole = _joined(whole, each.plan, shift)
    return whole, tuple(findings)


def joined(plans: Iterable[Plan]) -> Plan:
    """The statements of all of them as one plan, numbered through."""
    whole = Plan((), ())
    for plan in plans:
        whole = _joined(whole, plan, len(whole.statements))
    return whole


def over_settings(settings: LintSettings, select: Sequence[str], ignore: Sequence[str]) -> LintSettings:
    """`settings` for a run that asks only the rules or packs in `select` (none: all), and not those in `ignore`.

    Raises a usage error for an unknown one.
    """
    from migsafe.lint import all_rules

    rules = all_rules()
    names = {rule.name for rule in rules} | {rule.pack for rule in rules} | {"style"}
    only_known(select, names, "--select")
    only_known(ignore, names, "--ignore")
    off = {rule.name for rule in rules if not {rule.name, rule.pack}.isdisjoint(ignore)}
    if not select:
        return msgspec.structs.replace(settings, disable=(*settings.disable, *sorted(off)))
    asked = {rule.name for rule in rules if not {rule.name, rule.pack}.isdisjoint(select)} - off
    others = tuple(rule.name for rule in rules if rule.name not in asked)
    return msgspec.structs.replace(settings, enable=(*settings.enable, *sorted(asked)), disable=others)


def failed(findings: Iterable[Finding], fail_on: FailOn) -> bool:
    """Whether a finding that nobody ignored is as bad as `fail_on`."""
    return any(each.fails(fail_on) for each in findings)


def _as_expected(finding: Finding, plan: Plan, settings: LintSettings) -> Finding:
    """A way back that takes away what the way there brought is what was asked for; docs/decisions/017."""
    if plan.direction == "upgrade" or finding.severity != "error" or finding.rule in settings.severity:
        return finding
    destroyed = any(each.index == finding.statement and each.effects.destroys for each in plan.statements)
    wanted = destroyed and finding.rule.startswith("drop-")
    return msgspec.structs.replace(finding, severity="warning") if wanted else finding


def _joined(first: Plan, second: Plan, shift: int) -> Plan:
    if not first.steps:
        return second
    steps = tuple(
        msgspec.structs.replace(
            step,
            statements=tuple(msgspec.structs.replace(each, index=each.index + shift) for each in step.statements),
        )
        for step in second.steps
    )
    return msgspec.structs.replace(first, target=second.target, steps=(*first.steps, *steps), fingerprint="")


def _shifted(finding: Finding, shift: int) -> Finding:
    if finding.statement is None or shift == 0:
        return finding
    return msgspec.structs.replace(finding, statement=finding.statement + shift)

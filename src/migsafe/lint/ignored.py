"""What ignores do to the findings of a plan, and the findings about the ignores themselves."""

import datetime
from collections.abc import Iterator, Mapping, Sequence

from migsafe.errors import nearest
from migsafe.lint.ignores import Ignore, accepted, ignores_of
from migsafe.model.findings import Finding, Rule
from migsafe.model.plan import Plan
from migsafe.settings import LintSettings

_Used = set[tuple[int, str]]


def ignoring(
    findings: Sequence[Finding],
    plan: Plan,
    settings: LintSettings,
    rules: Mapping[str, Rule],
    known: Sequence[str],
    *,
    each_alone: bool,
    today: datetime.date | None = None,
    judging: bool = True,
) -> tuple[Finding, ...]:
    """`findings`, those that a comment or the settings accept with `ignored_because`; then what is wrong with comments.

    `rules` are those that were asked, by name, `known` the names of all. `today` is the day in UTC. Without `judging`
    nothing is said of an ignore that is unused or has expired: that is for who reviews the revision, not for who
    runs it.
    """
    today = today or datetime.datetime.now(datetime.UTC).date()
    ignores = ignores_of(plan, each_alone=each_alone)
    numbers = {id(ignore): number for number, ignore in enumerate(ignores)}
    told: list[Finding] = []
    used: _Used = set()
    for finding in findings:
        finding, by = accepted(finding, ignores, settings, today)
        told.append(finding)
        if by is not None:
            used.add((numbers[id(by)], finding.rule))
    for number, ignore in enumerate(ignores):
        faults = [*_wrong(ignore, known)]
        if judging and not faults:
            faults += _useless(number, ignore, rules, used, today)
        elif judging and ignore.silences:
            faults += _expired(ignore, today)
        told += [
            _finding(rules[name], message, fix, ignore, settings) for name, message, fix in faults if name in rules
        ]
    return tuple(told)


def _wrong(ignore: Ignore, known: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Rule, message and fix for a comment that does not do what its author meant."""
    directive = ignore.directive
    if directive.problem is not None:
        yield "ignore-malformed", f"An ignore {directive.problem}, so it accepts nothing.", directive.fix
        return
    listed = ", ".join(directive.rules)
    if ignore.misplaced is not None:
        fix = (
            "Move it onto a line of the op.* call or directly above it, or write `ignore-file` at the top of the file."
        )
        yield "ignore-malformed", f"The ignore of {listed} accepts nothing: {ignore.misplaced}.", fix
    elif not directive.reason:
        mark = "ignore-file" if directive.whole_file else "ignore"
        fix = f"Say why it is acceptable: `migsafe: {mark}[{listed}] because …`."
        yield "ignore-without-reason", f"The ignore of {listed} gives no reason, so it accepts nothing.", fix
    for name in directive.rules:
        if name not in known:
            near = nearest(name, known)
            fix = f"Did you mean {near}?" if near else "`migsafe rules` lists the rules."
            yield "ignore-unknown-rule", f"There is no rule {name} that could be ignored.", fix


def _useless(
    number: int, ignore: Ignore, rules: Mapping[str, Rule], used: _Used, today: datetime.date
) -> Iterator[tuple[str, str, str]]:
    expired = list(_expired(ignore, today))
    yield from expired
    for name in ignore.directive.rules if ignore.seen and not expired else ():
        if name in rules and (number, name) not in used:
            where = "this file" if ignore.directive.whole_file else "this statement"
            yield "ignore-unused", f"{name} has nothing to say of {where}; its ignore is unused.", "Delete it."


def _expired(ignore: Ignore, today: datetime.date) -> Iterator[tuple[str, str, str]]:
    until = ignore.directive.until
    if until is not None and until < today:
        listed = ", ".join(ignore.directive.rules)
        yield (
            "ignore-expired",
            f"The ignore of {listed} expired on {until}, so it accepts nothing.",
            "Mend what it was for, or set a later day and say why.",
        )


def _finding(rule: Rule, message: str, fix: str, ignore: Ignore, settings: LintSettings) -> Finding:
    return Finding(
        rule=rule.name,
        severity=settings.severity.get(rule.name, rule.severity),
        message=message,
        fix=fix,
        revision=ignore.revision,
        path=ignore.path,
        line=ignore.line,
    )

"""What is dangerous in a plan, and the safe form of it: small functions of Effects, one file a rule."""

import datetime
import functools
import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterable, Iterator
from math import inf

import msgspec

from migsafe.errors import UsageError, nearest
from migsafe.lint.ignored import ignoring
from migsafe.lint.rewrites.placing import placed
from migsafe.lint.rule import Fault, LintRule, Seen
from migsafe.lint.situation import Situation, advance, begin, during, settled
from migsafe.lint.sizes import sized, weighed
from migsafe.lint.source import line_of
from migsafe.model.catalog import Catalog, Relation
from migsafe.model.effects import Effects
from migsafe.model.findings import Finding, Rule, Severity
from migsafe.model.plan import Plan, Step
from migsafe.model.report import Excuse
from migsafe.model.statement import Statement
from migsafe.model.statistics import DatabaseStatistics
from migsafe.settings import LintSettings

__all__ = ["all_rules", "excuse", "lint"]

_DEFAULTS = LintSettings()


def lint(
    plan: Plan,
    catalog: Catalog,
    settings: LintSettings = _DEFAULTS,
    *,
    each_alone: bool = False,
    statistics: DatabaseStatistics | None = None,
    judging: bool = True,
    today: datetime.date | None = None,
) -> tuple[Finding, ...]:
    """Every rule that a statement of `plan` breaks, in the order of the plan.

    `catalog` is the schema as it is before the first statement. Statements carry their effects already. A finding
    that depends on what the catalog did not know is a warning at most, and says on what it depends.
    With `each_alone` every revision is judged as if it were deployed by itself: what an earlier one made is live.
    `statistics` are sizes that `catalog` does not have. What takes long on a large table is information on a small one.
    What a comment or the settings ignore has `ignored_because`; with `judging` an ignore that is unused or has expired
    (`today` in UTC) is a finding too. Raises UsageError when `settings` name a rule that does not exist.
    """
    _known(set(settings.enable) - {"style"}, "lint.enable")
    _known(settings.disable, "lint.disable")
    _known(settings.severity, "lint.severity")
    _known((rule for entry in settings.ignore for rule in entry.rules), "lint.ignore")
    asked = tuple(one for one in _load() if _is_asked(one.rule, settings))
    found = ignoring(
        tuple(_findings(plan, catalog, asked, settings, each_alone, statistics)),
        plan,
        settings,
        {one.rule.name: one.rule for one in asked},
        [rule.name for rule in all_rules()],
        each_alone=each_alone,
        today=today,
        judging=judging,
    )
    return placed(_numbered(found, plan), plan)


def all_rules() -> tuple[Rule, ...]:
    """All rules, by name."""
    return tuple(one.rule for one in _load())


def excuse(findings: Iterable[Finding], allow: Iterable[Excuse]) -> tuple[Finding, ...]:
    """`findings`, those of an allowed rule with `ignored_because`. Excuses of the kind `skip` are not for findings.

    Raises UsageError when an excuse names a rule that does not exist.
    """
    because = {given.name: given.because for given in allow if given.kind == "allow"}
    _known(because, "--allow")
    return tuple(_excused(finding, because.get(finding.rule)) for finding in findings)


@functools.cache
def _load() -> tuple[LintRule, ...]:
    """The modules of rules/ in the order of their names: the folder is the registry."""
    package = importlib.import_module("migsafe.lint.rules")
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    modules = [importlib.import_module(f"{package.__name__}.{name}") for name in names]
    return tuple(
        LintRule(module.RULE, getattr(module, "check", None), getattr(module, "check_step", None)) for module in modules
    )


def _findings(
    plan: Plan,
    catalog: Catalog,
    asked: tuple[LintRule, ...],
    settings: LintSettings,
    each_alone: bool,
    statistics: DatabaseStatistics | None,
) -> Iterator[Finding]:
    situation = Situation(catalog, Step("", (), ""), version_table=plan.version_table, plan=plan.statements)
    situation = sized(situation, statistics)
    by_statement = [(one.rule, one.check) for one in asked if one.check]
    by_step = [(one.rule, one.check_step) for one in asked if one.check_step]
    for step in plan.steps:
        together = plan.one_transaction and not each_alone
        start = sized(settled(situation), statistics) if each_alone else situation
        situation = begin(start, step, one_transaction=together)
        seen: list[tuple[Statement, Situation]] = []
        found: list[Finding] = []
        for position, statement in enumerate(step.statements):
            if not _is_bookkeeping(statement.effects, plan.version_table):
                met = during(situation, statement.effects)
                seen.append((statement, met))
                for rule, check in by_statement:
                    for fault in check(statement, met):
                        found.append(_of_statement(rule, fault, statement, met, settings))
            following = step.statements[position + 1 : position + 2]
            situation = advance(situation, statement, following[0] if following else None)
        whole = tuple(seen)
        for rule, check_step in by_step:
            found += [_of_step(rule, fault, step, whole, situation, settings) for fault in check_step(step, whole)]
        # What is said of the whole revision comes after what is said of its statements.
        yield from sorted(found, key=lambda finding: inf if finding.statement is None else finding.statement)


def _is_asked(rule: Rule, settings: LintSettings) -> bool:
    enabled = rule.pack != "style" or not {rule.name, rule.pack}.isdisjoint(settings.enable)
    return enabled and rule.name not in settings.disable


def _numbered(findings: Iterable[Finding], plan: Plan) -> tuple[Finding, ...]:
    """The findings with their fingerprints: of several alike in one revision, each has its own."""
    found = tuple(findings)
    if not found:
        return ()
    # What the standard library takes long to load is loaded where it is used: `explain` answers in 0.1 s.
    import hashlib

    sql = {statement.index: statement.sql for statement in plan.statements}
    seen: Counter[str] = Counter()
    numbered = []
    for finding in found:
        text = " ".join(sql[finding.statement].split()) if finding.statement is not None else ""
        about = "\x1f".join((finding.rule, finding.revision or finding.path or "", text))
        seen[about] += 1
        digest = hashlib.sha256(f"{about}\x1f{seen[about]}".encode(errors="backslashreplace")).hexdigest()[:20]
        numbered.append(msgspec.structs.replace(finding, fingerprint=digest))
    return tuple(numbered)


def _of_statement(
    rule: Rule, fault: Fault, statement: Statement, situation: Situation, settings: LintSettings
) -> Finding:
    severity, small = weighed(
        _softened(fault.severity or rule.severity, bool(fault.unsure)), fault, situation, settings
    )
    wished = settings.severity.get(rule.name)
    sentences = (fault.message, *(f"Not certain: {condition}." for condition in fault.unsure))
    return Finding(
        rule=rule.name,
        severity=wished or severity,
        message=" ".join((*sentences, *([small] if small and not wished else []))),
        fix=fault.fix,
        statement=statement.index,
        revision=statement.revision,
        path=statement.path,
        line=statement.line,
        rewrite=fault.rewrite,
    )


def _of_step(rule: Rule, fault: Fault, step: Step, seen: Seen, last: Situation, settings: LintSettings) -> Finding:
    if fault.at is not None:
        met = next((situation for statement, situation in seen if statement is fault.at), last)
        return _of_statement(rule, fault, fault.at, met, settings)
    line = line_of(step.path, fault.function) if fault.function else None
    about = Statement("", Effects(), index=-1, revision=step.revision, path=step.path, line=line)
    return msgspec.structs.replace(_of_statement(rule, fault, about, last, settings), statement=None)


def _softened(severity: Severity, unsure: bool) -> Severity:
    return "warning" if unsure and severity == "error" else severity


def _is_bookkeeping(effects: Effects, version_table: str) -> bool:
    """Whether the statement only makes or moves Alembic's own version rows."""
    touched = {write.relation for write in effects.writes}
    touched |= {lock.relation for lock in effects.locks if "index" not in lock.kind}
    touched |= {made.name for made in effects.creates if isinstance(made, Relation)}
    return bool(touched) and not effects.drops and all(_is_table(name, version_table) for name in touched)


def _is_table(name: str, version_table: str) -> bool:
    return name == version_table or ("." not in version_table and name.rpartition(".")[2] == version_table)


def _excused(finding: Finding, because: str | None) -> Finding:
    return msgspec.structs.replace(finding, ignored_because=because) if because is not None else finding


def _known(names: Iterable[str], where: str) -> None:
    known = [rule.name for rule in all_rules()]
    for name in names:
        if name not in known:
            near = nearest(name, known)
            remedy = f"Did you mean {near}?" if near else f"The rules are: {', '.join(known)}."
            raise UsageError(f"{where}: there is no rule {name}", remedy)

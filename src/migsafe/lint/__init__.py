"""What is dangerous in a plan, and the safe form of it: small functions of Effects, one file a rule."""

import functools
import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from migsafe.errors import UsageError
from migsafe.lint.rule import Fault, LintRule
from migsafe.lint.situation import Situation, advance, begin, during, settled
from migsafe.model.catalog import Catalog, Relation
from migsafe.model.effects import Effects
from migsafe.model.findings import Finding, Rule, Severity
from migsafe.model.plan import Plan, Step
from migsafe.model.report import Excuse
from migsafe.model.statement import Statement
from migsafe.settings import LintSettings

__all__ = ["all_rules", "excuse", "lint"]

_DEFAULTS = LintSettings()


def lint(
    plan: Plan, catalog: Catalog, settings: LintSettings = _DEFAULTS, *, each_alone: bool = False
) -> tuple[Finding, ...]:
    """Every rule that a statement of `plan` breaks, in the order of the plan.

    `catalog` is the schema as it is before the first statement. Statements carry their effects already. A finding
    that depends on what the catalog did not know is a warning at most, and says on what it depends.
    With `each_alone` every revision is judged as if it were deployed by itself: what an earlier one made is live.
    Raises UsageError when `settings` name a rule that does not exist.
    """
    _known(set(settings.enable) - {"style"}, "lint.enable")
    _known(settings.disable, "lint.disable")
    _known(settings.severity, "lint.severity")
    asked = tuple(one for one in _load() if _is_asked(one.rule, settings))
    return _numbered(_findings(plan, catalog, asked, settings, each_alone), plan)


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
    plan: Plan, catalog: Catalog, asked: tuple[LintRule, ...], settings: LintSettings, each_alone: bool
) -> Iterator[Finding]:
    situation = Situation(catalog, Step("", (), ""))
    for step in plan.steps:
        situation = begin(settled(situation) if each_alone else situation, step)
        for position, statement in enumerate(step.statements):
            if not _is_bookkeeping(statement.effects, plan.version_table):
                seen = during(situation, statement.effects)
                for one in asked:
                    faults = one.check(statement, seen) if one.check else ()
                    yield from (_of_statement(one.rule, fault, statement, settings) for fault in faults)
            following = step.statements[position + 1 : position + 2]
            situation = advance(situation, statement, following[0] if following else None)
        for one in asked:
            faults = one.check_step(step) if one.check_step else ()
            yield from (_of_step(one.rule, fault, step, settings) for fault in faults)


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


def _of_statement(rule: Rule, fault: Fault, statement: Statement, settings: LintSettings) -> Finding:
    return Finding(
        rule=rule.name,
        severity=settings.severity.get(rule.name) or _softened(rule.severity, bool(fault.unsure)),
        message=" ".join((fault.message, *(f"Not certain: {condition}." for condition in fault.unsure))),
        fix=fault.fix,
        statement=statement.index,
        revision=statement.revision,
        path=statement.path,
        line=statement.line,
    )


def _of_step(rule: Rule, fault: Fault, step: Step, settings: LintSettings) -> Finding:
    return Finding(
        rule=rule.name,
        severity=settings.severity.get(rule.name, rule.severity),
        message=fault.message,
        fix=fault.fix,
        revision=step.revision,
        path=step.path,
    )


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
            import difflib

            near = difflib.get_close_matches(name, known, n=1)
            remedy = f"Did you mean {near[0]}?" if near else f"The rules are: {', '.join(known)}."
            raise UsageError(f"{where}: there is no rule {name}", remedy)

"""JSON: the contract of docs/report.schema.json, for plans (lint, explain, preview) and for reports."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from migsafe.model.effects import Effects
from migsafe.model.findings import Finding, Severity
from migsafe.model.locks import LockMode
from migsafe.model.plan import Plan
from migsafe.model.report import EXIT_CODES, Report
from migsafe.model.rewrite import Rewrite
from migsafe.model.rounds import Rounds
from migsafe.model.statement import Statement

VERSION = 1
_MODES = [mode.text for mode in LockMode]
_ModeText = Annotated[str, Meta(extra_json_schema={"enum": _MODES}, description="As in the manual, section 13.3.")]


class LockJson(msgspec.Struct, frozen=True):
    relation: str
    kind: str
    mode: _ModeText


class BuildJson(msgspec.Struct, frozen=True):
    index: str
    table: str
    concurrently: bool


class DestroyedJson(msgspec.Struct, frozen=True):
    kind: str
    name: str


class EffectsJson(msgspec.Struct, frozen=True):
    """`conditions`: the effects are certain only if these hold; otherwise they are less than said."""

    locks: tuple[LockJson, ...]
    rewrites: tuple[str, ...]
    scans: tuple[str, ...]
    builds: tuple[BuildJson, ...]
    destroys: tuple[DestroyedJson, ...]
    in_transaction: bool
    source: str
    unknown: str | None
    conditions: tuple[str, ...] = ()


class RewriteJson(msgspec.Struct, frozen=True):
    """The statement in its safe form, in this revision and in one that follows it.

    `autocommit`: the first of `sql` may not run inside a transaction block. `by_hand` says why `lint --fix` leaves it.
    """

    sql: tuple[str, ...]
    autocommit: bool
    next_sql: tuple[str, ...]
    python: tuple[str, ...]
    next_python: tuple[str, ...]
    by_hand: str | None = None


class FindingJson(msgspec.Struct, frozen=True):
    rule: str
    severity: Severity
    message: str
    fix: str
    ignored_because: str | None
    rewrite: RewriteJson | UnsetType = UNSET


class StatementJson(msgspec.Struct, frozen=True):
    index: int
    revision: str | None
    path: str | None
    line: int | None
    operation: str | None
    sql: str
    transaction: int | None
    effects: EffectsJson
    findings: tuple[FindingJson, ...]


class RevisionFindingJson(FindingJson, frozen=True):
    """A finding about a whole revision."""

    revision: str | None = None
    path: str | None = None
    line: int | None = None


class UnreadableJson(msgspec.Struct, frozen=True):
    """A revision whose statements are not, or not all, in `statements`."""

    revision: str
    path: str
    because: str


class SummaryJson(msgspec.Struct, frozen=True):
    error: int
    warning: int
    info: int
    ignored: int


class PlanJson(msgspec.Struct, frozen=True):
    """What lint, explain and preview print. `findings` and `unreadable` are there only when they hold something."""

    version: int
    server_version: int | None
    statements: tuple[StatementJson, ...]
    summary: SummaryJson
    findings: tuple[RevisionFindingJson, ...] | UnsetType = UNSET
    unreadable: tuple[UnreadableJson, ...] | UnsetType = UNSET


class RoundsJson(msgspec.Struct, frozen=True):
    """What upgrade, downgrade, preflight and verify print where env.py has several rounds (databases or schemas).

    `outcome` and `exit_code` are the worst of theirs, `partial` and 4 where the command stopped after some were done;
    in `rounds` is a report each, in env.py's order, as in its report.json.
    """

    version: int
    outcome: str
    exit_code: int
    command: str
    started: str
    ended: str
    rounds: tuple[Report, ...]


def plan_json(plan: Plan, findings: Iterable[Finding]) -> dict[str, Any]:
    """The document that `lint`, `explain` and `preview` print with `--format json`."""
    found = tuple(findings)
    by_statement: dict[int, list[Finding]] = {}
    for finding in found:
        if finding.statement is not None:
            by_statement.setdefault(finding.statement, []).append(finding)
    document = PlanJson(
        version=VERSION,
        server_version=plan.server_version,
        statements=tuple(_statement(each, by_statement.get(each.index, [])) for each in plan.statements),
        summary=_summary(found),
        findings=tuple(_of_revision(each) for each in found if each.statement is None) or UNSET,
        unreadable=tuple(UnreadableJson(s.revision, s.path, s.unreadable) for s in plan.steps if s.unreadable) or UNSET,
    )
    # By way of JSON, so that a list is a list for a caller too.
    result: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(document))
    return result


def _statement(statement: Statement, findings: Iterable[Finding]) -> StatementJson:
    return StatementJson(
        index=statement.index,
        revision=statement.revision,
        path=statement.path,
        line=statement.line,
        operation=statement.operation,
        sql=statement.sql,
        transaction=statement.transaction,
        effects=_effects(statement.effects),
        findings=tuple(_finding(finding) for finding in findings),
    )


def _effects(effects: Effects) -> EffectsJson:
    return EffectsJson(
        locks=tuple(LockJson(lock.relation, lock.kind, lock.mode.text) for lock in effects.locks),
        rewrites=effects.rewrites,
        scans=effects.scans,
        builds=tuple(BuildJson(build.index, build.table, build.concurrently) for build in effects.builds),
        destroys=tuple(DestroyedJson(gone.kind, gone.label) for gone in effects.destroys),
        in_transaction=effects.in_transaction,
        source=effects.source,
        unknown=effects.unknown,
        conditions=effects.conditions,
    )


def _finding(finding: Finding) -> FindingJson:
    return FindingJson(
        finding.rule, finding.severity, finding.message, finding.fix, finding.ignored_because, _rewrite(finding.rewrite)
    )


def _rewrite(rewrite: Rewrite | None) -> RewriteJson | UnsetType:
    if rewrite is None:
        return UNSET
    return RewriteJson(
        sql=rewrite.sql,
        autocommit=rewrite.autocommit,
        next_sql=rewrite.next_sql,
        python=rewrite.python,
        next_python=rewrite.next_python,
        by_hand=rewrite.by_hand,
    )


def _of_revision(finding: Finding) -> RevisionFindingJson:
    return RevisionFindingJson(
        **msgspec.structs.asdict(_finding(finding)), revision=finding.revision, path=finding.path, line=finding.line
    )


def _summary(findings: tuple[Finding, ...]) -> SummaryJson:
    still = [finding.severity for finding in findings if finding.ignored_because is None]
    return SummaryJson(still.count("error"), still.count("warning"), still.count("info"), len(findings) - len(still))


def report_json(report: Report) -> bytes:
    """report.json: the fields of Report, and what follows from them (`outcome`, `exit_code`), indented, UTF-8."""
    fields = _spell_modes(msgspec.to_builtins(report), lambda mode: LockMode(mode).text)
    first = {"version": report.version, "outcome": report.outcome, "exit_code": report.exit_code}
    return msgspec.json.format(msgspec.json.encode(first | fields), indent=2) + b"\n"


def rounds_json(reports: tuple[Report, ...]) -> bytes:
    """The reports of the rounds of one env.py as one document: the shape of RoundsJson."""
    rounds = Rounds(reports)
    whole = {
        "version": VERSION,
        "outcome": rounds.outcome,
        "exit_code": rounds.exit_code,
        "command": reports[0].command,
        "started": reports[0].started,
        "ended": max(each.ended for each in reports),
        "rounds": [msgspec.Raw(report_json(each)) for each in reports],
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n"


def read_report(content: bytes) -> Report:
    """The Report that `report_json` wrote. Raises msgspec.DecodeError for anything else, also for a newer version."""
    document = msgspec.json.decode(content)
    if not isinstance(document, dict) or document.get("version") != VERSION:
        found = document.get("version") if isinstance(document, dict) else None
        raise msgspec.ValidationError(f"not a report of version {VERSION} (version: {found!r})")
    return msgspec.convert(_spell_modes(document, lambda text: LockMode.from_text(text).value), Report)


def _spell_modes(document: dict[str, Any], spelling: Callable[[str], str]) -> dict[str, Any]:
    """Change the lock modes of a report in place. msgspec writes an enum by its value, the contract has its text."""
    try:
        for step in document["plan"]["steps"]:
            for statement in step["statements"]:
                for lock in statement["effects"]["locks"]:
                    lock["mode"] = spelling(lock["mode"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise msgspec.ValidationError(f"not the shape of a report: {error!r}") from None
    return document


def schema() -> str:
    """docs/report.schema.json: one JSON Schema for reports and for plans."""
    kinds, definitions = msgspec.json.schema_components((Report, PlanJson, RoundsJson), ref_template="#/$defs/{name}")
    definitions["LockMode"]["enum"] = _MODES
    derived = {"outcome": {"enum": list(EXIT_CODES)}, "exit_code": {"enum": sorted(set(EXIT_CODES.values()))}}
    definitions["Report"]["properties"] |= derived
    definitions["RoundsJson"]["properties"] |= derived
    definitions["Report"]["required"] += ["version", *derived]
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What migsafe writes: report.json, and lint, explain and preview with --format json",
        "anyOf": list(kinds),
        "$defs": dict(sorted(definitions.items())),
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"

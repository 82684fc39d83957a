"""SARIF 2.1.0, as code scanning of GitHub and others read it (OASIS, "Static Analysis Results Interchange Format")."""

import re
from collections.abc import Sequence

import msgspec

from migsafe.formats import words
from migsafe.formats.frame import Files, Span, spans
from migsafe.model.findings import Finding, Rule
from migsafe.model.plan import Plan

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_ROOT = "SRCROOT"
_IGNORE = re.compile(r"migsafe:\s*ignore(-file)?\[")

Json = dict[str, object]


def render(plan: Plan, findings: tuple[Finding, ...], rules: Sequence[Rule], files: Files) -> str:
    """One run: the rules with their help, and a result for every finding; what is accepted is suppressed, with why."""
    described = [_rule(rule) for rule in rules]
    ids = [rule.name for rule in rules]
    for name in sorted({finding.rule for finding in findings} - set(ids)):
        described.append({"id": name})
        ids.append(name)
    results = [
        _result(finding, ids.index(finding.rule), span, files)
        for finding, span in zip(findings, spans(plan, findings, files), strict=True)
    ]
    run: Json = {
        "tool": {"driver": {"name": "migsafe", "rules": described}},
        "automationDetails": {"id": "migsafe/lint/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the repository."}}},
        "results": results,
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _rule(rule: Rule) -> Json:
    help_text = f"{rule.effect}\n\nInstead: {rule.safe}"
    return {
        "id": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.effect},
        "help": {"text": help_text, "markdown": _help(rule)},
        "defaultConfiguration": {"level": _LEVELS[rule.severity], "enabled": rule.pack != "style"},
        "properties": {"tags": [rule.pack, "migrations"]},
    }


def _help(rule: Rule) -> str:
    blocks = [(rule.effect, None), (f"**Instead.** {rule.safe}", None)]
    examples = [("Set-up:", rule.setup)] if rule.setup else []
    examples += [("Bad:", rule.bad), ("Good:", rule.good)]
    text = [line for line, _ in blocks]
    text += [f"{title}\n\n```{rule.language}\n{code}\n```" for title, code in examples]
    return "\n\n".join(text)


def _result(finding: Finding, index: int, span: Span | None, files: Files) -> Json:
    result: Json = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": words.plain(f"{finding.message}\nFix: {words.fix(finding)}")},
    }
    if finding.path:
        result["locations"] = [_location(finding, finding.path, span, files)]
    if finding.fingerprint:
        result["partialFingerprints"] = {"migsafe/v1": finding.fingerprint}
    if finding.ignored_because is not None:
        kind = "inSource" if _is_in_source(finding, files) else "external"
        result["suppressions"] = [{"kind": kind, "justification": finding.ignored_because}]
    return result


def _location(finding: Finding, path: str, span: Span | None, files: Files) -> Json:
    from urllib.parse import quote

    place = files.from_root(path)
    artifact: Json = {"uri": quote(place)}
    if place.startswith("/"):
        artifact["uri"] = f"file://{quote(place)}"
    else:
        artifact["uriBaseId"] = _ROOT
    physical: Json = {"artifactLocation": artifact}
    if span is not None:
        physical["region"] = {
            "startLine": span.line,
            "startColumn": span.column,
            "endLine": span.end_line,
            "endColumn": span.end_column,
        }
    elif finding.line:
        physical["region"] = {"startLine": finding.line}
    location: Json = {"physicalLocation": physical}
    if finding.revision:
        location["logicalLocations"] = [{"name": finding.revision, "kind": "module"}]
    return location


def _is_in_source(finding: Finding, files: Files) -> bool:
    """Whether a comment in the file accepts the rule; else it was the command line, the settings or a baseline."""
    source = files.text(finding.path) or ""
    return any(_IGNORE.search(line) and finding.rule in line for line in source.splitlines())

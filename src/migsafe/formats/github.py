"""Workflow commands of GitHub Actions: each finding becomes an annotation at its line of the pull request."""

from migsafe.formats import words
from migsafe.formats.frame import Files, Span, spans
from migsafe.model.findings import Finding
from migsafe.model.plan import Plan

# GitHub docs, "Workflow commands": notice, warning and error; a step shows the first ten of each.
_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}
_WORST_FIRST = tuple(_COMMANDS)


def render(plan: Plan, findings: tuple[Finding, ...], files: Files) -> str:
    """One `::error file=…,line=…,endLine=…,title=…::…` a finding that is not accepted, the worst first, and a count."""
    placed = sorted(
        zip(findings, spans(plan, findings, files), strict=True), key=lambda pair: _WORST_FIRST.index(pair[0].severity)
    )
    lines = [_annotation(finding, span, files) for finding, span in placed if finding.ignored_because is None]
    accepted = len(findings) - len(lines)
    counts = words.severities(findings) or ["nothing found"]
    counts += [f"{accepted} accepted"] if accepted else []
    return "\n".join([*lines, f"migsafe: {', '.join(counts)} in {words.steps(plan)}"]) + "\n"


def _annotation(finding: Finding, span: Span | None, files: Files) -> str:
    properties = {"file": files.from_root(finding.path)} if finding.path else {}
    if finding.path and finding.line:
        end = span.end_line if span else finding.line
        properties |= {"line": str(finding.line), "endLine": str(end)}
    # Columns are allowed only within one line.
    if span and span.end_line == span.line and "line" in properties:
        properties |= {"col": str(span.column), "endColumn": str(span.end_column)}
    properties["title"] = finding.rule
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    said = _data(f"{finding.message}\nFix: {words.fix(finding)}")
    return f"::{_COMMANDS[finding.severity]} {written}::{said}"


def _data(text: str) -> str:
    """As @actions/core writes it: a line break would end the command, and begin another one."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

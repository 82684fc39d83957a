"""GitLab's Code Quality report (GitLab docs, "Code Quality report format"): shown in the merge request."""

import msgspec

from migsafe.formats import words
from migsafe.formats.frame import Files, Span, spans
from migsafe.model.findings import Finding
from migsafe.model.plan import Plan

_SEVERITIES = {"error": "critical", "warning": "major", "info": "info"}


def render(plan: Plan, findings: tuple[Finding, ...], files: Files) -> str:
    """A JSON array of what is not accepted; GitLab has no word for a finding that is."""
    placed = zip(findings, spans(plan, findings, files), strict=True)
    issues = [_issue(finding, span, files) for finding, span in placed if finding.ignored_because is None]
    return msgspec.json.format(msgspec.json.encode(issues), indent=2).decode() + "\n"


def _issue(finding: Finding, span: Span | None, files: Files) -> dict[str, object]:
    line = finding.line or 1
    return {
        "description": words.plain(f"{finding.message} Fix: {words.fix(finding)}"),
        "check_name": finding.rule,
        "fingerprint": finding.fingerprint or _fingerprint(finding),
        "severity": _SEVERITIES[finding.severity],
        "location": {
            "path": files.from_root(finding.path or "SQL"),
            "lines": {"begin": line, "end": span.end_line if span else line},
        },
    }


def _fingerprint(finding: Finding) -> str:
    import hashlib

    about = "\x1f".join((finding.rule, finding.place, finding.message))
    return hashlib.sha256(about.encode(errors="backslashreplace")).hexdigest()[:20]

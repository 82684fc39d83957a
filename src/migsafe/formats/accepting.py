"""The options that accept what stands against a run, as they would be typed."""

import shlex
from collections.abc import Iterable, Sequence

from migsafe.model.checks import CheckResult
from migsafe.model.findings import Finding
from migsafe.model.report import Excuse

# What to accept, and the reason, both as they are typed.
Accepted = tuple[str, str]
_REASON = '"…"'


def accepting(errors: Iterable[Finding], blocks: Sequence[CheckResult]) -> list[Accepted]:
    """`--allow RULE`, `--skip CHECK` and `--lose NAME` for what refuses a run."""
    rules = sorted({finding.rule for finding in errors})
    checks = sorted({each.check for each in blocks if not _lost(each)})
    return [
        *((f"--allow {rule}", _REASON) for rule in rules),
        *((f"--skip {check}", _REASON) for check in checks),
        *((f"--lose {shlex.quote(each.subject or '')}", _REASON) for each in blocks if _lost(each)),
    ]


def accepted(excuses: Iterable[Excuse]) -> list[Accepted]:
    """What was accepted already."""
    return [(f"--{each.kind} {shlex.quote(each.name)}", shlex.quote(each.because)) for each in excuses]


def with_reasons(uses: Sequence[Accepted]) -> list[str]:
    """Each with its `--because`, or one for all where that is the same."""
    reasons = {reason for _, reason in uses}
    if len(reasons) == 1:
        return [*(use for use, _ in uses), f"--because {reasons.pop()}"]
    return [f"{use} --because {reason}" for use, reason in uses]


def required(results: Iterable[CheckResult]) -> list[str]:
    """`--require CHECK` for what was required."""
    return [
        f"--require {check}" for check in sorted({each.check for each in results if each.required and not _lost(each)})
    ]


def _lost(result: CheckResult) -> bool:
    """Rows that a downgrade would take: accepted by their name with --lose, not by that of the check."""
    return result.group == "downgrade" and result.subject is not None

"""The options that accept what stands against a run, as they would be typed."""

import shlex
from collections.abc import Iterable, Sequence

from migsafe.model.checks import CheckResult
from migsafe.model.findings import Finding

_BECAUSE = '--because "…"'


def accepting(errors: Iterable[Finding], blocks: Sequence[CheckResult]) -> list[str]:
    """`--allow RULE`, `--skip CHECK` and `--lose NAME` for what refuses a run, each with its `--because`."""
    rules = sorted({finding.rule for finding in errors})
    checks = sorted({each.check for each in blocks if not _lost(each)})
    return [
        *(f"--allow {rule} {_BECAUSE}" for rule in rules),
        *(f"--skip {check} {_BECAUSE}" for check in checks),
        *(f"--lose {shlex.quote(each.subject or '')} {_BECAUSE}" for each in blocks if _lost(each)),
    ]


def required(results: Iterable[CheckResult]) -> list[str]:
    """`--require CHECK` for what was required."""
    return [
        f"--require {check}" for check in sorted({each.check for each in results if each.required and not _lost(each)})
    ]


def _lost(result: CheckResult) -> bool:
    """Rows that a downgrade would take: accepted by their name with --lose, not by that of the check."""
    return result.group == "downgrade" and result.subject is not None

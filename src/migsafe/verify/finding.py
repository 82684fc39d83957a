"""How the answer to a declared question is told."""

import msgspec

from migsafe.model.checks import Status
from migsafe.model.declared import Declared
from migsafe.own_checks.found import NOT_ITS_FAULT, shortened
from migsafe.postgres.answer import Answer

_REMEDY = "It takes one SELECT (or WITH, or VALUES) that changes nothing: try it in psql, and mend what is wrong."


class Finding(msgspec.Struct, frozen=True):
    """What came of a question, without the place that asked it."""

    status: Status
    message: str
    remedy: str | None = None
    expected: str = ""
    found: str = ""
    evidence: dict[str, str] = {}


def judged(
    status: Status,
    check: Declared,
    expected: str,
    found: str,
    remedy: str | None = None,
    evidence: dict[str, str] | None = None,
) -> Finding:
    """A question that was answered; `expected` and `found` in words. The remedy is for what did not pass."""
    start = shortened(check.sql)
    if status == "passed":
        return Finding(status, f"{start} gave {found}", None, expected, found, evidence or {})
    return Finding(status, f"{start}: expected {expected}, found {found}.", remedy, expected, found, evidence or {})


def unanswered(check: Declared, answer: Answer) -> Finding:
    """A question that the server refused: its own fault is blocked, what only keeps us from seeing is unknown."""
    unseen = answer.sqlstate is None or answer.sqlstate.startswith(NOT_ITS_FAULT)
    message = f"{shortened(check.sql)} could not be run: {answer.error}"
    return Finding("unknown" if unseen else "blocked", message, answer.remedy or _REMEDY, check.expect)

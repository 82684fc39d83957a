"""What a revision declares: SQL of `op.verify(...)`, which says what must be true."""

import msgspec

from migsafe.model.checks import CheckResult, Status
from migsafe.own_checks.expected import in_words, is_value, shown
from migsafe.postgres.answer import Connection, ask


class Declared(msgspec.Struct, frozen=True):
    """One SELECT of a revision. `expect`: "true" (one row that is true or 1), "no rows", or the one value it must give
    as text (cast arrays and JSON to text in the query).

    `place` is `path:line` of the revision that says so.
    """

    sql: str
    expect: str = "true"
    place: str = ""


def run_declared(connection: Connection, statements: tuple[Declared, ...]) -> tuple[CheckResult, ...]:
    """A result for each: passed, blocked (what was expected, what came), or unknown when the role may not ask.

    Each runs in a read-only transaction with row security off and 30 s at most. SQL that fails for another reason
    than privilege, time or a lost connection is blocked: it may fail because the schema is not what it should be.
    """
    return tuple(_run(connection, check) for check in statements)


_REMEDY = (
    "op.verify takes one SELECT (or WITH, or VALUES) that changes nothing: try it in psql, and mend what is wrong."
)
_NOT_ITS_FAULT = ("42501", "57014", "57P", "08", "53")


def _run(connection: Connection, check: Declared) -> CheckResult:
    answer = ask(connection, check.sql, at_most=3)
    at = f"{check.place}: " if check.place else ""
    if answer.error is not None:
        lost = answer.sqlstate is None or answer.sqlstate.startswith(_NOT_ITS_FAULT)
        status: Status = "unknown" if lost else "blocked"
        message = f"{at}{_start(check.sql)} could not be run: {answer.error}"
        return _result(check, status, message, answer.remedy or _REMEDY)
    found = shown(answer.rows)
    if is_value(check.expect, answer.rows):
        return _result(check, "passed", f"{at}{_start(check.sql)} gave {found}", found=found)
    message = f"{at}{_start(check.sql)}: expected {in_words(check.expect)}, found {found}."
    return _result(check, "blocked", message, "Paste the query into psql to see the rows.", found)


def _result(check: Declared, status: Status, message: str, remedy: str | None = None, found: str = "") -> CheckResult:
    evidence = {"expected": in_words(check.expect)} | ({"found": found} if found else {})
    return CheckResult(
        check="op-verify",
        group="verify",
        status=status,
        subject=check.place or None,
        message=message,
        remedy=remedy,
        evidence=evidence,
        sql=check.sql,
    )


def _start(sql: str) -> str:
    words = " ".join(sql.split())
    return words if len(words) <= 80 else words[:79] + "…"

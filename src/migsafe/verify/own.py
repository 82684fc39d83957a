"""The user's own verification: SQL of `op.verify(...)`, which says what must be true."""

from decimal import Decimal
from typing import Any

import msgspec

from migsafe.model.checks import CheckResult, Status
from migsafe.verify.answer import Connection, ask


class OwnCheck(msgspec.Struct, frozen=True):
    """One SELECT. `expect`: "true" (one row that is true or 1), "no rows", or the one value it must give
    as text (cast arrays and JSON to text in the query).

    `place` is `path:line` of the revision that says so.
    """

    sql: str
    expect: str = "true"
    place: str = ""


def run_own(connection: Connection, statements: tuple[OwnCheck, ...]) -> tuple[CheckResult, ...]:
    """A result for each: passed, blocked (what was expected, what came), or unknown when the role may not ask.

    Each runs in a read-only transaction with row security off and 30 s at most. SQL that fails for another reason
    than privilege, time or a lost connection is blocked: it may fail because the schema is not what it should be.
    """
    return tuple(_run(connection, check) for check in statements)


_REMEDY = (
    "op.verify takes one SELECT (or WITH, or VALUES) that changes nothing: try it in psql, and mend what is wrong."
)
_NOT_ITS_FAULT = ("42501", "57014", "57P", "08", "53")


def _run(connection: Connection, check: OwnCheck) -> CheckResult:
    answer = ask(connection, check.sql, at_most=3)
    at = f"{check.place}: " if check.place else ""
    if answer.error is not None:
        lost = answer.sqlstate is None or answer.sqlstate.startswith(_NOT_ITS_FAULT)
        status: Status = "unknown" if lost else "blocked"
        message = f"{at}{_start(check.sql)} could not be run: {answer.error}"
        return _result(check, status, message, answer.remedy or _REMEDY)
    found = _shown(answer.rows)
    if _holds(check.expect, answer.rows):
        return _result(check, "passed", f"{at}{_start(check.sql)} gave {found}", found=found)
    message = f"{at}{_start(check.sql)}: expected {_expected(check.expect)}, found {found}."
    return _result(check, "blocked", message, "Paste the query into psql to see the rows.", found)


def _holds(expect: str, rows: tuple[tuple[Any, ...], ...]) -> bool:
    if expect == "no rows":
        return not rows
    if len(rows) != 1 or not rows[0]:
        return False
    value = rows[0][0]
    if expect == "true":
        return value is True or (isinstance(value, int | float | Decimal) and value == 1) or value in ("t", "true", "1")
    return expect in (("true", "t") if value is True else ("false", "f") if value is False else (_text(value),))


def _text(value: Any) -> str:
    """A value as psql prints it, where Python has another word for it."""
    if value is None:
        return "NULL"
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _shown(rows: tuple[tuple[Any, ...], ...]) -> str:
    if not rows:
        return "no rows"
    first = ", ".join(_text(value) for value in rows[0])
    return first if len(rows) == 1 else f"more than one row, the first is {first}"


def _expected(expect: str) -> str:
    return {"true": "one row that is true or 1", "no rows": "no rows"}.get(expect, expect)


def _result(check: OwnCheck, status: Status, message: str, remedy: str | None = None, found: str = "") -> CheckResult:
    evidence = {"expected": _expected(check.expect)} | ({"found": found} if found else {})
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

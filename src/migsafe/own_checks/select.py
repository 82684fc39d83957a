"""One SELECT, and what it has to give."""

from migsafe.errors import UsageError
from migsafe.model.own_checks import OwnCheck
from migsafe.own_checks.asking import Ask, Asking
from migsafe.own_checks.expected import Expectation, expectation, shown
from migsafe.own_checks.found import NOT_ITS_FAULT, Found, shortened
from migsafe.postgres.answer import Answer, ask

# And a lock that is not to be had: the role may have a lock_timeout.
_NOT_ITS_FAULT = (*NOT_ITS_FAULT, "55P03")


def prepare(check: OwnCheck) -> Ask:
    sql = (check.sql or "").strip()
    if not sql:
        raise UsageError(f"check {check.name}: sql is empty", 'Write sql = "SELECT …", and expect.')
    return lambda asking: _judged(sql, expectation(check.expect), check, asking)


def _judged(sql: str, wanted: Expectation, check: OwnCheck, asking: Asking) -> Found:
    answer = ask(asking.connection, sql, at_most=wanted.at_most, timeout=check.timeout)
    if answer.error is not None:
        return _unanswered(answer, sql, wanted)
    holds = wanted.holds(answer.rows)
    found = shown(answer.rows) if asking.show_data else "not shown"
    start = f"{shortened(sql)}: expected {wanted.words}"
    came = f"found {shown(answer.rows)}." if asking.show_data else f"which it did {'' if holds else 'not '}give."
    return Found("held" if holds else "failed", f"{start}, {came}", expected=wanted.words, found=found, sql=sql)


def _unanswered(answer: Answer, sql: str, wanted: Expectation) -> Found:
    message = f"{shortened(sql)} could not be run: {answer.error}."
    if answer.sqlstate is None or answer.sqlstate.startswith(_NOT_ITS_FAULT):
        return Found("unseen", message, answer.remedy or "Run it in psql to see why.", wanted.words, sql=sql)
    remedy = "A check takes one SELECT (or WITH, or VALUES) that changes nothing: try it in psql, and mend it."
    return Found("failed", message, remedy, wanted.words, sql=sql)

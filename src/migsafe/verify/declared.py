"""What a revision declares: `op.verify(...)`, its `verify(check)`, and the statements of `verify/<revision>.sql`."""

from collections.abc import Callable, Mapping

from migsafe.model.checks import CheckResult
from migsafe.model.declared import Declared, How
from migsafe.own_checks.expected import expectation, shown
from migsafe.postgres.answer import Answer, Connection, ask
from migsafe.sql.split import split
from migsafe.verify.dimensions import dimensions_of
from migsafe.verify.finding import Finding, judged, unanswered
from migsafe.verify.index_use import index_use_of
from migsafe.verify.share import share_of


def run_declared(connection: Connection, declared: tuple[Declared, ...]) -> tuple[CheckResult, ...]:
    """A result for each: passed, warned or blocked (expected and found), or unknown when the role may not ask.

    Each runs in a read-only transaction with row security off and 30 s at most, or its own timeout. SQL that fails for
    another reason than privilege, time or a lost connection is blocked: it may fail because the schema is not what it
    should be.
    """
    return tuple(_result(each, _ANSWERED[each.how](connection, each)) for each in declared)


def declared_in_file(revision: str, path: str, text: str) -> tuple[Declared, ...]:
    """The statements of `verify/<revision>.sql`: each must give one row that is true, or no row."""
    return tuple(
        Declared(piece.sql, "true or no rows", f"{path}:{piece.line}", revision=revision)
        if piece.error is None
        else Declared(piece.error, place=f"{path}:{piece.line}", how="broken", revision=revision)
        for piece in split(text)
    )


def _value_of(connection: Connection, check: Declared) -> Finding:
    wanted = expectation(check.expect)
    stricter = expectation(check.warn) if check.warn else None
    most = max(wanted.at_most, stricter.at_most if stricter else 0)
    answer: Answer = ask(connection, check.sql, at_most=most, timeout=check.timeout)
    if answer.error is not None:
        return unanswered(check, answer)
    found, remedy = shown(answer.rows), "Paste the query into psql to see the rows."
    if not wanted.holds(answer.rows):
        return judged("blocked", check, wanted.words, found, remedy)
    if stricter is not None and not stricter.holds(answer.rows):
        return judged("warned", check, stricter.words, found, remedy)
    return judged("passed", check, wanted.words, found)


def _broken(_connection: Connection, check: Declared) -> Finding:
    return Finding("blocked", check.sql, "Mend it: what was to be verified was not.", "an answer")


_ANSWERED: Mapping[How, Callable[[Connection, Declared], Finding]] = {
    "value": _value_of,
    "share": share_of,
    "index": index_use_of,
    "dimensions": dimensions_of,
    "broken": _broken,
}


def _result(check: Declared, finding: Finding) -> CheckResult:
    at = f"{check.place}: " if check.place else ""
    named = f"{check.name}: " if check.name else ""
    evidence = {"expected": finding.expected} | ({"found": finding.found} if finding.found else {}) | finding.evidence
    return CheckResult(
        check="op-verify" if check.revision is None else "declared",
        group="verify",
        status=finding.status,
        subject=check.place or None,
        message=f"{at}{named}{finding.message}",
        remedy=finding.remedy,
        evidence=evidence,
        sql=check.sql if check.how != "broken" else None,
    )

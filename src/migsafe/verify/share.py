"""Which share of the rows of a query is true: how much of a backfill is done, how many vectors are there."""

from decimal import Decimal
from typing import Any

from migsafe.model.declared import Declared
from migsafe.own_checks.expected import expectation, text_of
from migsafe.own_checks.found import shortened
from migsafe.postgres.answer import Answer, Connection, ask
from migsafe.verify.finding import Finding, judged, unanswered

_SHAPE = "one boolean a row, or one row: the share from 0 to 1, or two columns, the part and the whole"
_REMEDY = "Paste the query into psql to see which rows are missing."


def share_of(connection: Connection, check: Declared) -> Finding:
    """Judge a share. The query gives a boolean a row (NULL counts as false), or one row with part and whole or share.

    Of no rows there is no share: that is unknown, not passed.
    """
    answer = ask(connection, _counted(check.sql), timeout=check.timeout)
    if answer.error is not None and answer.sqlstate in _NOT_BOOLEAN:
        answer = ask(connection, check.sql, timeout=check.timeout)
    if answer.error is not None:
        return unanswered(check, answer)
    share, whole = _share(answer)
    if share is None:
        why = "there are no rows to take a share of" if whole == 0 else f"it takes {_SHAPE}"
        return Finding("unknown" if whole == 0 else "blocked", f"{shortened(check.sql)}: {why}.", None, check.expect)
    found = f"{share:.4f}" + (f" of {whole:,} rows" if whole is not None else "")
    rows = ((share,),)
    if not expectation(check.expect).holds(rows):
        return judged("blocked", check, f"a share {check.expect}", found, _REMEDY)
    if check.warn and not expectation(check.warn).holds(rows):
        return judged("warned", check, f"a share {check.warn}", found, _REMEDY)
    return judged("passed", check, f"a share {check.expect}", found)


# What the count of a column answers that is no boolean: wrong type (manual, appendix A), or another number of columns.
_NOT_BOOLEAN = ("42804", "42P10")


def _counted(sql: str) -> str:
    body = sql.strip().rstrip(";")
    return f"SELECT count(*) FILTER (WHERE each), count(*) FROM (\n{body}\n) AS declared (each)"


def _share(answer: Answer) -> tuple[Decimal | None, int | None]:
    """The share, and of how many rows; (None, 0) where there are none, (None, None) where that is no share."""
    if len(answer.rows) != 1:
        return None, 0 if not answer.rows else None
    row: tuple[Any, ...] = answer.rows[0]
    try:
        numbers = [Decimal(text_of(value)) for value in row]
    except ArithmeticError:
        return None, None
    if len(numbers) == 1:
        return numbers[0], None
    if len(numbers) != 2 or numbers[1] < 0:
        return None, None
    return (numbers[0] / numbers[1], int(numbers[1])) if numbers[1] else (None, 0)

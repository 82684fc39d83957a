"""A downgrade that would lose rows, or undo nothing, is refused unless told by name: `--lose column:public.t.c`."""

from collections.abc import Iterator
from typing import Any

import psycopg

from migsafe.model.catalog import Catalog
from migsafe.model.checks import CheckResult
from migsafe.model.inverse import Discard
from migsafe.model.plan import Plan
from migsafe.model.report import Excuse
from migsafe.undo.rows import LIMIT, doomed

CHECK = "rows-lost"
LEFT_ALONE = "downgrade-undoes-nothing"
_TIMEOUT, _REVISION = "30s", "revision:"


def rows_lost(
    connection: psycopg.Connection[Any], plan: Plan, catalog: Catalog, excuses: tuple[Excuse, ...]
) -> tuple[CheckResult, ...]:
    """A result for each table and column with rows that the downgrade `plan` destroys. Reads the tables in question.

    What cannot be counted (no privilege, too slow) is unknown, and refuses too: there may be rows.
    """
    allowed = {name: why for name, why in _allowed(excuses).items() if not name.startswith(_REVISION)}
    found = []
    for each in doomed(plan, catalog):
        result = _result(connection, each, allowed)
        found += [result] if result is not None else []
    return (*found, *_not_lost(allowed, {each.subject for each in found}))


def left_alone(
    plan: Plan, revisions: tuple[tuple[str, str], ...], excuses: tuple[Excuse, ...]
) -> tuple[CheckResult, ...]:
    """A result for each of `revisions` (with why nothing is derived for them) whose empty downgrade() undoes nothing.

    The version table would say that it was undone.
    """
    allowed = _allowed(excuses)
    there = {f"{_REVISION}{revision}" for revision, _ in revisions}
    slips = {name: why for name, why in allowed.items() if name.startswith(_REVISION)}
    found = (
        CheckResult(
            check=LEFT_ALONE,
            status="blocked",
            message=f"its downgrade() is empty: nothing would be undone, and {plan.version_table} would say it was "
            f"({because})",
            group="downgrade",
            subject=f"{_REVISION}{revision}",
            remedy=f"Write its downgrade(): migsafe undo-plan {revision} shows what is known; or leave what it did, "
            f'and move on: --lose {_REVISION}{revision} --because "…".',
            skipped_because=allowed.get(f"{_REVISION}{revision}"),
            required=True,
        )
        for revision, because in revisions
    )
    return (*found, *_not_lost(slips, set(there)))


def _allowed(excuses: tuple[Excuse, ...]) -> dict[str, str]:
    return {each.name: each.because for each in excuses if each.kind == "lose"}


def _result(connection: psycopg.Connection[Any], discard: Discard, allowed: dict[str, str]) -> CheckResult | None:
    count, because = _counted(connection, discard.count or "")
    if count == 0:
        return None
    rows = "rows that could not be counted" if count is None else _rows(count)
    # Its subject, which stands before it, names the table or column.
    message = f"{rows} would be lost" + (f" ({because})" if because else "")
    return CheckResult(
        check=CHECK,
        status="blocked" if count is not None else "unknown",
        message=message,
        group="downgrade",
        subject=discard.what,
        remedy=f'Lose them: --lose {discard.what} --because "…"; or keep them: migsafe backup first.',
        evidence={"rows": "unknown" if count is None else str(count)},
        sql=discard.count,
        skipped_because=allowed.get(discard.what),
        required=True,
    )


def _rows(count: int) -> str:
    if count > LIMIT:
        return f"more than {LIMIT:,} rows"
    return f"{count:,} row{'s' if count != 1 else ''}"


def _counted(connection: psycopg.Connection[Any], query: str) -> tuple[int | None, str | None]:
    try:
        with connection.transaction():
            connection.execute("SELECT pg_catalog.set_config('statement_timeout', %s, true)", (_TIMEOUT,))
            connection.execute("SELECT pg_catalog.set_config('row_security', 'off', true)")
            row = connection.execute(query.encode()).fetchone()
    except psycopg.Error as error:
        return None, str(error).splitlines()[0]
    return (int(row[0]) if row else None), None


def _not_lost(allowed: dict[str, str], lost: set[str | None]) -> Iterator[CheckResult]:
    """A name after --lose that is not lost is a slip of the keyboard, or no longer true."""
    for name in allowed:
        if name not in lost:
            message = f"--lose {name}: nothing of that name is lost"
            yield CheckResult(check=CHECK, status="warned", message=message, group="downgrade", subject=name)

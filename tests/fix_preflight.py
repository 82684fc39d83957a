"""Preflight asked about statements, on a real server."""

from typing import Any, Literal

import psycopg

from fix_verify import plan_of
from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.model.report import Excuse
from migsafe.postgres.catalog import read
from migsafe.preflight import preflight
from migsafe.settings import Settings

Connection = psycopg.Connection[tuple[Any, ...]]


def asked(
    check: str,
    owner: Connection,
    *statements: str,
    by: Connection | None = None,
    plan: Plan | None = None,
    settings: Settings | None = None,
    skip: tuple[Excuse, ...] = (),
    unknown_heads: tuple[str, ...] = (),
    backup_kind: Literal["dump", "evidence", "none"] = "none",
) -> tuple[CheckResult, ...]:
    """What `check` answers (all checks: "") about `statements`, predicted with the schema that `owner` sees.

    `by` is the connection that asks, by default the owner's.
    """
    catalog = read(owner)
    results = preflight(
        by or owner,
        plan or plan_of(catalog, *statements),
        settings or Settings(),
        catalog=catalog,
        skip=skip,
        unknown_heads=unknown_heads,
        backup_kind=backup_kind,
    )
    return tuple(result for result in results if check in ("", result.check))


def only(results: tuple[CheckResult, ...]) -> CheckResult:
    (result,) = results
    return result

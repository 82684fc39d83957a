"""May this plan start on this server now? One file a check; a check that cannot see says unknown."""

import functools
import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any, Literal

import msgspec
import psycopg
from psycopg import errors

from migsafe.errors import MigsafeError, UsageError, nearest
from migsafe.model.catalog import Catalog
from migsafe.model.checks import Check, CheckResult
from migsafe.model.plan import Plan
from migsafe.model.report import Excuse
from migsafe.own_checks import prepared, run_own_checks
from migsafe.preflight.answer import answer
from migsafe.preflight.asking import LOCK_TIMEOUT_SECONDS, TIMEOUT_SECONDS, Connection
from migsafe.settings import Settings

__all__ = ["all_checks", "modules", "preflight"]


def preflight(
    connection: Connection,
    plan: Plan,
    settings: Settings,
    *,
    catalog: Catalog,
    skip: tuple[Excuse, ...] = (),
    only: tuple[str, ...] = (),
    unknown_heads: tuple[str, ...] = (),
    backup_kind: Literal["dump", "evidence", "none"] = "dump",
    tenants: tuple[str, ...] = (),
) -> tuple[CheckResult, ...]:
    """What every check that `plan` makes relevant has to say, in the order of their names; then the team's own.

    Only reads, in transactions of its own, and needs no privilege: what this role may not see is `unknown`. A check
    that `skip` names is asked all the same and its results are marked, and so are those that the settings require.
    With `only`, no other check is asked. `tenants` are the version tables of this database that env.py migrates in
    other rounds. `unknown_heads` are revisions in the database that the scripts do not know.
    Raises UsageError for a name that is no check, and for what cannot be understood in `settings`.
    """
    prepared(settings)
    because = {excuse.name: excuse.because for excuse in skip if excuse.kind == "skip"}
    _check_names({"--skip": because, "--only": only, "--require": settings.require}, settings)
    if unknown_heads and "heads" in because:
        raise UsageError(
            f"--skip heads: the database is at {', '.join(unknown_heads)}, from where these scripts know no way",
            "Check out the code that has it. If it was deleted on purpose: migsafe stamp --purge REVISION, with the "
            "one that the schema really is at.",
        )
    arguments = {
        "connection": connection,
        "plan": plan,
        "settings": settings,
        "catalog": catalog,
        "unknown_heads": unknown_heads,
        "backup_kind": backup_kind,
        "tenants": tenants,
    }
    # From a place that the scripts do not know there is no way on, whatever else is not asked.
    named = (*only, "heads") if unknown_heads else only
    chosen = (module for module in modules() if not only or module.CHECK.name in named)
    results = [result for module in chosen for result in _asked(module, arguments)]
    own = tuple(each for each in settings.check if not only or each.name in only)
    results += run_own_checks(msgspec.structs.replace(settings, check=own), connection, "before")
    return tuple(
        msgspec.structs.replace(each, skipped_because=because.get(each.check), required=each.check in settings.require)
        for each in results
    )


def all_checks() -> tuple[Check, ...]:
    """All checks, by name."""
    return tuple(module.CHECK for module in modules())


@functools.cache
def modules() -> tuple[ModuleType, ...]:
    """The modules of checks/, each with its CHECK, in the order of their names: the folder is the registry."""
    package = importlib.import_module("migsafe.preflight.checks")
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    return tuple(importlib.import_module(f"{package.__name__}.{name}") for name in names)


def _asked(module: ModuleType, arguments: dict[str, Any]) -> Iterator[CheckResult]:
    """The answers of one check; whatever goes wrong in it is an answer too."""
    try:
        yield from module.run(**arguments)
    except UsageError:
        raise
    except Exception as error:  # a check must never stand between an operator and the other checks
        yield _unanswered(module.CHECK, error, arguments["connection"])


def _unanswered(check: Check, error: Exception, connection: Connection) -> CheckResult:
    match error:
        case errors.InsufficientPrivilege():
            said = error.diag.message_primary or "insufficient privilege"
            return answer(check, "unknown", f"This role may not see it: {said}.", remedy=_grant(check, connection))
        case errors.QueryCanceled():
            return answer(
                check,
                "unknown",
                f"The server did not answer within {TIMEOUT_SECONDS} s.",
                remedy="The server is busy, or its catalog is very large: run preflight again when load is lower.",
            )
        case errors.LockNotAvailable():
            return answer(
                check,
                "unknown",
                f"A relation was under ACCESS EXCLUSIVE for {LOCK_TIMEOUT_SECONDS} s, and its size could not be read.",
                remedy="Wait for that session (see lock-holders), then run preflight again.",
            )
        case psycopg.Error():
            said = error.diag.message_primary or str(error).strip() or type(error).__name__
            return answer(check, "unknown", f"The server answered: {said}.", remedy="Run preflight again.")
        case MigsafeError():
            return answer(check, "unknown", error.message, remedy=error.remedy)
    said = f"{type(error).__name__}: {error}"
    return answer(check, "unknown", f"The check itself failed: {said}.", remedy="This is a bug in migsafe: report it.")


def _grant(check: Check, connection: Connection) -> str:
    if check.privilege == "none":
        return f"GRANT what the message names TO {connection.info.user};"
    return f"GRANT {check.privilege} TO {connection.info.user};"


def _check_names(named: Mapping[str, Iterable[str]], settings: Settings) -> None:
    """Raise UsageError for an option with a name that no check has, and for an own check with the name of one."""
    known = [check.name for check in all_checks()]
    for own in settings.check:
        if own.name in known:
            where = f"{settings.source}: " if settings.source else ""
            raise UsageError(f"{where}check.name: migsafe has a check {own.name} itself", "Give yours another name.")
    known += [own.name for own in settings.check]
    for option, names in named.items():
        for name in names:
            if name not in known:
                near = nearest(name, known)
                remedy = f"Did you mean {near}?" if near else f"The checks are: {', '.join(known)}."
                raise UsageError(f"{option}: there is no check {name}", remedy)

"""Checks that a team wrote into its settings: asked before a migration by preflight, after it by verify."""

from collections.abc import Callable
from functools import partial

from migsafe.errors import UsageError
from migsafe.model.checks import CheckResult, Status
from migsafe.model.own_checks import OwnCheck, Phase
from migsafe.own_checks import command, env, http, redis, select, tcp
from migsafe.own_checks.asking import Ask, Asking, Connection
from migsafe.own_checks.found import Found
from migsafe.own_checks.network import begun
from migsafe.own_checks.variables import filled
from migsafe.settings import Settings

__all__ = ["GROUP", "prepared", "run_own_checks"]

GROUP = "own"
_KINDS: dict[str, Callable[[OwnCheck], Ask]] = {
    "sql": select.prepare,
    "command": command.prepare,
    "http": http.prepare,
    "env": env.prepare,
    "tcp": tcp.prepare,
    "redis": redis.prepare,
}
_PLACES: dict[str, Callable[[str], str]] = {"http": http.place, "redis": redis.place, "tcp": filled}


def prepared(settings: Settings) -> tuple[tuple[OwnCheck, Ask], ...]:
    """Every check of the settings and how it is asked; of both phases, for a mistake to be found before the run.

    Raises UsageError naming the file and the key of what cannot be understood.
    """
    try:
        return tuple((check, _KINDS[check.kind](check)) for check in settings.check)
    except UsageError as error:
        where = f"{settings.source}: " if settings.source else ""
        raise UsageError(f"{where}{error.message}", error.remedy) from None


def run_own_checks(settings: Settings, connection: Connection, phase: Phase) -> tuple[CheckResult, ...]:
    """The answers of the checks of `phase`, in the order of the settings.

    What is asked over the network is asked at the same time; commands and SQL one after the other. Raises UsageError
    as prepared() does, and nothing else: what goes wrong is `unknown`, or the severity that the check has.
    """
    asking = Asking(connection, settings.directory, settings.show_data)
    asked = [(check, _begun(check, ask, asking)) for check, ask in prepared(settings) if check.phase == phase]
    return tuple(_result(check, answer()) for check, answer in asked)


def _begun(check: OwnCheck, ask: Ask, asking: Asking) -> Callable[[], Found]:
    place = _PLACES.get(check.kind)
    if place is None:
        return partial(ask, asking)
    return begun(partial(ask, asking), place(getattr(check, check.kind)), check.timeout)


def _result(check: OwnCheck, found: Found) -> CheckResult:
    statuses: dict[str, Status] = {"held": "passed", "failed": check.severity, "unseen": "unknown"}
    remedies = {"held": None, "failed": check.remedy or found.remedy, "unseen": found.remedy or check.remedy}
    evidence = {"expected": found.expected, "found": found.found}
    remedy = remedies[found.state]
    if found.state != "held" and remedy is None:
        remedy = f"Look at what {check.name} asks, mend it, and run again."
    return CheckResult(
        check=check.name,
        group=GROUP,
        status=statuses[found.state],
        message=found.message,
        remedy=remedy,
        evidence={name: text for name, text in evidence.items() if text is not None},
        sql=found.sql,
    )

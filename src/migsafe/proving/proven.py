"""What the server says after a run: to the plan's proofs, to what revisions declare, and to a team's own checks."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from migsafe import rundir
from migsafe.errors import MigsafeError
from migsafe.formats.words import near
from migsafe.model.checks import CheckResult
from migsafe.model.declared import Declared
from migsafe.model.report import Excuse
from migsafe.own_checks import run_own_checks
from migsafe.postgres.connection import connect
from migsafe.postgres.session import looking_in
from migsafe.postgres.sqlstate import server_message
from migsafe.proving.declared import answered
from migsafe.proving.proofs import PROOFS, proven_now
from migsafe.revisions.config import Environment
from migsafe.settings import Settings
from migsafe.situation import Situation
from migsafe.verify import run_declared

# In the directory of a run: what verify asks again.
DECLARED = "declared.json"
__all__ = ["DECLARED", "PROOFS", "proven", "checked_after"]


def proven(
    environment: Environment,
    situation: Situation,
    own: dict[tuple[Any, ...], Any],
    settings: Settings,
    excuses: tuple[Excuse, ...] = (),
    directory: str | None = None,
) -> tuple[CheckResult, ...]:
    """Every answer after the plan has run; `own` are the `op.verify` that it met on its way, kept in `directory`.

    A server that cannot be asked any more proves nothing: that is a result too, because the revisions are in.
    """
    plan = situation.preview.plan
    new = [step.revision for step in plan.steps] if plan.direction == "upgrade" else []
    try:
        with connect(situation.database, read_only=True) as connection:
            derived = proven_now(connection, situation, directory)
            met = tuple(_declared(each) for each in own.values())
            _keep(directory, met)
            with looking_in(connection, situation.reading.search_path):
                declared = run_declared(connection, met)
                declared += answered(connection, environment, new)
            return derived + declared + checked_after(connection, settings, excuses)
    except (MigsafeError, psycopg.OperationalError) as error:
        again = "Verify when the server answers again: migsafe verify last"
        said = error.message if isinstance(error, MigsafeError) else server_message(error).primary
        return (CheckResult(check="verification", group="verify", status="blocked", message=said, remedy=again),)


def _keep(directory: str | None, met: tuple[Declared, ...]) -> None:
    """For `migsafe verify`: an op.verify is met while its revision runs, and never again."""
    if directory is not None and met:
        with suppress(OSError):
            rundir.write(Path(directory) / DECLARED, msgspec.json.encode(met))


def checked_after(
    connection: psycopg.Connection[Any], settings: Settings, excuses: tuple[Excuse, ...] = ()
) -> tuple[CheckResult, ...]:
    """The team's checks for after the migration, with `--skip` and `require` as preflight has them."""
    because = {each.name: each.because for each in excuses if each.kind == "skip"}
    return tuple(
        msgspec.structs.replace(each, skipped_because=because.get(each.check), required=each.check in settings.require)
        for each in run_own_checks(settings, connection, "after")
    )


def _declared(own: Any) -> Declared:
    expect = "no rows" if own.no_rows else "true" if own.equals is True else str(own.equals)
    return Declared(own.sql, expect, f"{near(str(own.path))}:{own.line}")

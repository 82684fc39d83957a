"""Whether a run has made database and models differ where they did not differ before."""

from typing import NamedTuple

from migsafe.errors import MigsafeError
from migsafe.model.checks import CheckResult, Status
from migsafe.revisions.config import Environment
from migsafe.revisions.drift import drift
from migsafe.settings import Settings


class Drift(NamedTuple):
    """The differences, None when nobody compared; `error` when that failed."""

    differences: tuple[str, ...] | None = None
    error: str | None = None


def drifted(environment: Environment, settings: Settings, url: str | None) -> Drift:
    """How models and database differ now. Nothing is raised for a comparison that fails."""
    if not settings.model_drift:
        return Drift()
    try:
        return Drift(drift(environment, url=url))
    except MigsafeError as error:
        return Drift(error=error.message)


def new_drift(before: Drift, environment: Environment, settings: Settings, url: str | None) -> tuple[CheckResult, ...]:
    """The answer after a run: a warning for what differs since, nothing when env.py has no models."""
    if before.differences is None and before.error is None:
        return ()
    after = drifted(environment, settings, url)
    error = before.error or after.error
    if error is not None:
        remedy = "`alembic check` shows it; model_drift = false in the settings leaves the comparison out."
        return (_result("unknown", f"The models could not be compared with the database: {error}", remedy),)
    differ = [each for each in after.differences or () if each not in (before.differences or ())]
    if differ:
        remedy = "`alembic check` lists all of them: correct the models or the revision."
        return (_result("warned", f"The models differ from the database since this run: {'; '.join(differ)}.", remedy),)
    left = len(after.differences or ())
    known = f"; {left} that were there before still are" if left else ""
    return (_result("passed", f"The models differ from the database nowhere that they did not before{known}."),)


def _result(status: Status, message: str, remedy: str | None = None) -> CheckResult:
    return CheckResult(check="model-drift", group="verify", status=status, message=message, remedy=remedy)

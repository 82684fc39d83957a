"""The proofs of a run in its directory: derived before it, with what was there; asked after it; kept for later."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from migsafe import rundir
from migsafe.errors import MigsafeError
from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.postgres.connection import connect
from migsafe.settings import Settings
from migsafe.situation import Situation
from migsafe.verify import Baseline, Proof, derive, settled, take, unproven, verify, write

PROOFS, BASELINE, SCRIPT = "proofs.json", "baseline.json", "verify.sql"


def look_before(situation: Situation, settings: Settings) -> Baseline:
    """What is there now and must be there afterwards; one that has seen nothing when the server does not answer."""
    seen = situation.preview
    try:
        with connect(situation.database, read_only=True, application_name="migsafe baseline") as connection:
            return take(connection, seen.plan, seen.before, settings.app_roles)
    except MigsafeError as error:
        return Baseline(unseen=(f"what was there before: {error.message}",))


def write_proofs(directory: Path, situation: Situation, baseline: Baseline | None = None) -> None:
    """Write what must be true afterwards, for `migsafe verify` and for psql. Raises OSError."""
    seen = situation.preview
    _write(directory, seen.plan, derive(seen.plan, seen.before, baseline), baseline)
    if baseline is not None:
        rundir.write(directory / BASELINE, msgspec.json.encode(baseline))


def proven_now(
    connection: psycopg.Connection[Any], situation: Situation, directory: str | None
) -> tuple[CheckResult, ...]:
    """The answers to the proofs in `directory`; what they leave open is kept there as it is now, to be asked later."""
    plan, before = situation.preview.plan, situation.preview.before
    proofs, baseline = _read(directory)
    if proofs is None:
        return verify(connection, plan, before)
    results = verify(connection, plan, before, proofs) + unseen(baseline)
    with suppress(OSError):
        _write(Path(directory or "."), plan, (*proofs, *settled(proofs, results)), baseline)
    return results


def unseen(baseline: Baseline | None) -> tuple[CheckResult, ...]:
    """One `unknown` for each thing that could not be looked at before the run."""
    if baseline is None:
        return ()
    missing = (f"app_role is {role}, and there is no such role on this server" for role in baseline.missing)
    return tuple(
        CheckResult(
            check="baseline",
            group="verify",
            status="unknown",
            subject=None,
            message=f"{what}; so nothing proves that it is as before.",
            remedy="Correct app_role in the settings." if what.startswith("app_role") else _REMEDY,
        )
        for what in (*baseline.unseen, *missing)
    )


_REMEDY = "Run as the owner of the tables, or as a role that may SELECT from them, past their policies (BYPASSRLS)."


def _write(directory: Path, plan: Plan, proofs: tuple[Proof, ...], baseline: Baseline | None) -> None:
    write(directory / SCRIPT, proofs, (*unproven(plan), *unseen(baseline)))
    rundir.write(directory / PROOFS, msgspec.json.encode(proofs))


def _read(directory: str | None) -> tuple[tuple[Proof, ...] | None, Baseline | None]:
    if directory is None:
        return None, None
    try:
        proofs = msgspec.json.decode((Path(directory) / PROOFS).read_bytes(), type=tuple[Proof, ...])
        kept = Path(directory) / BASELINE
        return proofs, msgspec.json.decode(kept.read_bytes(), type=Baseline) if kept.exists() else None
    except (OSError, msgspec.DecodeError):
        return None, None

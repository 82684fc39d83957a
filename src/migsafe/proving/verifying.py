"""`migsafe verify`: a run's proofs, and what revisions declare, asked of the database as it is now."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from migsafe import __version__
from migsafe.errors import MigsafeError, UsageError
from migsafe.model.catalog import Catalog
from migsafe.model.checks import CheckResult
from migsafe.model.declared import Declared
from migsafe.model.plan import Plan
from migsafe.model.report import Report
from migsafe.own_checks import prepared
from migsafe.postgres.connection import Database, connect
from migsafe.postgres.session import looking_in
from migsafe.proving import ALL
from migsafe.proving.declared import declared_of
from migsafe.proving.proven import DECLARED, PROOFS, checked_after
from migsafe.revisions.config import Environment
from migsafe.revisions.declared import applied, named
from migsafe.revisions.narrow import narrowed, of_one_database
from migsafe.revisions.read import Reading
from migsafe.settings import Settings
from migsafe.situation import connecting, now
from migsafe.stopped import Observer
from migsafe.verify import Proof, run_declared, verify

T = TypeVar("T")

Watch = Callable[[Callable[[], tuple[CheckResult, ...]]], tuple[CheckResult, ...]]
Also = Callable[[Plan, Reading, Database], tuple[CheckResult, ...]]


def once(ask: Callable[[], tuple[CheckResult, ...]]) -> tuple[CheckResult, ...]:
    """The Watch of a single round."""
    return ask()


def verify_run(
    environment: Environment,
    settings: Settings,
    earlier: Report,
    folder: Path,
    url: str | None,
    observer: Observer,
    watch: Watch = once,
    also: Also = lambda _plan, _reading, _database: (),
) -> Report:
    """What the run of `earlier` proved (its proofs are in `folder`), asked again of the database as it is now.

    And what its revisions declare, and the team's checks for after a migration, as they are written now: `watch` asks
    these, once or again and again. `also` is asked once, of the plan of the run. Raises UsageError when the proofs
    cannot be read.
    """
    prepared(settings)
    proofs = _decoded(folder / PROOFS, tuple[Proof, ...])
    recorded = _decoded(folder / DECLARED, tuple[Declared, ...]) if (folder / DECLARED).exists() else ()
    started = now()
    with connecting():
        environment = narrowed(environment, earlier.round, url=url)
    reading, database = database_of(environment, url, observer)
    new = [step.revision for step in earlier.plan.steps] if earlier.plan.direction == "upgrade" else []
    declared = (*recorded, *declared_of(environment, applied(environment, reading.heads, new)))
    with connect(database, read_only=True) as connection:
        derived = verify(connection, earlier.plan, Catalog(), proofs)
    derived += also(earlier.plan, reading, database)
    after = derived + watch(lambda: _asked(database, reading, declared, settings))
    return Report(
        command="verify",
        plan=earlier.plan,
        started=started,
        ended=now(),
        migsafe=__version__,
        steps=earlier.steps,
        after=after,
        typed=earlier.typed,
        options=earlier.options,
        directory=earlier.directory,
        round=earlier.round,
    )


def verify_revisions(
    environment: Environment,
    settings: Settings,
    revision: str,
    url: str | None,
    observer: Observer,
    watch: Watch = once,
) -> Report:
    """What `revision` declares, or with `all` every revision that the database has; and the team's own checks.

    Raises UsageError for a revision that is not known, or that the database does not have.
    """
    prepared(settings)
    started = now()
    reading, database = database_of(environment, url, observer)
    wanted = None if revision == ALL else named(environment, revision)
    there = applied(environment, reading.heads, wanted)
    missing = sorted(set(wanted or ()) - set(there))
    if missing:
        at = ", ".join(reading.heads) or "base"
        raise UsageError(
            f"revision {', '.join(missing)} is not in this database, which is at {at}",
            f"migsafe upgrade {missing[0]} brings it there.",
        )
    declared = declared_of(environment, there)
    plan = Plan(
        current=reading.heads,
        target=reading.heads,
        server_version=reading.server_version,
        database=database.label,
        version_table=reading.version_table,
    )
    after = watch(lambda: _asked(database, reading, declared, settings))
    return Report(
        command="verify",
        plan=plan,
        started=started,
        ended=now(),
        migsafe=__version__,
        after=after,
        round=reading.round.name if reading.round else None,
    )


def database_of(environment: Environment, url: str | None, observer: Observer) -> tuple[Reading, Database]:
    """The database that env.py (or `url`) names, and its heads; no revision is rendered for that."""
    with connecting():
        reading = of_one_database(environment, url=url)
    database = Database.from_parameters(reading.connection or {})
    observer.known(database)
    return reading, database


def _asked(
    database: Database, reading: Reading, declared: tuple[Declared, ...], settings: Settings
) -> tuple[CheckResult, ...]:
    """A round. A server that cannot be asked in it is an answer: a deployment may have brought it down."""
    try:
        with connect(database, read_only=True) as connection:
            with looking_in(connection, reading.search_path):
                said = run_declared(connection, declared)
            return said + checked_after(connection, settings)
    except MigsafeError as error:
        return (
            CheckResult(
                check="connection",
                group="verify",
                status="blocked",
                subject=database.label,
                message=error.message,
                remedy=error.remedy,
            ),
        )


def _decoded(path: Path, type: type[T]) -> T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=type)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", "Verify another run.") from None
    except msgspec.DecodeError as error:
        raise UsageError(f"{path.name} of this run is damaged: {error}", "Ask with its verify.sql, in psql.") from None

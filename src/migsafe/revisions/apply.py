"""Applies planned revisions through env.py, one transaction each, telling a runner about every turn."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import msgspec
from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy import text

from migsafe.errors import RunFailed
from migsafe.revisions.config import Environment, relative
from migsafe.revisions.drive import run_env
from migsafe.revisions.heads import heads_after
from migsafe.revisions.place import BatchTracer
from migsafe.revisions.read import Direction
from migsafe.revisions.render import revision_paths
from migsafe.revisions.watch import Watcher, watching

Ask = Callable[[str], Any]


class Turn(msgspec.Struct, frozen=True):
    """A revision's turn: `index` in the plan, and the heads that the version table must hold afterwards."""

    index: int
    revision: str
    path: str
    heads_after: tuple[str, ...]


class Runner(Watcher, Protocol):
    """What a run wants to know beside the statements. `ask` runs SQL on the connection that migrates, in its own

    transaction, and gives the first value."""

    def connected(self, ask: Ask) -> None:
        """env.py has given its connection; nothing was read or changed yet."""

    def entering(self, turn: Turn) -> None:
        """The next statements are this revision's."""

    def left(self, turn: Turn) -> None:
        """The revision is committed, as far as the connection that ran it knows."""

    def finished(self, ask: Ask) -> None:
        """The last revision is in; the connection goes back to env.py."""


def apply(
    environment: Environment,
    revisions: tuple[str, ...],
    *,
    direction: Direction,
    current: tuple[str, ...],
    runner: Runner,
    url: str | None = None,
) -> None:
    """Run env.py once and apply what of `revisions` the database does not have yet.

    `current` are the heads that the plan started from: the database must be there, or after one of the planned
    revisions (an earlier attempt). Raises RunFailed when it is anywhere else, before anything is run; what a
    revision raises passes as it is, after Alembic has rolled back.
    """
    reached: list[MigrationContext] = []
    steps = [step_of(environment, revision, direction) for revision in revisions]
    states = heads_after(current, steps)

    def work(heads: tuple[str, ...], context: MigrationContext) -> Iterable[Any]:
        reached.append(context)
        first = _position(tuple(sorted(heads)), tuple(sorted(current)), states)
        paths: list[frozenset[str]] = [frozenset()]
        with BatchTracer() as batches, watching(context, runner, lambda: paths[0]):
            for index, step in list(enumerate(steps))[first:]:
                turn = Turn(index, step.revision.revision, relative(step.revision.path), states[index])
                paths[0] = batches.paths = revision_paths(step)
                runner.entering(turn)
                yield step
                end_stray_transaction(context)
                runner.left(turn)
        runner.finished(asking(context))

    def configured(context: MigrationContext) -> None:
        runner.connected(asking(context))

    run_env(environment, work, target="heads", url=url, configured=configured)
    if not reached:
        raise RunFailed(
            f"env.py does not migrate {environment.only.name if environment.only else 'anything'} any more",
            "Run the same command again: it plans anew, with what env.py has now.",
        )


def end_stray_transaction(context: MigrationContext) -> None:
    """Commit what Alembic has lost sight of.

    A revision that calls `op.get_bind().commit()` ends the transaction that Alembic holds; what follows, the version
    row included, is in a new one that nobody would commit: exit 0, and nothing persisted (measured, 13 of 1,180).
    """
    assert context.connection is not None
    if context.connection.in_transaction() and not context._in_external_transaction:
        context.connection.commit()


def asking(context: MigrationContext) -> Ask:
    """SQL on the connection of `context`, each in a transaction of its own."""

    def ask(sql: str) -> Any:
        connection = context.connection
        assert connection is not None
        value = connection.execute(text(sql)).scalar()
        connection.commit()
        return value

    return ask


def step_of(environment: Environment, revision: str, direction: Direction) -> RevisionStep:
    """Alembic's step for one revision, up or down."""
    script = environment.script.get_revision(revision)
    assert script is not None
    return RevisionStep(environment.script.revision_map, script, direction == "upgrade")


def _position(heads: tuple[str, ...], current: tuple[str, ...], states: tuple[tuple[str, ...], ...]) -> int:
    if heads == current:
        return 0
    if heads in states:
        return states.index(heads) + 1
    raise RunFailed(
        f"the database is at {', '.join(heads) or 'base'}, not at {', '.join(current) or 'base'} where the plan starts",
        "Somebody migrated it meanwhile. Run the same command again: it plans anew.",
    )

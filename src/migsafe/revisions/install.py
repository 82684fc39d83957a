"""Puts a guard around a plain `alembic upgrade`, from the first lines of env.py."""

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any, Protocol

import msgspec
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.util import CommandError

from migsafe.errors import MigsafeError
from migsafe.revisions import drive
from migsafe.revisions.apply import Turn, asking, end_stray_transaction
from migsafe.revisions.config import Environment, relative
from migsafe.revisions.heads import heads_after
from migsafe.revisions.place import BatchTracer
from migsafe.revisions.read import Reading, reading_of
from migsafe.revisions.redirect import connections_to, database_of, parameters_of
from migsafe.revisions.render import revision_paths
from migsafe.revisions.rounds import Round, found_version_table
from migsafe.revisions.transactions import leave_external_transaction
from migsafe.revisions.watch import watching


class Sentry(Protocol):
    """What the guard does; all of it may raise MigsafeError, which ends the command with its message."""

    def connected(self, connection: Mapping[str, Any], version_table: str) -> None:
        """env.py has configured its connection; Alembic has not read the heads yet."""

    def reviewed(self, reading: Reading, environment: Environment) -> Any:
        """The steps are known, nothing has run. Returns a revisions.apply.Runner to watch them, None to let them be."""

    def arrived(self) -> None:
        """The last revision is committed."""

    def closed(self, error: BaseException | None) -> None:
        """Alembic is done with the steps, or something ended them."""


class Requested(msgspec.Struct, frozen=True):
    """What the operator typed after -x, as Alembic hands it over."""

    x: tuple[str, ...]


def install(context: Any, sentry_of: Callable[[Requested], Sentry | None]) -> None:
    """Guard the Alembic command that is running this env.py. `context` is `alembic.context`.

    Each round of env.py (configure() and run_migrations()) gets a Sentry of its own. Does nothing under
    `migsafe upgrade`, which guards better, in offline mode, and for commands that run no revision.
    """
    env: EnvironmentContext | None = getattr(context, "_proxy", None)
    if env is not None and drive.driving:
        env.context_opts[drive.GUARDED] = True
    if env is None or drive.driving or env.context_opts.get("as_sql") or "destination_rev" not in env.context_opts:
        return
    inner = env.context_opts.get("fn")
    requested = Requested(tuple(env.get_x_argument()))
    if inner is None:
        return
    with _as_command_error():
        first = sentry_of(requested)
    if first is None:
        return
    # The connections of a later round are opened when an earlier one is done: we listen until env.py is.
    listening = ExitStack()
    listening.enter_context(connections_to(None))
    weakref.finalize(env, listening.close)
    _own_configure(env, Environment(env.config, env.script, env.get_tag_argument()), inner, first, sentry_of, requested)


def _own_configure(
    env: EnvironmentContext,
    environment: Environment,
    inner: Callable[..., Iterable[Any]],
    first: Sentry,
    sentry_of: Callable[[Requested], Sentry | None],
    requested: Requested,
) -> None:
    original = env.configure
    unused = [first]

    def configure(connection: Any = None, *args: Any, **kwargs: Any) -> None:
        kwargs["transaction_per_migration"] = True
        with _as_command_error():
            sentry = unused.pop() if unused else sentry_of(requested)
            if sentry is None:
                kwargs["fn"] = inner
                original(connection, *args, **kwargs)
                return
            kwargs["fn"] = _guarded(environment, inner, sentry)
            if connection is not None:
                leave_external_transaction(connection, environment.config.attributes.values())
            original(connection, *args, **kwargs)
            context = env.get_context()
            found = found_version_table(context)
            if context.connection is not None and not context._in_external_transaction:
                context.connection.commit()
            sentry.connected(parameters_of(context), found)

    env.configure = configure  # type: ignore[method-assign]


def _guarded(
    environment: Environment, inner: Callable[..., Iterable[Any]], sentry: Sentry
) -> Callable[[Any, MigrationContext], Iterator[Any]]:
    def guarded(heads: Any, context: MigrationContext) -> Iterator[Any]:
        steps = list(inner(heads, context))
        if not steps or not all(isinstance(step, RevisionStep) for step in steps):
            sentry.closed(None)
            yield from steps
            return
        yield from _watched(environment, steps, tuple(heads), context, sentry)

    return guarded


def _watched(
    environment: Environment,
    steps: list[RevisionStep],
    heads: tuple[str, ...],
    context: MigrationContext,
    sentry: Sentry,
) -> Iterator[Any]:
    error: BaseException | None = None
    try:
        with _as_command_error():
            direction = "upgrade" if steps[0].is_upgrade else "downgrade"
            reading = reading_of(
                environment, steps, "upgrade" if direction == "upgrade" else "downgrade", heads, context
            )
            # Nobody knows yet whether there will be another round; a replay has to come to this one.
            one = Round(database_of(context), reading.version_table)
            reading = msgspec.structs.replace(reading, connection=parameters_of(context), round=one)
            runner = sentry.reviewed(reading, environment)
        if runner is None:
            yield from steps
            return
        runner.connected(asking(context))
        paths: list[frozenset[str]] = [frozenset()]
        with BatchTracer() as batches, watching(context, runner, lambda: paths[0]):
            for index, (step, state) in enumerate(zip(steps, heads_after(heads, steps), strict=True)):
                paths[0] = batches.paths = revision_paths(step)
                turn = Turn(index, step.revision.revision, relative(step.revision.path), state)
                runner.entering(turn)
                yield step
                end_stray_transaction(context)
                with _as_command_error():
                    runner.left(turn)
        runner.finished(asking(context))
        with _as_command_error():
            sentry.arrived()
    except BaseException as failure:
        error = failure
        raise
    finally:
        sentry.closed(error)


class _as_command_error:  # noqa: N801 - reads as the statement it stands in
    """MigsafeError as Alembic's CommandError: its command line prints that as one line, without a traceback."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: Any, error: BaseException | None, _traceback: Any) -> None:
        if isinstance(error, MigsafeError):
            raise CommandError(f"{error.message}. {error.remedy or ''}".strip()) from None

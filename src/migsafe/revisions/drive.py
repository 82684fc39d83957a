"""Runs env.py with our own function in the place of Alembic's, and no edit of env.py.

`alembic.context` is a module-level proxy to the running EnvironmentContext instance, so replacing `configure` on the
instance reaches every env.py: sync, async, threaded, Flask-Migrate (measured on Alembic 1.9 to 1.20).
"""

import io
import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from sqlalchemy import exc

from migsafe.errors import ConnectionFailed, MigsafeError, RevisionError, UsageError
from migsafe.revisions.config import Environment, broken_place, loading
from migsafe.revisions.redirect import connections_to
from migsafe.revisions.sentence import named, sentence

Work = Callable[[tuple[str, ...], MigrationContext], Iterable[Any]]

# Where a context keeps what env.py passed to run_migrations(): upgrade(op, tables) is called with it.
RUN_ARGS = "migsafe_run_args"

# Where it keeps whether env.py, left to itself, runs all revisions in one transaction.
ONE_TRANSACTION = "migsafe_one_transaction"
GUARDED = "migsafe_guarded"

# The guard that an env.py may install (migsafe.guard) stays out of the way while migsafe itself is driving.
driving = False


def run_env(
    environment: Environment,
    work: Work,
    *,
    target: str,
    url: str | None = None,
    offline: bool = False,
    mutate: bool = True,
    seen: list[Mapping[str, Any]] | None = None,
    configured: Callable[[MigrationContext], None] | None = None,
) -> None:
    """Run env.py once; `work(heads, context)` yields the steps that Alembic then executes.

    One transaction a revision, whatever env.py asks for. `url` redirects its connection, `seen` receives the
    parameters of it. `offline` runs env.py as `--sql` would. With `mutate` off not even the version table is created.
    With either, what env.py and the revisions print is thrown away. `configured` is called when env.py has given its
    connection, before heads are read.
    Raises RevisionError, UsageError or ConnectionFailed with one sentence; what a revision raises passes as it is.
    """
    options = {"as_sql": offline, "destination_rev": target, "tag": environment.tag}
    options |= {} if mutate else {"dont_mutate": True}
    rounds: list[MigrationContext] = []
    begun: list[Iterable[Any]] = []

    def once(heads: tuple[str, ...] | Any, context: MigrationContext) -> Iterable[Any]:
        rounds.append(context)
        _only_one_database(rounds)
        with loading(environment):
            begun.append(work(tuple(heads), context))
        return begun[-1]

    context = EnvironmentContext(environment.config, environment.script, fn=once, **options)
    _own_configure(context, environment, configured)
    with _driving(), _quiet(environment, offline or not mutate), connections_to(url, [] if seen is None else seen):
        try:
            with environment.context(), context:
                environment.script.run_env()
        except MigsafeError:
            raise
        except (Exception, SystemExit) as error:
            if rounds:
                raise
            raise _env_py_failed(environment, error) from error
        finally:
            _leave(begun)


def _leave(begun: list[Iterable[Any]]) -> None:
    """An exception of a step is not thrown into the generator that gave it: what that entered is left here."""
    for steps in begun:
        if isinstance(steps, Generator):
            steps.close()


def _own_configure(
    env: EnvironmentContext,
    environment: Environment,
    configured: Callable[[MigrationContext], None] | None,
) -> None:
    original = env.configure

    def configure(connection: Any = None, *args: Any, **kwargs: Any) -> None:
        # The guard of env.py gives each revision its own transaction, whatever env.py says.
        shared = not kwargs.get("transaction_per_migration", False) and GUARDED not in env.context_opts
        kwargs["transaction_per_migration"] = True
        # A project that declares its DDL not transactional (quay does) still runs on PostgreSQL, where it is.
        kwargs.pop("transactional_ddl", None)
        # migsafe says what runs, with more to it; env.py's fileConfig() has set the level by now.
        logging.getLogger("alembic.runtime.migration").setLevel(logging.WARNING)
        if connection is not None:
            leave_external_transaction(connection, environment.config.attributes.values())
        original(connection, *args, **kwargs)
        env.get_context().opts[ONE_TRANSACTION] = shared
        if configured is not None:
            configured(env.get_context())

    run_migrations = env.run_migrations

    def remembering(**kwargs: Any) -> None:
        env.get_context().opts[RUN_ARGS] = kwargs
        run_migrations(**kwargs)

    env.configure = configure  # type: ignore[method-assign]
    env.run_migrations = remembering  # type: ignore[method-assign]


def leave_external_transaction(connection: Any, given: Iterable[Any]) -> None:
    """Commit what env.py began on its connection before `context.configure()`.

    SQLAlchemy 2 begins a transaction at the first statement (`SET search_path`, an advisory lock). Alembic then takes
    it for the caller's: one transaction for all revisions, autocommit_block() broken, and with no final commit a run
    that logs success and persists nothing (knowledge: alembic §5, measured). A connection that the program itself
    handed over inside its own transaction is not ours to commit: that raises UsageError.
    """
    if not connection.in_transaction():
        return
    if any(connection is each for each in given):
        raise UsageError(
            "the connection in config.attributes is inside a transaction, so revisions cannot have their own",
            "Pass a connection that is not in a transaction, or none.",
        )
    connection.commit()
    # `with engine.begin() as connection:` would refuse every further statement until its block ends.
    if getattr(connection, "_trans_context_manager", None) is not None:
        connection._trans_context_manager = None


def _only_one_database(rounds: list[MigrationContext]) -> None:
    if len(rounds) > 1:
        tables = ", ".join(sorted({version_table(each) for each in rounds}))
        raise UsageError(
            f"env.py migrates more than one database or schema in one run (version tables: {tables})",
            "Choose one a run, with -x or -n as this env.py understands it; migsafe guards one database at a time.",
        )


def version_table(context: MigrationContext) -> str:
    """`schema.name` of the version table, or its bare name where env.py names no schema."""
    schema = context.version_table_schema
    return f"{schema}.{context.version_table}" if schema else context.version_table


@contextmanager
def _driving() -> Iterator[None]:
    global driving
    before, driving = driving, True
    try:
        yield
    finally:
        driving = before


@contextmanager
def _quiet(environment: Environment, quiet: bool) -> Iterator[None]:
    """Neither Alembic's offline SQL nor a `print` in env.py goes to standard output: a plan in JSON will."""
    if not quiet:
        yield
        return
    config = environment.config
    before, config.output_buffer = config.output_buffer, io.StringIO()
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        config.output_buffer = before


def _env_py_failed(environment: Environment, error: BaseException) -> MigsafeError:
    place = broken_place(error, Path(environment.script.dir)) or "env.py"
    if _is_about_connecting(error):
        return ConnectionFailed(sentence(error), f"{place} could not connect: is the server up, and the URL right?")
    return RevisionError(f"{place}: {named(error)}", "env.py failed before any revision was read.")


def _is_about_connecting(error: BaseException) -> bool:
    if isinstance(error, exc.OperationalError):
        return True
    if isinstance(error, OSError):
        # asyncpg lets those of the socket through; those of a file that env.py wants have its name.
        return error.filename is None
    # asyncpg's have no common class: no such database, too many connections, wrong password (manual, appendix A).
    sqlstate = getattr(getattr(error, "orig", None) or error, "sqlstate", None)
    return isinstance(sqlstate, str) and sqlstate[:2] in ("08", "28", "3D", "53")

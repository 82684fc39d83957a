"""Runs env.py with our own function in the place of Alembic's, and no edit of env.py.

`alembic.context` is a module-level proxy to the running EnvironmentContext instance, so replacing `configure` on the
instance reaches every env.py: sync, async, threaded, Flask-Migrate (measured on Alembic 1.9 to 1.20).
"""

import io
import itertools
import logging
import re
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from sqlalchemy import exc

from migsafe.errors import ConnectionFailed, MigsafeError, RevisionError
from migsafe.revisions.config import Environment, broken_place, loading
from migsafe.revisions.redirect import connections_to
from migsafe.revisions.rounds import Round, is_round
from migsafe.revisions.sentence import named, sentence
from migsafe.revisions.transactions import leave_external_transaction

Work = Callable[[tuple[str, ...], MigrationContext], Iterable[Any]]

# Where a context keeps what env.py passed to run_migrations(): upgrade(op, tables) is called with it.
RUN_ARGS = "migsafe_run_args"
# And the how manyeth call that was in this pass of env.py, from 0.
NUMBER = "migsafe_number"

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
    configured: Callable[[MigrationContext], None] | None = None,
) -> None:
    """Run env.py once; `work(heads, context)` yields the steps that Alembic then executes.

    One transaction a revision, whatever env.py asks for. `url` redirects its connections. `offline` runs env.py as
    `--sql` would. With `mutate` off not even the version table is created, and `work` is called for every round of
    env.py; otherwise for the first alone. In an environment that is narrowed to one round it is called for that one,
    and nothing is done in the others. With `offline` or without `mutate` what env.py and the revisions print is thrown
    away. `configured` is called when env.py has given its connection, before heads are read. Raises RevisionError or
    ConnectionFailed with one sentence; what a revision raises passes as it is.
    """
    options = {"as_sql": offline, "destination_rev": target, "tag": environment.tag}
    options |= {} if mutate else {"dont_mutate": True}
    working: list[Iterable[Any]] = []

    def once(heads: tuple[str, ...] | Any, context: MigrationContext) -> Iterable[Any]:
        working.append(())
        with loading(environment):
            working[-1] = work(tuple(heads), context)
        steps = working[-1]
        if not mutate:
            # Nothing is run: what env.py raises between two rounds is its own failure.
            working.clear()
        return steps

    context = EnvironmentContext(environment.config, environment.script, fn=once, **options)
    _own_configure(context, environment, None if environment.only is not None else configured)
    _own_run_migrations(context, environment.only, working, mutate, configured)
    with _driving(), _quiet(environment, offline or not mutate), connections_to(url):
        try:
            with environment.context(), context:
                environment.script.run_env()
        except MigsafeError:
            raise
        except (Exception, SystemExit) as error:
            if working:
                raise
            raise _env_py_failed(environment, error) from error
        finally:
            _leave(working)


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

    env.configure = configure  # type: ignore[method-assign]


def _own_run_migrations(
    env: EnvironmentContext,
    only: Round | None,
    working: list[Iterable[Any]],
    mutate: bool,
    configured: Callable[[MigrationContext], None] | None,
) -> None:
    """Which round env.py is in can be told only now: a search path may be set between configure() and this."""
    original = env.run_migrations
    calls = itertools.count()

    def run_migrations(**kwargs: Any) -> None:
        number, context = next(calls), env.get_context()
        context.opts[RUN_ARGS], context.opts[NUMBER] = kwargs, number
        if (mutate and working) or (only is not None and not is_round(context, only, number)):
            return
        if only is not None and configured is not None:
            configured(context)
        original(**kwargs)

    env.run_migrations = run_migrations  # type: ignore[method-assign]


_DENIED = re.compile(r"permission denied for (table|schema) (\S+)")


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
    return RevisionError(
        f"{place}: {named(error)}", _grant(named(error)) or "env.py failed before any revision was read."
    )


def _grant(said: str) -> str | None:
    """What the role of env.py lacks, where the server says so: the version table is the first thing it reads."""
    denied = _DENIED.search(said)
    if denied is None:
        return None
    kind, name = denied.groups()
    if kind == "schema":
        return f"GRANT USAGE ON SCHEMA {name} TO that role; or name another role in the URL."
    return (
        f"GRANT SELECT ON {name} TO that role, and to migrate INSERT, UPDATE and DELETE too; or name the role that "
        "migrates in the URL."
    )


def _is_about_connecting(error: BaseException) -> bool:
    if isinstance(error, exc.OperationalError):
        return True
    if isinstance(error, OSError):
        # asyncpg lets those of the socket through; those of a file that env.py wants have its name.
        return error.filename is None
    # asyncpg's have no common class: no such database, too many connections, wrong password (manual, appendix A).
    sqlstate = getattr(getattr(error, "orig", None) or error, "sqlstate", None)
    return isinstance(sqlstate, str) and sqlstate[:2] in ("08", "28", "3D", "53")

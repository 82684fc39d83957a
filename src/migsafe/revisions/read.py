"""What stands between a database and a target: heads, steps and their SQL, in one pass of env.py."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, cast

import msgspec
from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy import text

from migsafe.errors import RevisionError, UsageError
from migsafe.revisions.config import Environment, loading
from migsafe.revisions.drive import ONE_TRANSACTION, RUN_ARGS, Work, run_env, version_table
from migsafe.revisions.heads import heads_after
from migsafe.revisions.place import BatchTracer
from migsafe.revisions.render import RenderedStep, describe, render

Direction = Literal["upgrade", "downgrade"]


class Reading(msgspec.Struct, frozen=True):
    """What env.py and the revisions said. `connection` holds the parameters of the connection that env.py opened,

    as the driver got them (a password among them: never printed); None when env.py ran offline.
    `unknown_heads` are in the database and not in the scripts; then there are no steps. `back` are the revisions' own
    downgrade() in the order in which they would undo `steps`; empty for a downgrade. `one_transaction`: env.py leaves
    transaction_per_migration off.
    """

    heads: tuple[str, ...]
    target: tuple[str, ...]
    steps: tuple[RenderedStep, ...] = ()
    direction: Direction = "upgrade"
    version_table: str = "alembic_version"
    search_path: tuple[str, ...] = ("public",)
    server_version: int | None = None
    connection: Mapping[str, Any] | None = None
    unknown_heads: tuple[str, ...] = ()
    back: tuple[RenderedStep, ...] = ()
    notes: tuple[str, ...] = ()
    one_transaction: bool = False

    def __repr__(self) -> str:
        return f"Reading(heads={self.heads!r}, target={self.target!r}, steps={len(self.steps)})"


def read(
    environment: Environment,
    target: str | tuple[str, ...],
    *,
    direction: Direction = "upgrade",
    url: str | None = None,
    start: tuple[str, ...] | None = None,
    revisions: bool = True,
    back: bool = True,
) -> Reading:
    """Run env.py once, without changing anything, and render every step from the database's heads to `target`.

    With `start` (heads, () for base) the database's own heads do not matter, and env.py is run offline: no server is
    needed. Without `revisions` only the database is looked at, without `back` the way back is not rendered. Raises
    UsageError for a target that Alembic does not know, RevisionError for a broken file.
    """
    result: list[Reading] = []
    seen: list[Mapping[str, Any]] = []

    def work(heads: tuple[str, ...], context: MigrationContext) -> Iterable[Any]:
        known = start if start is not None else heads
        result.append(_reading(environment, target if revisions else None, direction, known, context, back=back))
        if not seen and context.connection is not None and not context.as_sql:
            seen.append(parameters_of(context))
        _leave_alone(environment, context)
        return []

    failed = _ran(environment, work, target, url, start is not None, seen)
    if result:
        return msgspec.structs.replace(result[0], connection=dict(seen[-1]) if seen and start is None else None)
    if start is None:
        raise RevisionError(
            "env.py never called context.run_migrations()",
            "Without it no migration can run; see Alembic's env.py template.",
        )
    return _without_env_py(environment, target, direction, start, failed, back=back)


def _ran(
    environment: Environment,
    work: Work,
    target: str | tuple[str, ...],
    url: str | None,
    offline: bool,
    seen: list[Mapping[str, Any]],
) -> str | None:
    """Run env.py without changing anything; what it died of, where it may (offline)."""
    name = target if isinstance(target, str) else "heads"
    try:
        run_env(environment, work, target=name, url=url, offline=offline, mutate=False, seen=seen)
    except RevisionError as error:
        if not offline:
            raise
        return error.message
    return None


def _leave_alone(environment: Environment, context: MigrationContext) -> None:
    """A connection that the program handed over goes on after us: not in a transaction that our looking began."""
    if any(context.connection is each for each in environment.config.attributes.values() if each is not None):
        assert context.connection is not None
        context.connection.rollback()


def range_of(environment: Environment, revision: str) -> tuple[tuple[str, ...] | None, str]:
    """`FROM:TO` as heads and a target, `TO` alone as (None, TO): then the database's own heads are the start.

    FROM is base, a revision as Alembic takes it, or several joined by commas. Raises UsageError for an unknown one.
    """
    start, colon, target = revision.rpartition(":")
    if not colon:
        return None, revision
    names = [] if start in ("", "base") else start.split(",")
    with loading(environment):
        found = [environment.script.get_revisions(name) for name in names]
    return tuple(script.revision for scripts in found for script in scripts if script), target or "heads"


def steps_between(
    environment: Environment, target: str | tuple[str, ...], direction: Direction, heads: tuple[str, ...]
) -> list[RevisionStep]:
    """Alembic's own steps, as its upgrade and downgrade commands compute them (all forms of a target included)."""
    resolve = environment.script._upgrade_revs if direction == "upgrade" else environment.script._downgrade_revs
    try:
        # Alembic takes a tuple of heads here, although it is annotated as one.
        return list(cast("Any", resolve)(target, heads))
    except AssertionError:
        # What Alembic says of a relative target beyond the end (`abc+7`), measured on 1.13 to 1.20.
        raise UsageError(f"{target} leads past the last revision", "`migsafe history` lists them all.") from None


def _reading(
    environment: Environment,
    target: str | tuple[str, ...] | None,
    direction: Direction,
    heads: tuple[str, ...],
    context: MigrationContext,
    *,
    back: bool,
) -> Reading:
    unknown = tuple(head for head in heads if not _known(environment, head))
    steps = [] if unknown or target is None else steps_between(environment, target, direction, heads)
    reading = reading_of(environment, steps, direction, heads, context, back=back)
    return msgspec.structs.replace(reading, unknown_heads=unknown)


def reading_of(
    environment: Environment,
    steps: list[RevisionStep],
    direction: Direction,
    heads: tuple[str, ...],
    context: MigrationContext,
    *,
    back: bool = True,
) -> Reading:
    """What `steps` would do, rendered for the connection of `context`; also while an env.py is running."""
    with BatchTracer() as batches:
        arguments = context.opts.get(RUN_ARGS, {})
        rendered = tuple(render(step, context, arguments, batches) for step in steps)
        undone = reversed(steps) if back and direction == "upgrade" else ()
        way_back = tuple(_render_undo(environment, step, context, arguments, batches) for step in undone)
    path = search_path(context)
    info = getattr(context.dialect, "server_version_info", None)
    return Reading(
        heads=heads,
        target=states[-1] if (states := heads_after(heads, steps)) else heads,
        steps=rendered,
        back=way_back,
        direction=direction,
        version_table=_found_version_table(context, path),
        search_path=path or ("public",),
        server_version=info[0] if info and not context.as_sql else None,
        one_transaction=context.opts.get(ONE_TRANSACTION, False),
    )


def _without_env_py(
    environment: Environment,
    target: str | tuple[str, ...] | None,
    direction: Direction,
    start: tuple[str, ...],
    failed: str | None,
    *,
    back: bool,
) -> Reading:
    """For an env.py that refuses offline mode: the revisions are rendered without it."""
    context = MigrationContext.configure(dialect_name="postgresql", opts={"script": environment.script})
    with loading(environment):
        reading = _reading(environment, target, direction, start, context, back=back)
    why = f" ({failed})" if failed else ""
    return msgspec.structs.replace(
        reading,
        server_version=None,
        notes=(f"env.py refuses offline mode{why}; its target_metadata and options are not known",),
    )


def search_path(context: MigrationContext) -> tuple[str, ...]:
    """The schemas that names are looked up in on env.py's connection, which may have set its own; () when offline."""
    if context.as_sql or context.connection is None:
        return ()
    # Joined, because psycopg2 has no array of names.
    joined = context.connection.exec_driver_sql("SELECT array_to_string(current_schemas(false), chr(31))").scalar()
    return tuple(str(joined).split("\x1f")) if joined else ()


def _found_version_table(context: MigrationContext, path: tuple[str, ...]) -> str:
    """With its schema: where the search path of env.py's connection finds it, or would make it."""
    if not path or context.version_table_schema:
        return version_table(context)
    assert context.connection is not None
    quoted = context.dialect.identifier_preparer.quote
    for schema in path:
        name = f"{quoted(schema)}.{quoted(context.version_table)}"
        if context.connection.execute(text("SELECT to_regclass(:name) IS NOT NULL"), {"name": name}).scalar():
            return f"{schema}.{context.version_table}"
    return f"{path[0]}.{context.version_table}"


def _render_undo(
    environment: Environment, step: RevisionStep, context: MigrationContext, arguments: Any, batches: BatchTracer
) -> RenderedStep:
    if not hasattr(step.revision.module, "downgrade"):
        return describe(step, (), "the file has no downgrade()")
    back = RevisionStep(environment.script.revision_map, step.revision, False)
    return render(back, context, arguments, batches)


def parameters_of(context: MigrationContext) -> Mapping[str, Any]:
    """For a connection that was opened before we looked, or by a creator function: what its URL says."""
    assert context.connection is not None
    url = context.connection.engine.url
    return {**url.translate_connect_args(username="user", database="dbname"), **url.query}


def _known(environment: Environment, head: str) -> bool:
    return any(script.revision == head for script in environment.script.walk_revisions())

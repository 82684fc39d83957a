"""One revision's upgrade() or downgrade() rendered as SQL without running it.

Not through env.py's offline branch, which lies in known ways (knowledge: alembic §3a): the dialect is the connected
one with named parameters, so that `%` and backslashes come out as they are; values are rendered by us, so that a
parameter is never dropped; and the first look at a result makes the revision unreadable instead of wrong.
"""

import io
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any, Literal, cast

import msgspec
from alembic import op
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, RevisionStep

from migsafe.revisions.config import relative
from migsafe.revisions.place import BatchTracer, Place
from migsafe.revisions.record import Connection, Recorder, Rendered, Result, Unreadable
from migsafe.revisions.sentence import short
from migsafe.revisions.traits import WayBack, application_imports, way_back


class RenderedStep(msgspec.Struct, frozen=True):
    """What a step sends. `unreadable` says why the rest, after `pieces`, cannot be known this way; `needs_server`

    that a server may tell: the revision looks at the database, rather than raises. `downgrade` and `imports` are what
    the file of an upgrade says besides (see traits)."""

    revision: str
    down_revisions: tuple[str, ...]
    path: str
    doc: str
    pieces: tuple[Rendered, ...] = ()
    unreadable: str | None = None
    needs_server: bool = False
    read: Literal["offline", "replayed"] = "offline"
    notes: tuple[str, ...] = ()
    downgrade: WayBack | None = None
    imports: tuple[str, ...] = ()

    @property
    def wants_a_server(self) -> bool:
        """Whether a server could tell more: what raises on purpose raises there too."""
        return self.unreadable is not None and self.needs_server


def render(
    step: RevisionStep, context: MigrationContext, run_args: Mapping[str, Any], batches: BatchTracer
) -> RenderedStep:
    """The SQL of `step`, rendered for the server and the driver of `context` (which may be online or offline)."""
    recorder = Recorder(_dialect(context), revision_paths(step), batches)
    unreadable = None
    try:
        with _in_place_of(context, recorder), redirect_stdout(io.StringIO()):
            step.migration_fn(**run_args)
    except Unreadable:
        pass
    except (Exception, SystemExit) as error:
        unreadable = why(error, recorder.paths)
    told = describe(step, tuple(recorder.pieces), recorder.unreadable or unreadable)
    return msgspec.structs.replace(told, needs_server=recorder.unreadable is not None)


def describe(step: RevisionStep, pieces: tuple[Rendered, ...], unreadable: str | None) -> RenderedStep:
    script = step.revision
    return RenderedStep(
        revision=script.revision,
        down_revisions=tuple(script._versioned_down_revisions),
        path=relative(script.path),
        doc=script.doc or "",
        pieces=_shown(pieces, script.path),
        unreadable=unreadable,
        downgrade=way_back(script.module) if step.is_upgrade else None,
        imports=application_imports(script.path) if step.is_upgrade else (),
    )


def revision_paths(step: RevisionStep) -> frozenset[str]:
    """The names that frames of the revision file may carry."""
    names = {str(step.revision.path), step.migration_fn.__code__.co_filename}
    if step.revision.module.__file__:
        names.add(step.revision.module.__file__)
    return frozenset(names)


def _shown(pieces: Sequence[Rendered], path: str) -> tuple[Rendered, ...]:
    """The pieces with their paths as a person in the working directory would write them."""
    names = {name: relative(name) for name in {each.place.path or path for each in pieces}}
    return tuple(
        Rendered(
            each.sql, Place(names[each.place.path or path], each.place.line, each.place.operation), each.transaction
        )
        for each in pieces
    )


def _dialect(context: MigrationContext) -> Any:
    known = context.dialect
    dialect = cast("Any", type(known))(paramstyle="named")
    for name, value in vars(known).items():
        if name not in ("paramstyle", "positional") and isinstance(value, bool | int | str | tuple):
            vars(dialect)[name] = value
    if getattr(known, "server_version_info", None) is None:
        # Never connected: what SQLAlchemy assumes then (backslash escapes) is no server of the last ten years.
        vars(dialect)["_backslash_escapes"] = False
        vars(dialect)["server_version_info"] = (18, 0)
    return dialect


class _Context(MigrationContext):
    """Offline to Alembic; online to a revision that asks, because that is how it will run."""

    @property
    def as_sql(self) -> bool:
        return str(sys._getframe(1).f_globals.get("__name__")).startswith("alembic.")

    @as_sql.setter
    def as_sql(self, _value: bool) -> None:
        return None


@contextmanager
def _in_place_of(context: MigrationContext, recorder: Recorder) -> Iterator[None]:
    """Make `op` and `context.get_context()` lead to the recorder until left."""
    opts = {**context.opts, "as_sql": True, "transactional_ddl": True, "literal_binds": True, "output_buffer": None}
    env = context.environment_context
    offline = _Context(recorder.dialect, None, opts, env)
    connection = Connection(recorder.dialect, recorder)
    offline.connection = offline.impl.connection = cast("Any", connection)

    def execute(construct: Any, _options: Any = None, multiparams: Any = None, params: Any = None) -> Result:
        recorder.record(construct, multiparams or params)
        return Result(recorder)

    impl = cast("Any", offline.impl)
    impl._exec, impl.emit_begin, impl.emit_commit = execute, recorder.begin, recorder.end
    outer = vars(op).get("_proxy")
    inner = Operations(offline)
    with _running_online(env, offline, context):
        inner._install_proxy()
        try:
            yield
        finally:
            if outer is not None:
                outer._install_proxy()
            else:
                inner._remove_proxy()


@contextmanager
def _running_online(env: Any, inner: MigrationContext, outer: MigrationContext) -> Iterator[None]:
    """What `alembic.context` says to a revision meanwhile; `env` is None where env.py was not run."""
    if env is None:
        yield
        return
    as_sql = env.context_opts.get("as_sql", False)
    env._migration_context, env.context_opts["as_sql"] = inner, False
    try:
        yield
    finally:
        env._migration_context, env.context_opts["as_sql"] = outer, as_sql


def why(error: BaseException, paths: frozenset[str]) -> str:
    """One sentence with the line of the revision that raised."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename in paths]
    where = f"line {lines[-1]}: " if lines else ""
    if "it has no name" in str(error):
        return f"{where}drops a constraint without naming it, which Alembic cannot render"
    return f"{where}{type(getattr(error, 'orig', None) or error).__name__}: {short(error)}"

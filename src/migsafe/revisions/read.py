"""What stands between a database and a target: heads, steps and their SQL, in one pass of env.py."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, cast

import msgspec
from alembic.runtime.migration import MigrationContext, RevisionStep

from migsafe.errors import MigsafeError, RevisionError, UsageError
from migsafe.revisions.config import Environment, loading
from migsafe.revisions.drive import NUMBER, ONE_TRANSACTION, RUN_ARGS, Work, run_env
from migsafe.revisions.heads import heads_after
from migsafe.revisions.place import BatchTracer
from migsafe.revisions.redirect import hearing, parameters_of
from migsafe.revisions.render import RenderedStep, describe, render
from migsafe.revisions.rounds import Round, found_version_table, listed, named, round_of, search_path

Direction = Literal["upgrade", "downgrade"]


class Reading(msgspec.Struct, frozen=True):
    """What env.py and the revisions said. `connection` holds the parameters of the connection that env.py opened,

    as the driver got them (a password among them: never printed); None when env.py ran offline.
    `unknown_heads` are in the database and not in the scripts; then there are no steps. `back` are the revisions' own
    downgrade() in the order in which they would undo `steps`; empty for a downgrade. `one_transaction`: env.py leaves
    transaction_per_migration off. `round` says which of several rounds of env.py this was; None where there is one.
    `astray`: of several rounds, that target leads nowhere from this one's heads (`+1` at head). `asked` is what env.py
    of several rounds asked the server, parameters left out. `left_alone`: revisions of a downgrade of which nothing
    would be undone, with the reason.
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
    round: Round | None = None
    astray: MigsafeError | None = None
    asked: tuple[str, ...] = ()
    left_alone: tuple[tuple[str, str], ...] = ()

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
    """`read_rounds` for an env.py of one round, or an environment narrowed to one; raises UsageError for any other.

    With `start`, where no database is asked, the first round stands for all.
    """
    found = read_rounds(environment, target, direction=direction, url=url, start=start, revisions=revisions, back=back)
    if len(found) > 1 and start is None:
        rounds = [each.round for each in found if each.round is not None]
        raise UsageError(
            f"env.py migrates more than one database or schema in one run: {listed(rounds)}",
            "Choose one: --round NAME.",
        )
    return found[0]


def read_rounds(
    environment: Environment,
    target: str | tuple[str, ...],
    *,
    direction: Direction = "upgrade",
    url: str | None = None,
    start: tuple[str, ...] | None = None,
    revisions: bool = True,
    back: bool = True,
) -> tuple[Reading, ...]:
    """Run env.py once, without changing anything, and render every step from the database's heads to `target`.

    One Reading for each round of env.py, in its order; of rounds over the same database and version table the first,
    because then nothing is left to do for the others. With `start` (heads, () for base) the database's own heads do
    not matter, and env.py is run offline: no server is needed. Without `revisions` only the database is looked at,
    without `back` the way back is not rendered. Raises UsageError for a target that Alembic does not know, and for a
    `url` that would send the revisions of several databases to one; RevisionError for a broken file.
    """
    result: list[Reading] = []

    def work(heads: tuple[str, ...], context: MigrationContext) -> Iterable[Any]:
        known = start if start is not None else heads
        wanted, astray = target if revisions else None, None
        try:
            with loading(environment):
                reading = _reading(environment, wanted, direction, known, context, back=back)
        except MigsafeError as error:
            astray, reading = error, _reading(environment, None, direction, known, context, back=back)
        reading = msgspec.structs.replace(reading, astray=astray)
        result.append(_connected(reading, context, offline=start is not None))
        _leave_alone(environment, context)
        return []

    queries: dict[str, None] = {}
    with hearing(queries):
        failed = _ran(environment, work, target, url, start is not None)
    if result:
        found = _told_apart(result, url if revisions else None, environment.only)
        return tuple(msgspec.structs.replace(each, asked=tuple(queries)) if each.round else each for each in found)
    if environment.only is not None and start is None:
        raise UsageError(
            f"env.py does not migrate {environment.only.name} any more",
            "Run the same command again: it plans anew, with what env.py has now.",
        )
    if start is None:
        raise RevisionError(
            "env.py never called context.run_migrations()",
            "Without it no migration can run; see Alembic's env.py template.",
        )
    return (_without_env_py(environment, target, direction, start, failed, back=back),)


def _connected(reading: Reading, context: MigrationContext, *, offline: bool) -> Reading:
    connected = not offline and context.connection is not None and not context.as_sql
    return msgspec.structs.replace(
        reading,
        connection=parameters_of(context) if connected else None,
        round=round_of(context, context.opts[NUMBER], context.opts[RUN_ARGS], reading.version_table),
    )


def _told_apart(readings: list[Reading], url: str | None, only: Round | None) -> tuple[Reading, ...]:
    """Each round once, with its name; None where there is no other, `only` where the environment is narrowed to it."""
    first: dict[tuple[str, ...], Reading] = {}
    for each in readings:
        assert each.round is not None
        where = (each.round.database, each.round.version_table)
        first.setdefault(where if each.round.database else (str(each.round.number),), each)
    kept = tuple(first.values())
    if len(kept) < len(readings):
        again = "env.py comes to one version table more than once: nothing is left to do there after the first time"
        kept = (msgspec.structs.replace(kept[0], notes=(*kept[0].notes, again)), *kept[1:])
    if len(kept) == 1 and kept[0].astray is not None:
        raise kept[0].astray
    if len(kept) == 1:
        return (msgspec.structs.replace(kept[0], round=only),)
    rounds = named([each.round for each in kept if each.round is not None])
    if url is not None and len({each.database for each in rounds}) > 1:
        raise UsageError(
            f"env.py migrates several databases ({listed(rounds)}), and --url (or DATABASE_URL) names one",
            "Leave the URL out, so that each keeps its own.",
        )
    return tuple(msgspec.structs.replace(each, round=one) for each, one in zip(kept, rounds, strict=True))


def _ran(
    environment: Environment, work: Work, target: str | tuple[str, ...], url: str | None, offline: bool
) -> str | None:
    """Run env.py without changing anything; what it died of, where it may (offline)."""
    name = target if isinstance(target, str) else "heads"
    try:
        run_env(environment, work, target=name, url=url, offline=offline, mutate=False)
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
    if not target and isinstance(target, str):
        raise UsageError("the name of the revision is empty", "Name one: head, base, +1, or an id.")
    resolve = environment.script._upgrade_revs if direction == "upgrade" else environment.script._downgrade_revs
    try:
        # Alembic takes a tuple of heads here, although it is annotated as one.
        return list(cast("Any", resolve)(target, heads))
    except AssertionError:
        # What Alembic says of a relative target beyond the end (`abc+7`), measured on 1.13 to 1.20.
        end = "last" if direction == "upgrade" else "first"
        raise UsageError(f"{target} leads past the {end} revision", "`migsafe history` lists them all.") from None


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
        version_table=found_version_table(context, path),
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


def _render_undo(
    environment: Environment, step: RevisionStep, context: MigrationContext, arguments: Any, batches: BatchTracer
) -> RenderedStep:
    if not hasattr(step.revision.module, "downgrade"):
        return describe(step, (), "the file has no downgrade()")
    back = RevisionStep(environment.script.revision_map, step.revision, False)
    return render(back, context, arguments, batches)


def _known(environment: Environment, head: str) -> bool:
    return any(script.revision == head for script in environment.script.walk_revisions())

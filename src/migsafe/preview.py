"""Reads the revisions between a database and a target once: every statement, its line and its effects."""

import hashlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import msgspec

from migsafe.model.after import after
from migsafe.model.catalog import Catalog
from migsafe.model.effects import Effects
from migsafe.model.plan import Plan, Step
from migsafe.model.statement import Statement
from migsafe.revisions.config import Environment
from migsafe.revisions.read import Reading, read
from migsafe.revisions.record import Rendered
from migsafe.revisions.render import RenderedStep
from migsafe.sql.predict import predict
from migsafe.sql.split import Piece, split

if TYPE_CHECKING:
    from migsafe.postgres.connection import Database

# Bytes of a list of tenants; what is larger is no list.
_SMALL = 16 * 1024**2
Progress = Callable[[str, float | None], None]


class Preview(msgspec.Struct, frozen=True):
    """`plan` is what will run; `back` the revisions' own way back, None for a downgrade and where it was not read.

    `before` is the catalog that the first statement meets, `after` the one that the last leaves.
    """

    plan: Plan
    back: Plan | None
    before: Catalog
    after: Catalog


def preview(
    environment: Environment,
    reading: Reading,
    catalog: Catalog,
    *,
    database: "Database | None" = None,
    server_version: int | None = None,
    scratch_url: str | None = None,
    on_progress: Progress | None = None,
) -> Preview:
    """The plan of `reading` over `catalog`, the schema as it is now.

    Steps that could not be rendered are replayed on a scratch server, from a copy of the schema of `database` (or
    from `reading.heads`, migrated there from nothing, when there is no database). Where no scratch server is to be
    had they stay unreadable, and say why; nothing is passed over.
    """
    version = server_version or reading.server_version or catalog.server_version
    steps, back = reading.steps, reading.back
    if any(step.wants_a_server for step in (*steps, *back)):
        # psycopg takes longer to load than most revisions to read: only where a server is asked.
        from migsafe.replayed import completed

        if on_progress is not None:
            on_progress("replaying on a scratch server what cannot be read without one", None)
        steps, back = completed(environment, reading, database, scratch_url, _lists(reading, catalog))
    plan_steps, end = _predicted(steps, catalog, version)
    plan = _plan(reading, _with_errors(plan_steps, reading), server_version or reading.server_version, database)
    if reading.direction == "downgrade" or len(back) != len(steps):
        return Preview(plan, None, catalog, end)
    back_steps, _ = _predicted(back, end, version)
    way_back = msgspec.structs.replace(
        plan, current=plan.target, target=plan.current, direction="downgrade", steps=back_steps
    )
    return Preview(plan, msgspec.structs.replace(way_back, fingerprint=_fingerprint(back_steps)), catalog, end)


def schema_at(environment: Environment, heads: tuple[str, ...]) -> Catalog:
    """The schema that the revisions up to `heads` make from nothing, as far as they can be read without a server.

    `complete` only when every one of them could be.
    """
    empty = Catalog(complete=True)
    if not heads:
        return empty
    history = read(environment, heads, start=(), back=False)
    return schema_after(history.steps, empty)


def schema_after(steps: Iterable[RenderedStep], catalog: Catalog) -> Catalog:
    """The schema that `steps` make of `catalog`, as far as they can be read without a server."""
    return _predicted(steps, catalog, catalog.server_version)[1]


def predicted(steps: Iterable[RenderedStep], catalog: Catalog) -> tuple[tuple[Step, ...], Catalog]:
    """`steps` with the effects of their statements over `catalog`, as far as they can be read without a server."""
    return _predicted(steps, catalog, catalog.server_version)


def _lists(reading: Reading, catalog: Catalog) -> tuple[str, ...]:
    """The small tables that an env.py of several rounds reads: with them empty it would have no round to replay in."""
    asked = (predict(query, catalog, catalog.server_version) for query in reading.asked)
    read = {lock.relation for effects in asked for lock in effects.locks if lock.kind == "table"}
    sizes = {name: relation.bytes for name in read if (relation := catalog.relations.get(name)) is not None}
    return tuple(sorted(name for name, size in sizes.items() if size is not None and size <= _SMALL))


def _plan(reading: Reading, steps: tuple[Step, ...], version: int | None, database: "Database | None") -> Plan:
    return Plan(
        current=reading.heads,
        target=reading.target,
        steps=steps,
        direction=reading.direction,
        server_version=version,
        database=database.label if database is not None else None,
        version_table=reading.version_table,
        one_transaction=reading.one_transaction and len(steps) > 1,
        fingerprint=_fingerprint(steps),
    )


def _fingerprint(steps: Iterable[Step]) -> str:
    digest = hashlib.sha256()
    for step in steps:
        for part in (step.revision, *(statement.sql for statement in step.statements)):
            digest.update(part.encode() + b"\0")
    return digest.hexdigest()


def _predicted(rendered: Iterable[RenderedStep], catalog: Catalog, version: int) -> tuple[tuple[Step, ...], Catalog]:
    steps = []
    index = 0
    for each in rendered:
        statements: list[Statement] = []
        for piece in each.pieces:
            for part in split(piece.sql):
                effects = Effects(unknown=part.error) if part.error else predict(part.sql, catalog, version)
                statements.append(_statement(each, piece, part, effects, index))
                catalog = after(catalog, effects)
                index += 1
        if each.unreadable:
            catalog = msgspec.structs.replace(catalog, complete=False)
        steps.append(_step(each, tuple(statements)))
    return tuple(steps), catalog


def _statement(step: RenderedStep, piece: Rendered, part: Piece, effects: Effects, index: int) -> Statement:
    return Statement(
        sql=part.sql,
        effects=effects,
        index=index,
        revision=step.revision,
        path=piece.place.path,
        line=piece.place.line,
        operation=piece.place.operation,
        transaction=piece.transaction,
        # Their lines are those of a string in the revision, which may be anywhere in it.
        comments=tuple(msgspec.structs.replace(comment, line=None) for comment in part.comments),
    )


def _step(each: RenderedStep, statements: tuple[Statement, ...]) -> Step:
    return Step(
        revision=each.revision,
        down_revisions=each.down_revisions,
        path=each.path,
        doc=each.doc,
        statements=statements,
        read="unreadable" if each.unreadable else each.read,
        unreadable=each.unreadable,
        retryable=all(statement.transaction == 0 for statement in statements),
        notes=each.notes,
        downgrade=each.downgrade,
        imports=each.imports,
    )


def _with_errors(steps: tuple[Step, ...], reading: Reading) -> tuple[Step, ...]:
    """The steps with what their downgrade() raises, as far as the way back was read."""
    errors = {step.revision: step.unreadable for step in reading.back if step.unreadable and not step.needs_server}
    return tuple(
        msgspec.structs.replace(step, downgrade="raises", downgrade_error=errors[step.revision])
        if step.revision in errors and step.downgrade != "missing"
        else step
        for step in steps
    )

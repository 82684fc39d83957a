"""What a way back would lose, and which of its steps are none."""

from collections.abc import Iterator

from migsafe.model.catalog import Catalog, Column, Relation
from migsafe.model.effects import Object
from migsafe.model.plan import Plan, Step
from migsafe.model.report import Loss
from migsafe.model.statement import Statement

_UNDONE = {"INSERT": "rows that it inserted stay", "UPDATE": "rows that it changed stay changed"}


def losses(
    downgrade: Plan, upgrade: Plan, catalog: Catalog, saved: frozenset[str] = frozenset(), run: str = "RUN"
) -> tuple[Loss, ...]:
    """One Loss for each thing whose data the way back loses, or does not bring back; `catalog` tells how many rows.

    `saved` are the things whose rows `run` saves before it destroys them: column public.t.c, table public.t, rows
    public.t.
    """
    made = {label for statement in upgrade.statements for label in _made(statement)}
    found = [
        *_lost_now(downgrade, made, catalog),
        *_lost_before(upgrade, downgrade, saved, run),
        *_left(upgrade, saved, run),
    ]
    return tuple({(loss.revision, loss.what): loss for loss in reversed(found)}.values())[::-1]


def _lost_now(downgrade: Plan, made: set[str], catalog: Catalog) -> Iterator[Loss]:
    for step in downgrade.steps:
        for statement in step.statements:
            for gone in statement.effects.destroys:
                since = " since the upgrade" if {gone.label, gone.of} & made else ""
                because = f"downgrade() {_verb(gone)}: what was written there{since} is lost{_rows(gone, catalog)}"
                yield Loss(revision=step.revision, what=f"{gone.kind} {gone.label}", because=because)


def _lost_before(upgrade: Plan, downgrade: Plan, saved: frozenset[str], run: str) -> Iterator[Loss]:
    remade = {label for statement in downgrade.statements for label in _made(statement)}
    for step in upgrade.steps:
        for statement in step.statements:
            for gone in statement.effects.destroys:
                returns = "downgrade() makes it again, empty" if gone.label in remade else "downgrade() has no copy"
                what = f"{gone.kind} {gone.label}"
                kept = f"saved first, `migsafe restore {run}` brings it back"
                has = kept if what in saved else "only a backup has them"
                because = f"the upgrade destroyed its data at {statement.place}, and {returns}: {has}"
                yield Loss(revision=step.revision, what=what, because=because)


def _left(upgrade: Plan, saved: frozenset[str], run: str) -> Iterator[Loss]:
    for step in upgrade.steps:
        new = {label for statement in step.statements for label in _made(statement)}
        for statement in step.statements:
            for write in statement.effects.writes:
                left = _UNDONE.get(write.command, "rows that it changed or removed stay so")
                if write.relation not in new:
                    what = f"rows {write.relation}"
                    because = f"{write.command} at {statement.place}: {left} unless downgrade() sets them right"
                    if what in saved and write.command != "INSERT":
                        because += f"; saved first, `migsafe restore {run}` puts them back"
                    yield Loss(revision=step.revision, what=what, because=because)


def impossible(downgrade: Plan, upgrade: Plan) -> dict[str, str]:
    """Why a revision has no way back, by revision."""
    there = {step.revision: step for step in upgrade.steps}
    reasons = ((step.revision, _why_not(step, there.get(step.revision))) for step in downgrade.steps)
    return {revision: reason for revision, reason in reasons if reason is not None}


def _why_not(back: Step, there: Step | None) -> str | None:
    if back.read == "unreadable":
        return f"its downgrade() cannot be run from a script: {back.unreadable or 'it cannot be read'}"
    if back.statements or there is None:
        return None
    if any(_asks_for_undoing(statement) for statement in there.statements):
        return "its downgrade() is empty, and its upgrade() changes the schema"
    if there.read == "unreadable" or any(statement.effects.unknown for statement in there.statements):
        return "its downgrade() is empty, and what its upgrade() changes is not known"
    return None


def _asks_for_undoing(statement: Statement) -> bool:
    """A constraint that was validated may stay so: the revision before lives with the same rows."""
    effects = statement.effects
    return effects.changes_schema and not (
        effects.validates and not (effects.creates or effects.drops or effects.renames)
    )


def _made(statement: Statement) -> Iterator[str]:
    for made in statement.effects.creates:
        if isinstance(made, Column):
            yield f"{made.relation}.{made.name}"
        elif isinstance(made, Relation):
            yield made.name


def _verb(gone: Object) -> str:
    return "deletes rows" if gone.kind == "rows" else f"drops or rewrites the {gone.kind}"


def _rows(gone: Object, catalog: Catalog) -> str:
    relation = catalog.relations.get(gone.of or gone.name)
    return f" (about {relation.rows:,.0f} rows)" if relation is not None and relation.rows else ""

"""Which other tables does a DELETE or TRUNCATE of the plan reach through foreign keys?"""

from collections.abc import Iterator

from migsafe.model.catalog import Catalog, Constraint, Index
from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.preflight.answer import answer, check
from migsafe.preflight.touched import Moment, moments
from migsafe.preflight.wording import some

CHECK = check(
    __name__,
    group="schema",
    why="ON DELETE CASCADE deletes the rows of other tables with those of this one, and locks them; without an index "
    "on the referencing columns, every deleted row reads the whole other table. TRUNCATE of a referenced table fails.",
    remedy="See what is deleted there, and create the missing index first.",
)

_ACTS = ("c", "n", "d")


def run(*, plan: Plan, catalog: Catalog, **_: object) -> Iterator[CheckResult]:
    inbound: dict[str, list[Constraint]] = {}
    for constraints in catalog.constraints.values():
        for each in constraints.values():
            if each.kind == "foreign key" and each.references and not each.inherited:
                inbound.setdefault(each.references, []).append(each)
    gone: set[str] = set()
    for moment in moments(plan):
        gone |= {drop.label for drop in moment.effects.drops}
        for relation in dict.fromkeys(_emptied(moment)):
            yield from _truncated(moment, relation, _left(inbound.get(relation, []), gone))
        for relation in dict.fromkeys(_deleted(moment)):
            yield from _reached(moment, relation, _left(inbound.get(relation, []), gone), catalog)


def _left(keys: list[Constraint], gone: set[str]) -> list[Constraint]:
    """Those that an earlier statement has not dropped, alone or with their table."""
    return [key for key in keys if not {key.relation, f"{key.relation}.{key.name}"} & gone]


def _emptied(moment: Moment) -> Iterator[str]:
    yield from (now for name in moment.effects.truncates if (now := moment.now(name)) is not None)


def _deleted(moment: Moment) -> Iterator[str]:
    for write in moment.effects.writes:
        now = moment.now(write.relation)
        if now is not None and write.command in ("DELETE", "MERGE") and not write.few:
            yield now


def _truncated(moment: Moment, relation: str, keys: list[Constraint]) -> Iterator[CheckResult]:
    others = [key.relation for key in keys if key.relation not in moment.effects.truncates]
    if others:
        message = f"TRUNCATE {relation} ({moment.statement.place}) fails: foreign keys of {some(others)} reference it."
        remedy = "Truncate those tables in the same statement if their rows shall go too, or DELETE."
        yield answer(CHECK, "blocked", message, subject=relation, remedy=remedy)


def _reached(moment: Moment, relation: str, keys: list[Constraint], catalog: Catalog) -> Iterator[CheckResult]:
    place = f"DELETE from {relation} ({moment.statement.place})"
    acting = [key for key in keys if key.on_delete in _ACTS]
    if acting:
        does = some(f"{key.relation}, by {key.name}" for key in acting)
        message = f"{place} deletes rows, or sets columns, of other tables too: {does}."
        remedy = "Count first how many rows those are: it goes on from there by their own foreign keys."
        yield answer(CHECK, "warned", message, subject=relation, remedy=remedy)
    indexes: dict[str, list[Index]] = {}
    for index in catalog.indexes.values() if keys else ():
        indexes.setdefault(index.relation, []).append(index)
    bare = [key for key in keys if not any(_serves(index, key) for index in indexes.get(key.relation, ()))]
    if bare:
        columns = some(f"{key.relation} ({', '.join(key.columns)})" for key in bare)
        message = f"{place} reads a whole other table for every row, for want of an index there: on {columns}."
        remedy = "op.create_index(…, postgresql_concurrently=True) there, before."
        yield answer(CHECK, "warned", message, subject=relation, remedy=remedy)


def _serves(index: Index, key: Constraint) -> bool:
    return index.valid and index.predicate is None and set(index.columns[: len(key.columns)]) == set(key.columns)

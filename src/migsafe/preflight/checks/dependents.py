"""Does something depend on what the plan drops or gives another type, so that the statement fails?"""

from collections.abc import Iterator
from typing import NamedTuple

from migsafe.model.catalog import Column, Relation
from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.touched import Moment, moments
from migsafe.preflight.wording import some

CHECK = check(
    __name__,
    group="schema",
    why="DROP fails on a view, policy or foreign key that hangs on the column or table, and ALTER COLUMN … TYPE on a "
    "view, rule, policy or trigger; a view that somebody made by hand is in no revision.",
    remedy="Drop what depends on it in the same revision, before, and create it again after.",
)

_RELATIONS = ("table", "partitioned table", "view", "materialized view", "foreign table")
# What the predicted effects of CASCADE name; a rule, trigger or function may go with it unsaid.
_FOLLOWS = ("view", "materialized view", "policy", "foreign key")


class _Change(NamedTuple):
    """A column (None: the whole relation) that is dropped or retyped; `gone` is what is away by then, as labels."""

    relation: str
    column: str | None
    drops: bool
    place: str
    gone: frozenset[str]


def run(*, connection: Connection, plan: Plan, **_: object) -> Iterator[CheckResult]:
    changes = list(_changes(plan))
    if not changes:
        return
    relations, columns = [each.relation for each in changes], [each.column for each in changes]
    rows = ask(connection, "preflight_dependents", relations=relations, columns=columns)
    found = [each for change in changes for each in _answers(change, rows)]
    yield from found
    if not found:
        message = "Nothing depends on what the plan drops or gives another type."
        yield answer(CHECK, "passed", message, sql=query("preflight_dependents"))


def _changes(plan: Plan) -> Iterator[_Change]:
    gone: set[str] = set()
    for moment in moments(plan):
        effects = moment.effects
        gone |= {drop.label for drop in effects.drops}
        # A view that is replaced or renamed may depend on something else by then.
        gone |= {altered.after.name for altered in effects.alters if isinstance(altered.after, Relation)}
        gone |= {rename.old.label for rename in effects.renames}
        for relation, column, drops in _of(moment):
            now = moment.now(relation)
            if now is not None and not effects.nothing_to_do:
                yield _Change(now, column, drops, moment.statement.place, frozenset(gone))


def _of(moment: Moment) -> Iterator[tuple[str, str | None, bool]]:
    effects = moment.effects
    for drop in effects.drops:
        if drop.of is None and drop.kind in _RELATIONS:
            yield drop.name, None, True
        elif drop.of is not None and drop.kind == "column":
            yield drop.of, drop.name, True
    for altered in effects.alters:
        new, old = altered.after, altered.before
        if isinstance(new, Column) and isinstance(old, Column) and _is_retyped(new, old):
            yield new.relation, new.name, False


def _is_retyped(new: Column, old: Column) -> bool:
    return new.type is not None and old.type is not None and new.type != old.type


def _answers(change: _Change, rows: list[Row]) -> Iterator[CheckResult]:
    mine = [
        row
        for row in rows
        if (row["relation"], row["column"]) == (change.relation, change.column)
        and not _is_away(row["dependent"], change.gone)
        and (change.drops or row["kind"] != "foreign key")
    ]
    sure = [row for row in mine if row["kind"] in _FOLLOWS or not change.drops]
    unsure = [row for row in mine if change.drops and row["kind"] not in _FOLLOWS]
    label = f"{change.relation}.{change.column}" if change.column else change.relation
    sql = query("preflight_dependents")
    if sure:
        does = f"drops {label}" if change.drops else f"gives {label} another type"
        message = f"{change.place} {does}, and fails: {_named(sure)} {'depends' if len(sure) == 1 else 'depend'} on it."
        yield answer(CHECK, "blocked", message, subject=label, sql=sql)
    if unsure:
        message = f"{change.place} drops {label}, and fails without CASCADE: {_named(unsure)} hangs on it."
        yield answer(CHECK, "warned", message, subject=label, sql=sql)


def _is_away(dependent: str, gone: frozenset[str]) -> bool:
    """Whether it, or the relation that it belongs to, has been dropped or replaced."""
    return dependent in gone or dependent.rpartition(".")[0] in gone


def _named(rows: list[Row]) -> str:
    return some(f"{row['kind']} {row['dependent']}" for row in rows)

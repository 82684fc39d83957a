"""A column type that is not binary compatible: rows or indexes are written anew under the strongest lock."""

from collections.abc import Iterator

from migsafe.lint.facts import between_enums, changes_dimension, read_below, retyped, topmost
from migsafe.lint.operations import add_column, execute
from migsafe.lint.retyping import loses, types, work
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import holding
from migsafe.model.catalog import Column
from migsafe.model.effects import Effects
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="The type of a column of a live table changes in a way that rewrites the table or rebuilds its indexes.",
    effect="Table and indexes are written anew, as large as they are; until then nobody reads or writes the table.",
    safe="Add a column of the new type, write both, fill old rows in batches, move reads, drop the old column later.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, amount integer);",
    bad="ALTER TABLE orders ALTER COLUMN amount TYPE bigint;",
    good="ALTER TABLE orders ADD COLUMN amount_new bigint;",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects = statement.effects
    for new, old in retyped(effects):
        alike = {other.relation for other, _ in retyped(effects) if other.name == new.name}
        if topmost(new.relation, alike, situation) != new.relation:
            continue
        under = work(read_below(new.relation, effects, situation), effects, situation)
        explained = changes_dimension(new, old) or between_enums(new, old, situation.catalog)
        if under and not explained and not _loses(new, old, effects, situation):
            what = f"ALTER COLUMN {new.name} {types(new, old)}"
            yield Fault(
                holding(what, under, effects, situation),
                _fix(new, old, situation),
                unsure=effects.conditions,
                sized_by=read_below(new.relation, effects, situation),
            )


def _loses(new: Column, old: Column | None, effects: Effects, situation: Situation) -> bool:
    """Whether alter-column-type-loses-values says it, and the lock with it."""
    return situation.live_column(new.relation, new.name) and loses(new, old, effects, situation) is not None


def _fix(column: Column, old: Column | None, situation: Situation) -> str:
    name = column.name
    again = (
        f"Write {add_column(situation.catalog, column.relation, f'{name}_new')}, let the application write both, "
        f"fill old rows in batches, move reads to {name}_new, and drop {name} in a later revision."
    )
    if {column.type, old.type if old else None} != _STAMPS:
        return again
    zone = execute("SET LOCAL TimeZone = 'UTC'")
    return f"If the stored times are UTC, write `{zone}` before it and leave USING out: no row is written then. {again}"


_STAMPS = {"timestamp without time zone", "timestamp with time zone"}

"""A column type that does not hold what is there, and to which PostgreSQL changes it without a word."""

from collections.abc import Iterator

from migsafe.lint.facts import below, read_below, retyped, topmost
from migsafe.lint.operations import accepting
from migsafe.lint.retyping import loses, types, work
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import holding
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="The new type of a live column rounds or cuts the values that are there, without an error.",
    effect="What is rounded or cut off is gone with the commit; going back to the old type does not bring it back.",
    safe="Add a column of the new type, fill it, and keep the old one until nobody needs its values any more.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, total numeric(12,4));",
    bad="ALTER TABLE orders ALTER COLUMN total TYPE numeric(12,2);",
    good="ALTER TABLE orders ADD COLUMN rounded numeric(12,2);",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects = statement.effects
    for new, old in retyped(effects):
        what = loses(new, old, effects, situation)
        alike = {other.relation for other, _ in retyped(effects) if other.name == new.name}
        if what is None or not situation.live_column(new.relation, new.name) or old is None:
            continue
        if topmost(new.relation, alike, situation) != new.relation:
            continue  # said of the parent
        under = work(read_below(new.relation, effects, situation), effects, situation)
        change = f"ALTER COLUMN {new.name} {types(new, old)}"
        yield Fault(
            f"{holding(change, under, effects, situation) if under else f'{change}.'} "
            f"A value of {new.relation}.{new.name} that does not fit is {what}, without an error.",
            f"Keep {old.type}, or write the new values into a column of their own and drop {new.name} when nobody "
            f"needs what was there; where it is meant, keep the statement {accepting(RULE.name)}.",
            unsure=effects.conditions,
            loses=tuple(below(new.relation, situation)),
        )

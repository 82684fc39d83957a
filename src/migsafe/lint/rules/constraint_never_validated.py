"""A NOT VALID constraint that nothing in the plan validates."""

from collections.abc import Iterator

from migsafe.lint.facts import created, follow
from migsafe.lint.operations import validate
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.catalog import Constraint
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="info",
    summary="A constraint is added NOT VALID, and no later statement of the plan validates it.",
    effect="Old rows may break it for ever, and the planner makes no use of it.",
    safe='Write `op.execute("ALTER TABLE … VALIDATE CONSTRAINT …")` in the next revision.',
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, amount integer);",
    bad="ALTER TABLE orders ADD CONSTRAINT amount_positive CHECK (amount > 0) NOT VALID;",
    good=(
        "ALTER TABLE orders ADD CONSTRAINT amount_positive CHECK (amount > 0) NOT VALID;\n"
        "ALTER TABLE orders VALIDATE CONSTRAINT amount_positive;"
    ),
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    for made in created(statement.effects, Constraint):
        if made.validated or not made.enforced or made.inherited or not situation.live(made.relation):
            continue
        if not _settled(made, statement, situation):
            yield Fault(
                f"{made.kind[0].upper()}{made.kind[1:]} constraint {made.name} of {made.relation} is NOT VALID, and "
                f"nothing in this plan validates it: rows of before may break it.",
                f"Write {validate(situation.catalog, made.relation, made.name)} in the next revision.",
            )


def _settled(made: Constraint, statement: Statement, situation: Situation) -> bool:
    """Whether the plan validates the constraint, or drops or renames it again."""
    for later in follow(statement, situation):
        touched = (*later.effects.validates, *later.effects.drops, *(rename.old for rename in later.effects.renames))
        if any((each.of, each.name) == (made.relation, made.name) or each.name == made.relation for each in touched):
            return True
    return False

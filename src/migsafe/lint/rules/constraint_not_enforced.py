"""A constraint that the server does not check."""

from collections.abc import Iterator

from migsafe.lint.facts import created
from migsafe.lint.operations import bare
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.catalog import Constraint
from migsafe.model.effects import Effects
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="info",
    summary="A CHECK or foreign key is NOT ENFORCED.",
    effect="The server checks no row, neither old nor new: it documents what the application promises.",
    safe="Add it NOT VALID instead, so that new rows are checked, and validate it in the next revision.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, amount integer);",
    bad="ALTER TABLE orders ADD CONSTRAINT amount_positive CHECK (amount > 0) NOT ENFORCED;",
    good=(
        "ALTER TABLE orders ADD CONSTRAINT amount_positive CHECK (amount > 0) NOT VALID;\n"
        "ALTER TABLE orders VALIDATE CONSTRAINT amount_positive;"
    ),
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    for constraint in _unenforced(statement.effects):
        yield Fault(
            f"{constraint.kind[0].upper()}{constraint.kind[1:]} constraint {constraint.name} of {constraint.relation} "
            f"is NOT ENFORCED: the server checks no row of it, new ones neither.",
            f"Write it with postgresql_not_valid=True if new rows of {bare(constraint.relation)} are to be checked.",
        )


def _unenforced(effects: Effects) -> list[Constraint]:
    altered = [(one.after, one.before) for one in effects.alters]
    loosened = [
        new
        for new, old in altered
        if isinstance(new, Constraint) and isinstance(old, Constraint) and old.enforced and not new.enforced
    ]
    return [made for made in (*created(effects, Constraint), *loosened) if not made.enforced and not made.inherited]

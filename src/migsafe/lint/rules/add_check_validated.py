"""A CHECK constraint whose rows are all read while nobody can read the table."""

from collections.abc import Iterator

from migsafe.lint.facts import checked_constraints, read_below
from migsafe.lint.operations import create_check, validate
from migsafe.lint.rewrites import constraints as rewrites
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import holding
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="A CHECK constraint is added to a live table and validated in the same statement.",
    effect="The table can be neither read nor written until every row has been checked.",
    safe="Write `op.create_check_constraint(…, postgresql_not_valid=True)` and validate it in the next revision.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, amount integer);",
    bad="ALTER TABLE orders ADD CONSTRAINT amount_positive CHECK (amount > 0);",
    good=(
        "ALTER TABLE orders ADD CONSTRAINT amount_positive CHECK (amount > 0) NOT VALID;\n"
        "ALTER TABLE orders VALIDATE CONSTRAINT amount_positive;"
    ),
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    for constraint in checked_constraints(statement.effects, situation, "check"):
        relation, name = constraint.relation, constraint.name
        catalog = situation.catalog
        write = create_check(catalog, relation, name, constraint.expression or "…")
        yield Fault(
            holding(f"ADD CHECK {name}".rstrip(), f"checks every row of {relation}", statement.effects, situation),
            f"Write {write}, and in the next revision {validate(catalog, relation, name)}.",
            sized_by=read_below(relation, statement.effects, situation),
            rewrite=rewrites.check(statement, constraint, situation),
        )

"""A constraint validated while the transaction still holds the lock that adding it took."""

from collections.abc import Iterator

from migsafe.lint.facts import read_below, topmost
from migsafe.lint.operations import validate
from migsafe.lint.rewrites.constraints import validation
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import size, waits
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="A constraint of a live table is validated in the transaction that has already locked the table.",
    effect="NOT VALID gained nothing: the lock of the earlier statement is held while every row is read.",
    safe="Put VALIDATE CONSTRAINT into the next revision: migsafe gives each revision its own transaction.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, amount integer);",
    bad=(
        "BEGIN;\nALTER TABLE orders ADD CONSTRAINT amount_positive CHECK (amount > 0) NOT VALID;\n"
        "ALTER TABLE orders VALIDATE CONSTRAINT amount_positive;\nCOMMIT;"
    ),
    good=(
        "BEGIN;\nALTER TABLE orders ADD CONSTRAINT amount_positive CHECK (amount > 0) NOT VALID;\nCOMMIT;\n"
        "BEGIN;\nALTER TABLE orders VALIDATE CONSTRAINT amount_positive;\nCOMMIT;"
    ),
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    validates = statement.effects.validates
    for constraint in validates:
        relation = constraint.of or ""
        held = situation.held_on(relation)
        if held is None or not held.blocks_writes or not read_below(relation, statement.effects, situation):
            continue
        if topmost(relation, {other.of or "" for other in validates}, situation) == relation:
            yield Fault(
                f"VALIDATE CONSTRAINT {constraint.name} reads every row of {relation}"
                f"{size(situation.catalog, relation)} while an earlier statement of the same transaction still holds "
                f"{held.text} on it: {waits({relation: held})}.",
                f"Move {validate(situation.catalog, relation, constraint.name)} into the next revision.",
                unsure=statement.effects.conditions,
                sized_by=statement.effects.scans,
                rewrite=validation(statement, constraint.name, relation, situation),
            )

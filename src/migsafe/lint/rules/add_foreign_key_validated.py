"""A foreign key whose rows are all checked while two tables cannot be written to."""

from collections.abc import Iterator

from migsafe.lint.facts import checked_constraints
from migsafe.lint.operations import create_foreign_key, validate
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import holding
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="A foreign key is added to a live table and validated in the same statement.",
    effect="Neither the table nor the one it references can be written to until every row has been looked up.",
    safe="Write `op.create_foreign_key(…, postgresql_not_valid=True)` and validate it in the next revision.",
    setup="CREATE TABLE users (id bigint PRIMARY KEY); CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint);",
    bad="ALTER TABLE orders ADD CONSTRAINT fk_orders_user FOREIGN KEY (user_id) REFERENCES users (id);",
    good=(
        "ALTER TABLE orders ADD CONSTRAINT fk_orders_user FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;\n"
        "ALTER TABLE orders VALIDATE CONSTRAINT fk_orders_user;"
    ),
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    for key in checked_constraints(statement.effects, situation, "foreign key"):
        what = f"ADD FOREIGN KEY {key.name}".rstrip()
        work = f"looks up every row of {key.relation}"
        catalog = situation.catalog
        yield Fault(
            holding(what, work, statement.effects, situation),
            f"Write {create_foreign_key(catalog, key)}, and in the next revision "
            f"{validate(catalog, key.relation, key.name)}.",
        )

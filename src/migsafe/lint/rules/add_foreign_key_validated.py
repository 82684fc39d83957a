"""A foreign key whose rows are all checked while two tables cannot be written to."""

from collections.abc import Iterator

from migsafe.lint.facts import checked_constraints, enforced, kind_of, read_below
from migsafe.lint.operations import bare, create_foreign_key, drop_constraint, validate
from migsafe.lint.rewrites import constraints as rewrites
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import holding
from migsafe.model.catalog import Constraint
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
        "CREATE INDEX CONCURRENTLY ix_orders_user_id ON orders (user_id);\n"
        "ALTER TABLE orders ADD CONSTRAINT fk_orders_user FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;\n"
        "ALTER TABLE orders VALIDATE CONSTRAINT fk_orders_user;"
    ),
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    altered = set(enforced(statement.effects))
    for key in checked_constraints(statement.effects, situation, "foreign key"):
        what = f"ALTER CONSTRAINT {key.name} ENFORCED" if key in altered else f"ADD FOREIGN KEY {key.name}".rstrip()
        work = f"looks up every row of {key.relation}"
        yield Fault(
            holding(what, work, statement.effects, situation),
            _fix(key, key in altered, statement, situation),
            sized_by=read_below(key.relation, statement.effects, situation),
            rewrite=None if key in altered else rewrites.foreign_key(statement, key, situation),
        )


def _fix(key: Constraint, altered: bool, statement: Statement, situation: Situation) -> str:
    catalog = situation.catalog
    partitioned = kind_of(key.relation, statement.effects, situation) == "partitioned table"
    if partitioned and catalog.server_version < 18:
        return (
            f"PostgreSQL {catalog.server_version} takes no NOT VALID on a partitioned table: add the key with NOT "
            f"VALID to each partition of {bare(key.relation)}, validate each in the next revision, then add it to "
            f"{bare(key.relation)}, which finds them there."
        )
    first = f"{drop_constraint(catalog, key)}, then " if altered else ""
    return (
        f"Write {first}{create_foreign_key(catalog, key)}, and in the next revision "
        f"{validate(catalog, key.relation, key.name)}."
    )

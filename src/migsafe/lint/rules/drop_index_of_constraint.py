"""DROP INDEX of an index that keeps a constraint: PostgreSQL refuses it."""

from collections.abc import Iterator

from migsafe.lint.facts import constraint_of, dropped
from migsafe.lint.operations import bare, drop_constraint
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.effects import Object
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="DROP INDEX names an index that keeps a PRIMARY KEY, UNIQUE or EXCLUDE constraint, or is part of another.",
    effect="The statement fails with SQLSTATE 2BP01, with CASCADE too, and the revision with it.",
    safe="Drop the constraint with `op.drop_constraint(…)`; a part goes with the index of the partitioned table.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, number text CONSTRAINT orders_number_key UNIQUE);",
    refused="2BP01",
    bad="DROP INDEX orders_number_key;",
    good=(
        "CREATE TABLE items (id bigint CONSTRAINT items_id_key UNIQUE);\n"
        "ALTER TABLE items DROP CONSTRAINT items_id_key;"
    ),
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects, catalog = statement.effects, situation.catalog
    for gone in dropped(effects, "index", "partitioned index"):
        index, owner = catalog.indexes.get(gone.name), constraint_of(gone.name, catalog)
        if owner is not None and Object("constraint", owner.name, owner.relation) not in effects.drops:
            yield Fault(
                f"DROP INDEX {bare(gone.name)} fails with SQLSTATE 2BP01: {owner.kind} constraint {owner.name} of "
                f"{owner.relation} needs it, and CASCADE does not help.",
                f"Write {drop_constraint(catalog, owner)}.",
            )
        elif index is not None and index.parent and not any(other.name == index.parent for other in effects.drops):
            yield Fault(
                f"DROP INDEX {bare(gone.name)} fails with SQLSTATE 2BP01: it is part of the partitioned index "
                f"{index.parent}, and CASCADE does not help.",
                f"Drop {bare(index.parent)}, which takes its parts with it.",
            )

"""A UNIQUE, PRIMARY KEY or EXCLUDE constraint that builds its index under the strongest lock."""

from collections.abc import Iterator

from migsafe.lint.facts import blocking_builds, indexed_constraints, read_below, topmost
from migsafe.lint.operations import AUTOCOMMIT, bare, create_index, dotted, execute
from migsafe.lint.rewrites.indexes import unique
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import holding
from migsafe.model.catalog import Constraint, Index
from migsafe.model.statement import Statement
from migsafe.sql.quote import identifier

RULE = rule(
    __name__,
    severity="error",
    summary="A UNIQUE, PRIMARY KEY or EXCLUDE constraint is added to a live table and builds its index.",
    effect="The table can be neither read nor written until the last row is in the index.",
    safe="Create a unique index with postgresql_concurrently=True, then add the constraint USING INDEX.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, number text);",
    bad="ALTER TABLE orders ADD CONSTRAINT orders_number_key UNIQUE (number);",
    good=(
        "CREATE UNIQUE INDEX CONCURRENTLY orders_number_key ON orders (number);\n"
        "ALTER TABLE orders ADD CONSTRAINT orders_number_key UNIQUE USING INDEX orders_number_key;"
    ),
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects = statement.effects
    built = {build.table for build in blocking_builds(effects, situation)}
    made = indexed_constraints(effects)
    for constraint in made:
        alike = {
            other.relation for other in made if (other.kind, other.columns) == (constraint.kind, constraint.columns)
        }
        tables = read_below(constraint.relation, effects, situation)
        if not built.isdisjoint(tables) and topmost(constraint.relation, alike, situation) == constraint.relation:
            partitioned = constraint.relation not in built
            what = f"ADD {constraint.kind.upper()} {constraint.name}".rstrip()
            yield Fault(
                holding(what, "builds its index", effects, situation),
                _on_partitions(constraint) if partitioned else _fix(constraint, situation),
                sized_by=tables,
                rewrite=None if partitioned else unique(statement, constraint, situation),
            )


def _fix(constraint: Constraint, situation: Situation) -> str:
    table = bare(constraint.relation)
    if constraint.kind == "exclude":
        return f"Create a new table with {constraint.name}, copy {table} over in batches and swap the names."
    index = Index(constraint.name, constraint.relation, columns=constraint.columns, unique=True)
    add = (
        f"ALTER TABLE {dotted(situation.catalog, constraint.relation)} ADD CONSTRAINT "
        f"{identifier(constraint.name)} {constraint.kind.upper()} USING INDEX {identifier(constraint.name)}"
    )
    return f"Write {create_index(situation.catalog, index)} inside {AUTOCOMMIT}, then `{execute(add)}`."


def _on_partitions(constraint: Constraint) -> str:
    table, name = bare(constraint.relation), identifier(constraint.name)
    return (
        f"Write `ALTER TABLE ONLY {table} ADD CONSTRAINT {name} {constraint.kind.upper()} (…)`, then create a unique "
        f"index on each partition with postgresql_concurrently=True inside {AUTOCOMMIT}, and attach each with "
        f"`ALTER INDEX {name} ATTACH PARTITION …`."
    )

"""Another expression for a stored generated column: every row is written anew."""

from collections.abc import Iterator

from migsafe.lint.facts import recomputed
from migsafe.lint.operations import bare
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import holding
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="A stored generated column of a live table gets another expression.",
    effect="Table and indexes are written anew, as large as they are; until then nobody reads or writes the table.",
    safe="Add a second generated column, VIRTUAL since PostgreSQL 18, move reads to it, and drop the old one later.",
    setup=(
        "CREATE TABLE orders (id bigint PRIMARY KEY, net bigint, "
        "gross bigint GENERATED ALWAYS AS (net * 119 / 100) STORED);"
    ),
    bad="ALTER TABLE orders ALTER COLUMN gross SET EXPRESSION AS (net * 107 / 100);",
    good="ALTER TABLE orders ADD COLUMN gross_2 bigint GENERATED ALWAYS AS (net * 107 / 100) VIRTUAL;",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects = statement.effects
    for column in recomputed(effects):
        relation = column.relation
        if relation in effects.rewrites and situation.live(relation):
            what = f"SET EXPRESSION of {column.name}"
            yield Fault(
                holding(what, f"writes {relation} anew", effects, situation),
                f"Add a second column to {bare(relation)} with the new expression, VIRTUAL where the server is 18 or "
                f"later, move reads to it, and drop {column.name} in a later revision.",
                unsure=effects.conditions,
                sized_by=(relation,),
            )

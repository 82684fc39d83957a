"""A generated column that is no longer computed."""

from collections.abc import Iterator

from migsafe.lint.facts import final_columns
from migsafe.lint.operations import bare
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="warning",
    summary="A generated column of a live table becomes an ordinary one.",
    effect="Code that was released before does not write it: it is NULL in every new row, and stale in changed ones.",
    safe="Keep it up to date by a trigger, or release code that writes it, before its expression is dropped.",
    setup=(
        "CREATE TABLE orders (id bigint PRIMARY KEY, net bigint, "
        "gross bigint GENERATED ALWAYS AS (net * 119 / 100) STORED);"
    ),
    bad="ALTER TABLE orders ALTER COLUMN gross DROP EXPRESSION;",
    good="ALTER TABLE orders ADD COLUMN gross_2 bigint;",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    for new, old in final_columns(statement.effects):
        if old is not None and old.generated and not new.generated and situation.live_column(new.relation, new.name):
            yield Fault(
                f"{new.name} of {new.relation} is not computed any more: running code, which cannot write a generated "
                f"column, leaves it NULL in new rows and stale in changed ones.",
                f"Create a trigger on {bare(new.relation)} that sets {new.name} in the same revision, and drop it when "
                f"all code writes the column.",
            )

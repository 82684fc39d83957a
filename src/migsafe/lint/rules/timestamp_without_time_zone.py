"""A time that nobody knows the zone of."""

from collections.abc import Iterator

from migsafe.lint.facts import created
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.catalog import Column
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="info",
    pack="style",
    summary="A column is timestamp without time zone.",
    effect="The zone of a value is what the writer meant; making it timestamptz later may rewrite the table.",
    safe="Write sa.DateTime(timezone=True).",
    bad="CREATE TABLE orders (id bigint PRIMARY KEY, at timestamp);",
    good="CREATE TABLE orders (id bigint PRIMARY KEY, at timestamptz);",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    for column in created(statement.effects, Column):
        if (column.type or "").startswith("timestamp") and "without" in (column.type or ""):
            yield Fault(
                f"{column.name} of {column.relation} is {column.type}.",
                f'Give "{column.name}" the type sa.DateTime(timezone=True).',
            )

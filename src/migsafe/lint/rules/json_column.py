"""JSON kept as text."""

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
    summary="A column is json.",
    effect="It has no equality operator, so DISTINCT, GROUP BY and UNION fail on it, and every read parses it.",
    safe="Write postgresql.JSONB().",
    bad="CREATE TABLE orders (id bigint PRIMARY KEY, body json);",
    good="CREATE TABLE orders (id bigint PRIMARY KEY, body jsonb);",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    for column in created(statement.effects, Column):
        if column.type in ("json", "json[]"):
            yield Fault(
                f"{column.name} of {column.relation} is {column.type}: it cannot be compared or indexed.",
                f'Give "{column.name}" the type postgresql.JSONB().',
            )

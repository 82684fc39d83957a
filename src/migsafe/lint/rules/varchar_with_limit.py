"""A varchar with a limit of its own."""

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
    summary="A column is varchar(n).",
    effect="A longer value fails with SQLSTATE 22001, and lowering the limit later rewrites the table.",
    safe="Write sa.Text(), and a CHECK constraint where the length matters.",
    bad="CREATE TABLE orders (id bigint PRIMARY KEY, note varchar(80));",
    good="CREATE TABLE orders (id bigint PRIMARY KEY, note text);",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    for column in created(statement.effects, Column):
        if (column.type or "").startswith("character varying("):
            yield Fault(
                f"{column.name} of {column.relation} is {column.type}.",
                f'Give "{column.name}" the type sa.Text().',
            )

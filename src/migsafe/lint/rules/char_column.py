"""A blank-padded column."""

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
    summary="A column is char(n).",
    effect="Values are padded with blanks to that length, and compare and count as if they were not.",
    safe="Write sa.Text(), and a CHECK constraint where the length matters.",
    bad="CREATE TABLE orders (id bigint PRIMARY KEY, country char(2));",
    good="CREATE TABLE orders (id bigint PRIMARY KEY, country text CHECK (length(country) = 2));",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    for column in created(statement.effects, Column):
        if (column.type or "").split("(")[0] in ("character", "bpchar"):
            yield Fault(
                f"{column.name} of {column.relation} is {column.type}: blanks fill it up.",
                f'Give "{column.name}" the type sa.Text().',
            )

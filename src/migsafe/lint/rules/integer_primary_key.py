"""A primary key that ends at 2,147,483,647 or before."""

from collections.abc import Iterator

from migsafe.lint.facts import created
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.catalog import Column, Constraint, Relation
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="info",
    pack="style",
    summary="The primary key of a new table is one integer or smallint column.",
    effect="It is used up after 2,147,483,647 (32,767) rows; widening it then rewrites the table.",
    safe="Write sa.BigInteger().",
    bad="CREATE TABLE orders (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY);",
    good="CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects = statement.effects
    made = {relation.name for relation in created(effects, Relation)}
    keys = [key for key in created(effects, Constraint) if key.kind == "primary key" and len(key.columns) == 1]
    alone = {(key.relation, key.columns[0]) for key in keys if key.relation in made}
    referring = {(key.relation, name) for key in created(effects, Constraint) if key.references for name in key.columns}
    for column in created(effects, Column):
        place = (column.relation, column.name)
        if place in alone - referring and column.type in ("integer", "smallint"):
            yield Fault(
                f"The primary key {column.name} of {column.relation} is {column.type}.",
                f'Give "{column.name}" the type sa.BigInteger().',
            )

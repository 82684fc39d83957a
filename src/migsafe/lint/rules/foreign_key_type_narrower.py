"""A foreign key from a column that cannot hold all the values of the one it references."""

from collections.abc import Iterator

from migsafe.lint.facts import column_pairs, created
from migsafe.lint.operations import bare
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.catalog import Constraint
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="warning",
    summary="A foreign key starts from a column of a smaller integer type than the one that it references.",
    effect="Once an id is too large for it, every insert of that id fails with SQLSTATE 22003.",
    safe="Make the column as wide as the one it references while its table is still small.",
    setup="CREATE TABLE users (id bigint PRIMARY KEY);",
    bad="CREATE TABLE orders (id bigint PRIMARY KEY, user_id integer UNIQUE REFERENCES users (id));",
    good="CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint UNIQUE);",
)

_LARGEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects = statement.effects
    for key in created(effects, Constraint):
        for mine, theirs in column_pairs(key, effects, situation) if not key.inherited else ():
            most = _LARGEST.get(mine.type or "")
            if most is not None and most < _LARGEST.get(theirs.type or "", 0):
                yield Fault(
                    f"{mine.relation}.{mine.name} is {mine.type}, but references {theirs.relation}.{theirs.name}, "
                    f"which is {theirs.type}: from id {most + 1:,} on no row can be inserted (SQLSTATE 22003).",
                    f'Give "{mine.name}" of {bare(mine.relation)} the type {theirs.type}.',
                )

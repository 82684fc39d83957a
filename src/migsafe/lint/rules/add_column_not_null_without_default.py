"""A required column without a value for the rows that are already there."""

from collections.abc import Iterator

from migsafe.lint.facts import below, created, topmost
from migsafe.lint.operations import add_column
from migsafe.lint.rewrites.columns import required
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import size
from migsafe.model.catalog import Column
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="A NOT NULL column without a server default is added to a live table.",
    effect="The statement fails with SQLSTATE 23502 if there is one row, and old code cannot insert any more.",
    safe="Give the column a server_default, or add it nullable, fill it, and set NOT NULL later.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="ALTER TABLE orders ADD COLUMN status text NOT NULL;",
    good="ALTER TABLE orders ADD COLUMN status text NOT NULL DEFAULT 'new';",
)

_VALUES = "…, nullable=False, server_default=…"


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    columns = created(statement.effects, Column)
    for column in columns:
        relation, alike = column.relation, {other.relation for other in columns if other.name == column.name}
        if _required(column) and situation.live(relation) and topmost(relation, alike, situation) == relation:
            yield Fault(
                f"ADD COLUMN {column.name} NOT NULL without a default fails with SQLSTATE 23502 if "
                f"{relation}{size(situation.catalog, relation)} has a row, and old code, which does not know the "
                f"column, cannot insert.",
                f"Write {add_column(situation.catalog, relation, column.name, _VALUES)}; a Python-side default= is not "
                f"seen by the server.",
                loses=tuple(below(relation, situation)),
                rewrite=required(column, situation),
            )


def _required(column: Column) -> bool:
    return bool(column.not_null) and column.default is None and not column.identity and not column.generated

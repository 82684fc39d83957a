"""A column that may be NULL from now on."""

from collections.abc import Iterator

from migsafe.lint.facts import final_columns, follow
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="info",
    summary="A column of a live table may be NULL from now on.",
    effect="Readers that were released before do not expect a NULL there.",
    safe="Release code that reads NULL before code that writes it.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, note text NOT NULL);",
    bad="ALTER TABLE orders ALTER COLUMN note DROP NOT NULL;",
    good="ALTER TABLE orders ALTER COLUMN note SET DEFAULT '';",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    for new, old in final_columns(statement.effects):
        if new.not_null is not False or old is None or not old.not_null:
            continue
        if situation.live_column(new.relation, new.name) and not _leaves(new.relation, new.name, statement, situation):
            yield Fault(
                f"{new.name} of {new.relation} may be NULL from now on, which code released before does not expect.",
                f'Release code that can read a NULL in "{new.name}" first.',
            )


def _leaves(relation: str, column: str, statement: Statement, situation: Situation) -> bool:
    """Whether the plan drops the column afterwards."""
    drops = (gone for later in follow(statement, situation) for gone in later.effects.drops)
    return any((gone.kind, gone.of, gone.name) == ("column", relation, column) for gone in drops)

"""A new table whose foreign key locks a table that is in use."""

from collections.abc import Iterator

from migsafe.lint.facts import created
from migsafe.lint.operations import create_foreign_key
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import strongest, taking
from migsafe.model.catalog import Constraint, Relation
from migsafe.model.effects import Effects
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="info",
    summary="A table is created with a foreign key to a live table.",
    effect="The live table is locked against writes until the revision commits: keep that revision short.",
    safe="Create the table without the key, and add the key in a revision of its own.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="CREATE TABLE items (id bigint PRIMARY KEY, order_id bigint UNIQUE REFERENCES orders (id));",
    good="CREATE TABLE items (id bigint PRIMARY KEY, order_id bigint UNIQUE);",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects = statement.effects
    keys = _keys(effects, situation)
    if keys and strongest(effects, situation):
        yield Fault(
            taking(f"CREATE TABLE {keys[0].relation}", effects, situation),
            f"Where writes to {keys[0].references} must not wait, leave the key out, and write "
            f"{create_foreign_key(situation.catalog, keys[0])} in a revision of its own.",
        )


def _keys(effects: Effects, situation: Situation) -> list[Constraint]:
    """The foreign keys of tables made here to tables that the application uses."""
    made = {relation.name for relation in created(effects, Relation)}
    keys = [key for key in created(effects, Constraint) if key.kind == "foreign key" and key.relation in made]
    return [key for key in keys if key.references and key.references not in made and situation.live(key.references)]

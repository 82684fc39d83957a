"""A column made bigint whose sequence still ends at 2,147,483,647."""

from collections.abc import Iterator

from migsafe.lint.facts import final_columns
from migsafe.lint.operations import dotted, execute
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.catalog import Column
from migsafe.model.lookup import lookup
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="warning",
    summary="A serial column becomes bigint, but its sequence stays integer.",
    effect="nextval() fails with SQLSTATE 2200H after 2,147,483,647, just as before the change.",
    safe='Write `op.execute("ALTER SEQUENCE … AS bigint")` in the same revision.',
    setup="CREATE TABLE orders (id bigint PRIMARY KEY); CREATE TABLE items (id serial, note text);",
    bad="CREATE TABLE fresh (id serial);\nALTER TABLE fresh ALTER COLUMN id TYPE bigint;",
    good=(
        "CREATE TABLE fresh (id serial);\nALTER TABLE fresh ALTER COLUMN id TYPE bigint;\n"
        "ALTER SEQUENCE fresh_id_seq AS bigint;"
    ),
)

_NARROW = ("smallint", "integer")


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    catalog = situation.catalog
    for new, old in final_columns(statement.effects):
        # The sequence of an identity column follows the type of the column (measured); that of a serial one does not.
        if old is None or old.type not in _NARROW or new.type != "bigint" or new.identity:
            continue
        for sequence in _owned(new, situation):
            if not any(one.effects.command == "ALTER SEQUENCE" and _locks(one, sequence) for one in situation.plan):
                widen = execute(f"ALTER SEQUENCE {dotted(catalog, sequence)} AS bigint")
                yield Fault(
                    f"{new.name} of {new.relation} becomes bigint, but its sequence {sequence}, if serial made it, "
                    f"stays {old.type}: nextval() fails with SQLSTATE 2200H at its end.",
                    f"Write `{widen}` in the same revision.",
                )


def _owned(column: Column, situation: Situation) -> Iterator[str]:
    for name in lookup(situation.catalog).sequences.get(column.relation, ()):
        sequence = situation.catalog.relations.get(name)
        if sequence is not None and sequence.owned_by == (column.relation, column.name):
            yield name


def _locks(statement: Statement, sequence: str) -> bool:
    return any(lock.relation == sequence for lock in statement.effects.locks)

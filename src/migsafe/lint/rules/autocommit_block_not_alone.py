"""An autocommit block in a revision that does other things too: half of it may stay."""

from collections.abc import Iterator

from migsafe.lint.rule import Fault, Seen, rule
from migsafe.model.effects import Effects
from migsafe.model.plan import Step

RULE = rule(
    __name__,
    severity="warning",
    summary="An autocommit block follows statements of the same revision.",
    effect="It commits them without the version row: after a failure plain Alembic repeats them, and fails on them.",
    safe="Give the autocommit block a revision of its own. migsafe goes on where it stopped; plain Alembic does not.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, note text);",
    bad=(
        "BEGIN;\nALTER TABLE orders ADD COLUMN total bigint;\nCOMMIT;\n"
        "CREATE INDEX CONCURRENTLY ix_orders_note ON orders (note);"
    ),
    good="CREATE INDEX CONCURRENTLY ix_orders_note ON orders (note);",
    pack="alembic",
)


def check_step(step: Step, seen: Seen) -> Iterator[Fault]:
    before = None
    for statement, _ in seen:
        if statement.transaction is not None:
            before = before or (statement if _does_something(statement.effects) else None)
        elif before is not None and step.revision and _is_why(statement.effects):
            yield Fault(
                f"The autocommit block around {statement.effects.command} first commits what stands before it "
                f"({before.effects.command}, line {before.line}), without the version row: if it fails, plain `alembic "
                f"upgrade` starts over with {before.effects.command} and fails there. (`migsafe upgrade` goes on where "
                f"it stopped.)",
                "Give the autocommit block a revision of its own.",
                at=statement,
            )
            return


def _does_something(effects: Effects) -> bool:
    return bool((effects.changes_schema and not effects.nothing_to_do) or effects.writes or effects.unknown)


def _is_why(effects: Effects) -> bool:
    """Whether it is for such statements that one opens the block: refused in a transaction, enum values, batches."""
    alone = not effects.in_transaction or effects.command == "ALTER TYPE" or bool(effects.writes)
    return alone and _does_something(effects)

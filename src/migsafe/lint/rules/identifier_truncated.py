"""A name that the server cuts to 63 bytes."""

from collections.abc import Iterator

from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="warning",
    summary="A name is longer than 63 bytes.",
    effect="The server cuts it with no more than a NOTICE: two long names may become the same one, and fail.",
    safe="Give it a name of at most 63 bytes.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, note text);",
    bad=(
        "CREATE INDEX CONCURRENTLY ix_orders_note_of_the_customer_who_has_written_it_by_hand_himself ON orders (note);"
    ),
    good="CREATE INDEX CONCURRENTLY ix_orders_note ON orders (note);",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    if statement.effects.changes_schema:
        for name in statement.effects.shortened:
            kept = name.encode()[:63].decode(errors="ignore")
            yield Fault(
                f"The name {name} has {len(name.encode())} bytes: PostgreSQL makes it {kept}.",
                f"Choose a name of at most 63 bytes in place of {name}.",
            )

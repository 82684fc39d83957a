"""Columns of a table that is replicated to subscribers, where DDL does not go."""

from collections.abc import Iterator

from migsafe.lint.facts import altered_columns, created, dropped, publications_of
from migsafe.lint.operations import bare
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import listed
from migsafe.model.catalog import Column
from migsafe.model.effects import Effects
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="info",
    summary="Columns of a published table are added, dropped, renamed or get another type.",
    effect="Logical replication does not carry DDL: a subscriber that lacks a column stops with an error.",
    safe="Add a column on the subscribers first and here last; drop it here first and there last.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, note text);\nCREATE PUBLICATION shop FOR TABLE orders;",
    bad="ALTER TABLE orders ADD COLUMN price integer;",
    good="CREATE INDEX CONCURRENTLY ix_orders_note ON orders (note);",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    for table in dict.fromkeys(_changed(statement.effects)):
        named, _ = publications_of(table, situation.catalog) if situation.live(table) else ((), ())
        if named:
            yield Fault(
                f"{statement.effects.command} changes the columns of {table}, which publication {listed(named)} "
                f"replicates: subscribers do not get the change and may stop.",
                f"Make the same change to {bare(table)} on the subscribers: a new column there first, a dropped one "
                f"there last.",
            )


def _changed(effects: Effects) -> Iterator[str]:
    yield from (column.relation for column in created(effects, Column))
    yield from (column.of for column in dropped(effects, "column") if column.of)
    yield from (rename.old.of for rename in effects.renames if rename.old.kind == "column" and rename.old.of)
    yield from (new.relation for new, old in altered_columns(effects) if old is not None and new.type != old.type)

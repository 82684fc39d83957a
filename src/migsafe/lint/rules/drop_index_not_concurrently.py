"""An index of a live table, dropped under a lock that stops readers."""

from collections.abc import Iterator

from migsafe.lint.facts import constraint_of, dropped, leaves
from migsafe.lint.operations import AUTOCOMMIT, bare, drop_index
from migsafe.lint.rewrites.indexes import drop
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import strongest, taking
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="An index of a live table is dropped without CONCURRENTLY.",
    effect="The lock on the table queues behind the longest running query, and every read and write queues behind it.",
    safe="Write `op.drop_index(…, postgresql_concurrently=True)` inside `with op.get_context().autocommit_block():`.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, note text); CREATE INDEX ix_orders_note ON orders (note);",
    bad="DROP INDEX ix_orders_note;",
    good="DROP INDEX CONCURRENTLY ix_orders_note;",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects = statement.effects
    indexes = dropped(effects, "index", "partitioned index")
    if effects.concurrently or not indexes or len(indexes) < len(effects.drops):
        return
    known = situation.catalog.indexes.get(indexes[0].name)
    if known is not None and (known.parent or constraint_of(known.name, situation.catalog)):
        return  # refused: drop-index-of-constraint
    tables = strongest(effects, situation)
    if known is not None and leaves(known.relation, statement, situation):
        return
    if tables or known is None:
        what = f"DROP INDEX {bare(indexes[0].name)}"
        message = f"{what} locks its table, which the catalog does not know, until the revision commits."
        if tables:
            message = taking(what, effects, situation)
        relation = known.relation if known else None
        fix = drop_index(situation.catalog, indexes[0].name, relation)
        rewrite = drop(statement, indexes[0].name, relation, situation)
        if indexes[0].kind == "partitioned index":
            yield Fault(message, _PARTITIONED)
        else:
            yield Fault(message, f"Write {fix} inside {AUTOCOMMIT}.", rewrite=rewrite)


_PARTITIONED = (
    "PostgreSQL cannot drop the index of a partitioned table CONCURRENTLY: keep it in a revision of its own, where "
    "migsafe waits for the lock a moment at a time."
)

"""REFRESH … CONCURRENTLY of a view whose rows nothing tells apart."""

from collections.abc import Iterator

from migsafe.lint.operations import bare
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.catalog import Index
from migsafe.model.lookup import lookup
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="A materialized view is refreshed CONCURRENTLY and has no unique index over whole columns.",
    effect="The statement fails with SQLSTATE 55000 and the revision with it.",
    safe="Create a unique index on columns of the view, without WHERE and without expressions, first.",
    setup=(
        "CREATE TABLE orders (id bigint PRIMARY KEY, amount integer);\n"
        "CREATE MATERIALIZED VIEW amounts AS SELECT id, amount FROM orders;"
    ),
    refused="55000",
    bad="REFRESH MATERIALIZED VIEW CONCURRENTLY amounts;",
    good="CREATE UNIQUE INDEX CONCURRENTLY ix_amounts_id ON amounts (id);\n"
    "REFRESH MATERIALIZED VIEW CONCURRENTLY amounts;",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects, catalog = statement.effects, situation.catalog
    if effects.command != "REFRESH MATERIALIZED VIEW" or not effects.concurrently:
        return
    for view in (lock.relation for lock in effects.locks if lock.kind == "materialized view"):
        known = [catalog.indexes[name] for name in lookup(catalog).indexes.get(view, ())]
        if view in catalog.relations and not any(_tells_apart(index) for index in known):
            yield Fault(
                f"REFRESH MATERIALIZED VIEW CONCURRENTLY of {view} fails with SQLSTATE 55000: it has no unique index "
                f"on whole columns without WHERE.",
                f"Create a unique index on {bare(view)} in an earlier revision.",
            )


def _tells_apart(index: Index) -> bool:
    return index.unique and index.valid and index.predicate is None and None not in index.columns

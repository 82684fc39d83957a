"""An index of a live table, built while nobody can write to it."""

from collections.abc import Iterator

from migsafe.lint.facts import blocking_builds, built_from, created, indexed_constraints
from migsafe.lint.operations import AUTOCOMMIT, bare, create_index
from migsafe.lint.rewrites.indexes import build
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import holding
from migsafe.model.catalog import Index
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="An index is built on a live table without CONCURRENTLY.",
    effect="Nobody can insert, update or delete until the last row is in the index.",
    safe="Write `op.create_index(…, postgresql_concurrently=True)` inside `with op.get_context().autocommit_block():`.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, note text);",
    bad="CREATE INDEX ix_orders_note ON orders (note);",
    good="CREATE INDEX CONCURRENTLY ix_orders_note ON orders (note);",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects = statement.effects
    indexes = created(effects, Index)
    if not indexes or indexed_constraints(effects) or not blocking_builds(effects, situation):
        return
    index = indexes[0]
    what = f"CREATE INDEX {bare(index.name)}"
    message = holding(what, "reads every row", effects, situation)
    yield Fault(
        message,
        _fix(index, situation),
        sized_by=built_from(blocking_builds(effects, situation)),
        rewrite=build(statement, index, situation),
    )


def _fix(index: Index, situation: Situation) -> str:
    known = situation.catalog.relations.get(index.relation)
    if known is not None and known.kind == "partitioned table":
        return (
            f"Create {bare(index.name)} with `CREATE INDEX … ON ONLY {bare(index.relation)}`, then one index for each "
            f"partition with postgresql_concurrently=True inside {AUTOCOMMIT}, and attach each with "
            f"`ALTER INDEX {bare(index.name)} ATTACH PARTITION …`."
        )
    return f"Write {create_index(situation.catalog, index)} inside {AUTOCOMMIT}."

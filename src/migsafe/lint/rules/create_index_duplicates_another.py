"""An index that the table has already under another name."""

from collections.abc import Iterator

from migsafe.lint.facts import constraint_of, created, follow, indexed_constraints
from migsafe.lint.operations import bare
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.catalog import Index
from migsafe.model.effects import Object
from migsafe.model.lookup import lookup
from migsafe.model.statement import Statement
from migsafe.sql.indexes import is_same

RULE = rule(
    __name__,
    severity="info",
    summary="An index is created over the very columns of one that is there.",
    effect="Every write keeps both up to date, and the second one answers no query that the first one does not.",
    safe="Leave the index out: a PRIMARY KEY or UNIQUE constraint brings its own, so drop index=True there.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, note text);",
    bad="CREATE INDEX CONCURRENTLY ix_orders_id ON orders (id);",
    good="CREATE INDEX CONCURRENTLY ix_orders_note ON orders (note);",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects, catalog = statement.effects, situation.catalog
    for index in created(effects, Index):
        known = [catalog.indexes[name] for name in lookup(catalog).indexes.get(index.relation, ())]
        twin = next((one for one in known if _serves(one, index) and one.name != index.name), None)
        excludes = any(made.index == index.name and made.kind == "exclude" for made in indexed_constraints(effects))
        if twin is not None and index.parent is None and not excludes and not _swapped(twin, statement, situation):
            also = "" if constraint_of(twin.name, catalog) else f", or drop {bare(twin.name)} once it is built"
            yield Fault(
                f"Index {bare(index.name)} on {index.relation} is the same as {bare(twin.name)}, which is there: every "
                f"write has to keep both up to date.",
                f"Leave {bare(index.name)} out{also}.",
            )


def _serves(known: Index, index: Index) -> bool:
    """Whether `known` has the same keys, and is unique where `index` has to be."""
    if not known.valid or known.method != index.method or (index.unique and not known.unique):
        return False
    if known.columns != index.columns and None not in (*known.columns, *index.columns):
        return False
    plain = Index(**{name: getattr(known, name) for name in known.__struct_fields__} | {"unique": index.unique})
    return len(known.columns) == len(index.columns) and is_same(plain, index)


def _swapped(twin: Index, statement: Statement, situation: Situation) -> bool:
    """Whether the plan drops the other one afterwards, or makes this one the index of a constraint."""
    gone = {gone for later in follow(statement, situation) for gone in later.effects.drops}
    owner = constraint_of(twin.name, situation.catalog)
    kept_by = {Object("constraint", owner.name, owner.relation)} if owner else set()
    return bool(gone & {Object("index", twin.name), Object("partitioned index", twin.name), *kept_by})

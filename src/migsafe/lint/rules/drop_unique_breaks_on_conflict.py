"""A unique index or constraint dropped: upserts that name its columns fail, and duplicates get in."""

from collections.abc import Iterator

from migsafe.lint.facts import constraint_of, created, dropped, follow
from migsafe.lint.operations import accepting
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.catalog import Index
from migsafe.model.effects import Effects
from migsafe.model.lookup import lookup
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="warning",
    summary="The only unique index over some columns of a live table is dropped.",
    effect="INSERT … ON CONFLICT on these columns fails with SQLSTATE 42P10, and nothing keeps duplicates out.",
    safe="Release code without that ON CONFLICT first, or create the index that replaces it before dropping this one.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, number text CONSTRAINT orders_number_key UNIQUE);",
    bad="ALTER TABLE orders DROP CONSTRAINT orders_number_key;",
    good=(
        "CREATE UNIQUE INDEX CONCURRENTLY orders_number_key_2 ON orders (number);\n"
        "ALTER TABLE orders DROP CONSTRAINT orders_number_key;"
    ),
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects, catalog = statement.effects, situation.catalog
    for index in _lost(effects, situation):
        if not situation.live(index.relation) or _replaced(index, statement, situation):
            continue
        owner, columns = constraint_of(index.name, catalog), ", ".join(name or "…" for name in index.columns)
        what = f"{owner.kind} constraint {owner.name}" if owner else f"unique index {index.name}"
        yield Fault(
            f"Without {what} running code that says ON CONFLICT ({columns}) on {index.relation} fails with SQLSTATE "
            f"42P10, and duplicates are let in.",
            f"Release code without ON CONFLICT ({columns}) first; if no code has it, keep this {accepting(RULE.name)}.",
        )


def _lost(effects: Effects, situation: Situation) -> Iterator[Index]:
    """Unique indexes that go although their table and columns stay."""
    catalog = situation.catalog
    gone = {table.name for table in effects.drops if table.of is None}
    columns = {(column.of, column.name) for column in dropped(effects, "column")}
    names = {index.name for index in dropped(effects, "index", "partitioned index")}
    names = {name for name in names if constraint_of(name, catalog) is None}  # else refused: drop-index-of-constraint
    for dropped_one in dropped(effects, "constraint"):
        known = catalog.constraints.get(dropped_one.of or "", {}).get(dropped_one.name)
        names |= {known.index} if known and known.index and known.kind != "exclude" else set()
    for name in sorted(names):
        index = catalog.indexes.get(name)
        if index is None or index.relation in gone or index.parent is not None:
            continue
        if not any((index.relation, column) in columns for column in (*index.columns, *index.mentions)):
            yield from (index,) if index.unique and index.valid else ()


def _replaced(index: Index, statement: Statement, situation: Situation) -> bool:
    """Whether another unique index over the same columns is there, or made by the same revision, or nothing is left."""
    catalog, dropped_here = situation.catalog, {gone.name for gone in statement.effects.drops}
    there = [catalog.indexes[name] for name in lookup(catalog).indexes.get(index.relation, ())]
    later = [one for one in follow(statement, situation) if one.revision == statement.revision]
    if any(gone.of is None and gone.name == index.relation for one in later for gone in one.effects.drops):
        return True
    made = [one for each in (statement, *later) for one in created(each.effects, Index)]
    others = [one for one in there if one.name != index.name and one.name not in dropped_here and one.valid] + made
    return any(one.unique and _key(one) == _key(index) for one in others)


def _key(index: Index) -> object:
    return index.relation, sorted(name or "" for name in index.columns), index.predicate

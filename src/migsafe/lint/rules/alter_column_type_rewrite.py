"""A column type that is not binary compatible: rows or indexes are written anew under the strongest lock."""

from collections.abc import Iterator

from migsafe.lint.facts import between_enums, blocking_builds, changes_dimension, read_below, retyped, topmost
from migsafe.lint.operations import add_column, bare, execute
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import holding, listed
from migsafe.model.catalog import Column
from migsafe.model.effects import Effects
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="The type of a column of a live table changes in a way that rewrites the table or rebuilds its indexes.",
    effect="Table and indexes are written anew, as large as they are; until then nobody reads or writes the table.",
    safe="Add a column of the new type, write both, fill old rows in batches, move reads, drop the old column later.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, amount integer);",
    bad="ALTER TABLE orders ALTER COLUMN amount TYPE bigint;",
    good="ALTER TABLE orders ADD COLUMN amount_new bigint;",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects = statement.effects
    for new, old in retyped(effects):
        alike = {other.relation for other, _ in retyped(effects) if other.name == new.name}
        if topmost(new.relation, alike, situation) != new.relation:
            continue
        work = _work(read_below(new.relation, effects, situation), effects, situation)
        explained = changes_dimension(new, old) or between_enums(new, old, situation.catalog)
        if work and not explained:
            what = f"ALTER COLUMN {new.name} {_types(new, old)}"
            yield Fault(
                holding(what, work, effects, situation),
                _fix(new, old, situation),
                unsure=effects.conditions,
                sized_by=read_below(new.relation, effects, situation),
            )


def _work(tables: tuple[str, ...], effects: Effects, situation: Situation) -> str:
    written = [table for table in tables if table in effects.rewrites]
    if written:
        return f"writes {listed(written)} anew"
    rebuilt = [bare(build.index) for build in blocking_builds(effects, situation) if build.table in tables]
    if rebuilt:
        return f"builds {listed(rebuilt)} anew"
    return f"reads every row of {listed(tables)}" if tables else ""


def _types(new: Column, old: Column | None) -> str:
    collation = f' COLLATE "{new.collation}"' if new.collation and old and new.collation != old.collation else ""
    origin = f"from {old.type} " if old and old.type else ""
    return f"{origin}to {new.type}{collation}"


def _fix(column: Column, old: Column | None, situation: Situation) -> str:
    name = column.name
    again = (
        f"Write {add_column(situation.catalog, column.relation, f'{name}_new')}, let the application write both, "
        f"fill old rows in batches, move reads to {name}_new, and drop {name} in a later revision."
    )
    if {column.type, old.type if old else None} != _STAMPS:
        return again
    zone = execute("SET LOCAL TimeZone = 'UTC'")
    return f"If the stored times are UTC, write `{zone}` before it and leave USING out: no row is written then. {again}"


_STAMPS = {"timestamp without time zone", "timestamp with time zone"}

"""A column type that is not binary compatible: rows or indexes are written anew under the strongest lock."""

from collections.abc import Iterator

from migsafe.lint.facts import blocking_builds, changes_dimension, retyped
from migsafe.lint.operations import add_column, bare
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import holding
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
        work = _work(new.relation, effects, situation)
        if work and situation.live(new.relation) and not changes_dimension(new, old):
            what = f"ALTER COLUMN {new.name} {_types(new, old)}"
            yield Fault(holding(what, work, effects, situation), _fix(new, situation), unsure=effects.conditions)


def _work(relation: str, effects: Effects, situation: Situation) -> str:
    if relation in effects.rewrites:
        return f"writes {relation} anew"
    rebuilt = [bare(build.index) for build in blocking_builds(effects, situation) if build.table == relation]
    if rebuilt:
        return f"builds {', '.join(rebuilt)} anew"
    return f"reads every row of {relation}" if relation in effects.scans else ""


def _types(new: Column, old: Column | None) -> str:
    collation = f' COLLATE "{new.collation}"' if new.collation and old and new.collation != old.collation else ""
    origin = f"from {old.type} " if old and old.type else ""
    return f"{origin}to {new.type}{collation}"


def _fix(column: Column, situation: Situation) -> str:
    name = column.name
    return (
        f"Write {add_column(situation.catalog, column.relation, f'{name}_new')}, let the application write both, "
        f"fill old rows in batches, move reads to {name}_new, and drop {name} in a later revision."
    )

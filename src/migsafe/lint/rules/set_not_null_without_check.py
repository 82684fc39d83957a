"""NOT NULL on a column that no validated CHECK proves: every row is read while nobody can read the table."""

from collections.abc import Iterator

from migsafe.lint.facts import (
    checked_constraints,
    created,
    indexed_constraints,
    made_not_null,
    read_below,
    retyped,
    topmost,
)
from migsafe.lint.operations import alter_column, create_check, validate
from migsafe.lint.rewrites.constraints import not_null, proof_name
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import holding
from migsafe.model.catalog import Column
from migsafe.model.effects import Effects
from migsafe.model.statement import Statement
from migsafe.sql.quote import identifier

RULE = rule(
    __name__,
    severity="error",
    summary="A column of a live table becomes NOT NULL and no validated CHECK constraint proves it already is.",
    effect="The table can be neither read nor written until every row has been read.",
    safe="Add `CHECK (column IS NOT NULL)` NOT VALID, validate it in the next revision, then set NOT NULL.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, note text);",
    bad="ALTER TABLE orders ALTER COLUMN note SET NOT NULL;",
    good=(
        "ALTER TABLE orders ADD CONSTRAINT note_not_null CHECK (note IS NOT NULL) NOT VALID;\n"
        "ALTER TABLE orders VALIDATE CONSTRAINT note_not_null;\n"
        "ALTER TABLE orders ALTER COLUMN note SET NOT NULL;\n"
        "ALTER TABLE orders DROP CONSTRAINT note_not_null;"
    ),
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects, catalog = statement.effects, situation.catalog
    for relation, column in _read_for(effects, situation):
        test = f"{identifier(column)} IS NOT NULL"
        proof = proof_name(relation, column)
        yield Fault(
            holding(f"SET NOT NULL on {column}", f"reads every row of {relation}", effects, situation),
            f"Write {create_check(catalog, relation, proof, test)}; in the next revision "
            f"{validate(catalog, relation, proof)}, then "
            f"{alter_column(catalog, relation, column, 'nullable=False')} and drop {proof}.",
            unsure=effects.conditions,
            sized_by=read_below(relation, effects, situation),
            rewrite=not_null(statement, relation, column, situation),
        )


def _read_for(effects: Effects, situation: Situation) -> list[tuple[str, str]]:
    explained = {new.relation for new, _ in retyped(effects)} | set(effects.rewrites)
    found = [(column.relation, column.name) for column in made_not_null(effects)]
    for made in checked_constraints(effects, situation, "not null"):
        found += [(made.relation, column) for column in made.columns]
    read = {name for name in effects.scans if name not in explained and situation.live(name)}
    pairs = [pair for pair in dict.fromkeys(found) if pair[0] in read and pair not in _reported(effects)]
    roots = [(topmost(of, {one for one, other in found if other == name}, situation), name) for of, name in pairs]
    return list(dict.fromkeys(roots))


def _reported(effects: Effects) -> set[tuple[str, str]]:
    """Columns that another rule reports: added without a value, or of a primary key that builds its index."""
    built = {build.table for build in effects.builds if not build.concurrently}
    keys = [made for made in indexed_constraints(effects) if made.kind == "primary key" and made.relation in built]
    added = {(made.relation, made.name) for made in created(effects, Column) if made.default is None}
    return added | {(key.relation, column) for key in keys for column in key.columns}

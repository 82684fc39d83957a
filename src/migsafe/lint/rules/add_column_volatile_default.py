"""A new column whose values differ by row: the whole table is rewritten to hold them."""

from collections.abc import Iterator

from migsafe.lint.facts import created, read_below, retyped, topmost
from migsafe.lint.operations import add_column, alter_column
from migsafe.lint.rewrites.columns import computed
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import holding, listed
from migsafe.model.catalog import Column
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="A column is added to a live table with a value that has to be computed for every row.",
    effect="Table and indexes are written anew, as large as they are; until then nobody reads or writes the table.",
    safe="Add the column nullable and without a default, set the default for new rows, and fill old rows in batches.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="ALTER TABLE orders ADD COLUMN token uuid DEFAULT gen_random_uuid();",
    good=(
        "ALTER TABLE orders ADD COLUMN token uuid;\n"
        "ALTER TABLE orders ALTER COLUMN token SET DEFAULT gen_random_uuid();"
    ),
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects = statement.effects
    retyped_in = {new.relation for new, _ in retyped(effects)}
    tables = dict.fromkeys(column.relation for column in created(effects, Column))
    for relation in tables:
        written = [one for one in read_below(relation, effects, situation) if one in effects.rewrites]
        if not written or relation in retyped_in or topmost(relation, tables, situation) != relation:
            continue
        columns = [column for column in created(effects, Column) if column.relation == relation]
        columns = [column for column in columns if _cause(column)] or columns
        what = f"ADD COLUMN {listed(_described(column) for column in columns)}"
        message = holding(what, f"writes {listed(written)} anew", effects, situation)
        yield Fault(
            message,
            _fix(columns[0], situation),
            unsure=effects.conditions,
            sized_by=tuple(written),
            rewrite=computed(columns[0], situation) if len(columns) == 1 else None,
        )


def _cause(column: Column) -> str:
    if column.identity:
        return "an identity"
    if column.generated:
        return "a generated value"
    return f"DEFAULT {column.default}" if isinstance(column.default, str) else ""


def _described(column: Column) -> str:
    return f"{column.name} with {_cause(column)}" if _cause(column) else f"{column.name} of type {column.type}"


def _fix(column: Column, situation: Situation) -> str:
    add = add_column(situation.catalog, column.relation, column.name)
    fill = f"fill {column.name} of old rows in batches in a later revision"
    if not isinstance(column.default, str) or column.generated or column.identity:
        return f"Write {add} with a plain type and no default, and {fill}."
    default = alter_column(situation.catalog, column.relation, column.name, "server_default=sa.text(…)")
    return f"Write {add} without a default, then {default} for new rows, and {fill}."

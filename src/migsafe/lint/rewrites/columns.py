"""New columns, added without what makes the table wait; how old rows get their values is for a person to say."""

from migsafe.lint.operations import add_column, alter_column, dotted
from migsafe.lint.rewrites.indexes import code
from migsafe.lint.situation import Situation
from migsafe.model.catalog import Catalog, Column
from migsafe.model.rewrite import Line, Part, Rewrite
from migsafe.sql.quote import identifier


def required(column: Column, situation: Situation) -> Rewrite:
    """NOT NULL with a default, which is kept in the catalog and writes no row."""
    python = code(add_column(situation.catalog, column.relation, column.name, "…, nullable=False, server_default=…"))
    line = Line(f"{_add(situation.catalog, column)} NOT NULL DEFAULT …", python)
    return Rewrite(here=Part(statements=(line,)), by_hand="the value of the rows that are there cannot be guessed")


def computed(column: Column, situation: Situation) -> Rewrite | None:
    """The column first, then its default, which new rows get; None for an identity or a generated column."""
    if not isinstance(column.default, str) or column.identity or column.generated:
        return None
    catalog, relation = situation.catalog, column.relation
    text = column.default.replace("\\", "\\\\").replace('"', '\\"')
    added = Line(_add(catalog, column), code(add_column(catalog, relation, column.name)))
    default = Line(
        f"ALTER TABLE {dotted(catalog, relation)} ALTER COLUMN {identifier(column.name)} SET DEFAULT {column.default}",
        code(alter_column(catalog, relation, column.name, f'server_default=sa.text("{text}")')),
    )
    by_hand = "the rows that are there have to be filled in batches"
    return Rewrite(here=Part(statements=(added, default)), by_hand=by_hand)


def _add(catalog: Catalog, column: Column) -> str:
    return f"ALTER TABLE {dotted(catalog, column.relation)} ADD COLUMN {identifier(column.name)} {column.type}"

"""What the statements of a downgrade would take from the rows that are there: by name, and how to count them."""

from collections.abc import Iterator

from migsafe.model.catalog import Catalog
from migsafe.model.effects import Object
from migsafe.model.inverse import Discard
from migsafe.model.plan import Plan
from migsafe.sql.quote import identifier, qualified

# Counting on would take long, and "more than a million" says as much.
LIMIT = 1_000_000


def doomed(downgrade: Plan, catalog: Catalog) -> tuple[Discard, ...]:
    """The tables, columns and rows that were there before `downgrade` and that it destroys; `catalog` is as of now."""
    found = (
        discard
        for step in downgrade.steps
        for statement in step.statements
        for gone in statement.effects.destroys
        for discard in _discard(gone, catalog)
    )
    listed = tuple(dict.fromkeys(found))
    tables = tuple(each.what.removeprefix("table:") for each in listed if each.what.startswith("table:"))
    # Whoever gives a whole table away need not name its columns.
    return tuple(each for each in listed if not each.what.startswith(tuple(f"column:{name}." for name in tables)))


def _discard(gone: Object, catalog: Catalog) -> Iterator[Discard]:
    table = gone.of or gone.name
    relation = catalog.relations.get(table)
    if relation is None or relation.kind == "materialized view" or table.endswith(".alembic_version"):
        return
    if gone.kind == "column":
        column = catalog.columns.get(table, {}).get(gone.name)
        if column is None or column.generated:
            return
        default = column.default if isinstance(column.default, str) and "(" not in column.default else "NULL"
        where = f" WHERE {identifier(gone.name)} IS DISTINCT FROM {default}"
        yield Discard(f"column:{gone.label}", _count(table, where))
    elif gone.kind in ("table", "partitioned table", "foreign table"):
        yield Discard(f"table:{table}", _count(table, ""))


def _count(table: str, where: str) -> str:
    return f"SELECT count(*) FROM (SELECT FROM {qualified(table)}{where} LIMIT {LIMIT + 1}) AS counted"

"""What the statements of a downgrade would take from the rows that are there: by name, and how to count them."""

from collections.abc import Iterator

from migsafe.model.catalog import Catalog, Column
from migsafe.model.effects import Altered, Effects, Object
from migsafe.model.inverse import Discard
from migsafe.model.plan import Plan
from migsafe.sql.quote import identifier, qualified
from migsafe.sql.types import parts

# Counting on would take long, and "more than a million" says as much.
LIMIT = 1_000_000
_BITS = {"smallint": 16, "integer": 32, "bigint": 64}
_NUMBERS = (*_BITS, "numeric", "real", "double precision")


def doomed(downgrade: Plan, catalog: Catalog) -> tuple[Discard, ...]:
    """The tables, columns and rows that were there before `downgrade` and that it destroys; `catalog` is as of now."""
    found = (
        discard
        for step in downgrade.steps
        for statement in step.statements
        for gone in statement.effects.destroys
        for discard in (*_changed(gone, statement.effects, catalog), *_discard(gone, statement.effects, catalog))
    )
    listed = tuple(dict.fromkeys(found))
    tables = tuple(each.what.removeprefix("table:") for each in listed if each.what.startswith("table:"))
    # Whoever gives a whole table away need not name its columns.
    return tuple(each for each in listed if not each.what.startswith(tuple(f"column:{name}." for name in tables)))


def _changed(gone: Object, effects: Effects, catalog: Catalog) -> Iterator[Discard]:
    """The values of a column that its new type does not hold, or that come back as others."""
    altered, column = _retyped(gone, effects), catalog.columns.get(gone.of or "", {}).get(gone.name)
    if altered is None or not isinstance(altered.after, Column) or column is None or column.generated:
        return
    if column.type is None:
        return
    name, new = identifier(gone.name), altered.after.type
    value = f"({altered.using})" if altered.using is not None else name
    back = f"({value})::{new}::{column.type}"
    # json has no =, and money, points and such have one that forgives.
    same = (
        f"{back}::text IS DISTINCT FROM {name}::text"
        if _has_no_equal(column.type)
        else f"{back} IS DISTINCT FROM {name}"
    )
    fits = _fits(value, column.type, new or "") if altered.using is None else None
    lost = f"CASE WHEN {fits} THEN {same} ELSE {name} IS NOT NULL END" if fits is not None else same
    yield Discard(f"column:{gone.label}", _count(gone.of or "", f" WHERE {lost}"))


def _retyped(gone: Object, effects: Effects) -> Altered | None:
    """What makes a destroyed column one of another type; None where it is dropped."""
    for each in effects.alters:
        after = each.after
        if gone.kind == "column" and isinstance(after, Column) and (after.relation, after.name) == (gone.of, gone.name):
            return each
    return None


def _fits(value: str, old: str, new: str) -> str | None:
    """A condition under which a cast of a number does not fail; None where there is none to be had."""
    one, other = parts(old), parts(new)
    if one.base not in _NUMBERS or one.array:
        return None
    if other.base in _BITS:
        limit = 2 ** (_BITS[other.base] - 1)
        return f"round({value}::numeric) BETWEEN {-limit} AND {limit - 1}"
    if other.base == "numeric" and other.modifiers:
        scale = other.modifiers[1] if len(other.modifiers) > 1 else 0
        within = f"abs(round({value}::numeric, {scale})) < 10::numeric ^ {other.modifiers[0] - scale}"
        return f"({within} OR {value}::numeric = 'NaN')"
    return None


def _has_no_equal(kind: str) -> bool:
    return parts(kind).base in ("json", "xml", "point", "money", "polygon", "box", "circle", "path", "lseg", "line")


def _discard(gone: Object, effects: Effects, catalog: Catalog) -> Iterator[Discard]:
    table = gone.of or gone.name
    relation = catalog.relations.get(table)
    if relation is None or relation.kind == "materialized view" or table.endswith(".alembic_version"):
        return
    if gone.kind == "column" and _retyped(gone, effects) is None:
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

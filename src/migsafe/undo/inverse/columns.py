"""Columns: added, dropped, and changed in type, default, NOT NULL, identity or expression."""

from collections.abc import Iterator

from msgspec import UNSET

from migsafe.model.catalog import Column, Relation
from migsafe.model.effects import Object
from migsafe.model.inverse import Discard
from migsafe.sql.quote import identifier, qualified
from migsafe.undo.inverse.change import Change, Impossible, Lost, Phase, Piece, changed, gone, new
from migsafe.undo.inverse.column_text import column_sql, identity, not_null_of, place, sequence_place
from migsafe.undo.inverse.retyped import retyped
from migsafe.undo.inverse.spelled import settle

Found = Iterator[Piece | Lost | Discard | Impossible]

_TABLES = ("table", "partitioned table", "foreign table")


def invert(change: Change) -> Found:
    for column in new(change, Column):
        yield from _added(change, column)
    for column in gone(change, Column):
        yield from _dropped(change, column)
    for old, now in changed(change, Column):
        yield from _changed(change, old, now)


def _added(change: Change, column: Column) -> Found:
    relation = change.after.relations.get(column.relation)
    if not change.was_there(column.relation) or relation is None or _follows_parent(change, column, "columns"):
        return
    if relation.kind == "composite type":
        if not _is_typed_table(change, column):
            cascade = " CASCADE" if _typed(change, column.relation) else ""
            yield Piece(
                f"ALTER TYPE {qualified(column.relation)} DROP ATTRIBUTE {identifier(column.name)}{cascade}", Phase.DROP
            )
        return
    if relation.kind not in _TABLES or relation.of_type:
        return
    foreign = "FOREIGN " if relation.kind == "foreign table" else ""
    yield Piece(
        f"ALTER {foreign}TABLE {qualified(column.relation)} DROP COLUMN {identifier(column.name)}", Phase.DROP, order=5
    )
    if not column.generated:
        yield Discard(f"column:{column.relation}.{column.name}", _written(column))


def _written(column: Column) -> str:
    """How many rows have another value than the new column was given."""
    table, name = qualified(column.relation), identifier(column.name)
    default = column.default if isinstance(column.default, str) else None
    if column.identity or (default is not None and "(" in default):
        return f"SELECT count(*) FROM {table}"
    return f"SELECT count(*) FROM {table} WHERE {name} IS DISTINCT FROM {default or 'NULL'}"


def _follows_parent(change: Change, column: Column, field: str) -> bool:
    """Whether the same happens to a parent, whose statement reaches this table too."""
    relation = change.after.relations.get(column.relation)
    before, later = getattr(change.before, field), getattr(change.after, field)
    for parent in relation.parents if relation else ():
        if (column.name in before.get(parent, {})) != (column.name in later.get(parent, {})):
            return True
    return False


def _typed(change: Change, name: str) -> bool:
    return any(relation.of_type == name for relation in change.before.relations.values())


def _is_typed_table(change: Change, column: Column) -> bool:
    relation = change.before.relations.get(column.relation)
    return relation is not None and relation.of_type is not None


def _dropped(change: Change, column: Column) -> Found:
    relation = change.before.relations.get(column.relation)
    if not change.was_there(column.relation) or relation is None or _follows_parent(change, column, "columns"):
        return
    if relation.kind == "composite type":
        cascade = " CASCADE" if _typed(change, column.relation) else ""
        yield Piece(
            f"ALTER TYPE {qualified(column.relation)} ADD ATTRIBUTE {identifier(column.name)} {column.type}{cascade}",
            Phase.BASE,
        )
        yield Lost(f"the values of attribute {column.name} of {column.relation}")
        return
    if relation.kind not in _TABLES or relation.of_type:
        return
    if any(child.parents for child in _children(change, column.relation) if not child.bound):
        yield Impossible(f"which columns of the children of {column.relation} were inherited is not recorded")
        return
    yield from add_column(change, column)
    if not column.generated:
        yield Lost(f"the values of column {column.relation}.{column.name}")
    columns = tuple(change.before.columns.get(column.relation, {}))
    if columns[-1:] != (column.name,):
        yield Lost(f"the place of column {column.relation}.{column.name}: it comes back as the last one")


def _children(change: Change, name: str) -> list[Relation]:
    return [relation for relation in change.before.relations.values() if name in relation.parents]


def add_column(change: Change, column: Column) -> Found:
    """ADD COLUMN, and NOT NULL apart: rows that are there have no value yet."""
    table = qualified(column.relation)
    facts = change.facts(Object("column", column.name, column.relation))
    foreign = change.before.relations[column.relation].kind == "foreign table"
    filled = isinstance(column.default, str) or column.identity
    text, own = column_sql(change, column, named=bool(filled or column.generated))
    yield Piece(
        f"ALTER {'FOREIGN ' if foreign else ''}TABLE {table} ADD COLUMN {text}", Phase.BASE, place(change, column)
    )
    if own is not None:
        yield Piece(own, Phase.KEY)
        yield Discard(f"rows:{column.relation}", f"SELECT count(*) FROM {table}", blocks=True)
    thing = Object("column", column.name, column.relation)
    yield from settle(change, thing, tuple(each for each in facts if each != "collation"))


def _changed(change: Change, old: Column, now: Column) -> Found:
    relation = change.after.relations.get(old.relation)
    if relation is None or _parent_changed(change, old):
        return
    if relation.kind in ("view", "materialized view"):
        if old.default != now.default and relation.kind == "view":
            yield from _default(old, now, "VIEW")
        return
    if relation.kind == "composite type":
        if old.type != now.type:
            cascade = " CASCADE" if _typed(change, old.relation) else ""
            name = qualified(old.relation)
            yield Piece(
                f"ALTER TYPE {name} ALTER ATTRIBUTE {identifier(old.name)} TYPE {old.type}{cascade}", Phase.CHANGE
            )
        return
    if relation.of_type and old.type != now.type:
        return
    yield from _in_table(change, old, now, "FOREIGN TABLE" if relation.kind == "foreign table" else "TABLE")


def _parent_changed(change: Change, column: Column) -> bool:
    relation = change.after.relations.get(column.relation)
    for parent in relation.parents if relation else ():
        old = change.before.columns.get(parent, {}).get(column.name)
        now = change.after.columns.get(parent, {}).get(column.name)
        if old is not None and now is not None and old != now and parent in _reached(change):
            return True
    return False


def _reached(change: Change) -> set[str]:
    return {altered.after.relation for altered in change.effects.alters if isinstance(altered.after, Column)}


def _in_table(change: Change, old: Column, now: Column, what: str) -> Found:
    table, name = qualified(old.relation), identifier(old.name)
    alter = f"ALTER {what} {table} ALTER COLUMN {name}"
    if old.type is None or old.not_null is None or old.default is UNSET:
        yield Impossible(f"how column {old.relation}.{old.name} was before is not known")
        return
    is_retyped = old.type != now.type or old.collation != now.collation
    if is_retyped:
        yield from retyped(change, old, now, what)
    if old.generated != now.generated:
        yield Impossible(f"a column cannot be made generated again in its place: {old.relation}.{old.name}")
    elif old.generated and old.default != now.default:
        yield Piece(f"{alter} SET EXPRESSION AS ({old.default})", Phase.CHANGE, 3)
    elif old.default != now.default and not is_retyped:
        yield from _default(old, now, what)
    if old.not_null != now.not_null and not _keeps_not_null(change, old):
        yield from _nullness(change, old, alter)
    if old.identity != now.identity:
        yield from _identified(change, old, now, alter)


def _default(old: Column, now: Column, what: str) -> Found:
    alter = f"ALTER {what} {qualified(old.relation)} ALTER COLUMN {identifier(old.name)}"
    if isinstance(old.default, str):
        yield Piece(f"{alter} SET DEFAULT {old.default}", Phase.DEFAULT)
    elif now.default is not None:
        yield Piece(f"{alter} DROP DEFAULT", Phase.CHANGE)


def _keeps_not_null(change: Change, column: Column) -> bool:
    """A named constraint takes NOT NULL along, whichever way it goes (constraints.py)."""
    return column.not_null is True and not_null_of(change, column) is not None


def _nullness(change: Change, old: Column, alter: str) -> Found:
    if old.not_null:
        yield Piece(f"{alter} SET NOT NULL", Phase.CHECK)
        table, name = qualified(old.relation), identifier(old.name)
        count = f"SELECT count(*) FROM {table} WHERE {name} IS NULL"
        yield Discard(f"nulls:{old.relation}.{old.name}", count, blocks=True)
    else:
        yield Piece(f"{alter} DROP NOT NULL", Phase.DROP, 8)


def _identified(change: Change, old: Column, now: Column, alter: str) -> Found:
    if old.identity and now.identity:
        yield Piece(f"{alter} SET GENERATED {'ALWAYS' if old.identity == 'a' else 'BY DEFAULT'}", Phase.CHANGE)
    elif old.identity:
        yield Piece(f"{alter} ADD {identity(change, old)}", Phase.DEFAULT)
        yield from sequence_place(change, old)
    else:
        yield Piece(f"{alter} DROP IDENTITY", Phase.DROP, 6)

"""Columns given their type of before, and what that does to their values."""

from collections.abc import Iterator

from migsafe.model.catalog import Column
from migsafe.model.effects import Object
from migsafe.model.inverse import Discard
from migsafe.sql import conversions, expressions, types
from migsafe.sql.parse import kind, parse_expression
from migsafe.sql.quote import identifier, qualified
from migsafe.sql.widening import widens
from migsafe.undo.inverse.change import Change, Impossible, Lost, Phase, Piece

Found = Iterator[Piece | Lost | Discard | Impossible]


def retyped(change: Change, old: Column, now: Column, what: str) -> Found:
    if _uses_view(change, old):
        yield Impossible(f"a view reads {old.relation}.{old.name}, whose type would have to change")
        return
    table, name = qualified(old.relation), identifier(old.name)
    alter = f"ALTER {what} {table} ALTER COLUMN {name}"
    collation = ""
    if old.collation != now.collation:
        facts = change.facts(Object("column", old.name, old.relation))
        known = facts.get("collation") or (f'pg_catalog."{old.collation}"' if old.collation == "C" else old.collation)
        collation = " COLLATE " + (known or 'pg_catalog."default"')
    using = _using(change, old, now)
    if isinstance(now.default, str) and not old.generated:
        yield Piece(f"{alter} DROP DEFAULT", Phase.CHANGE, 0)
    yield Piece(f"{alter} TYPE {old.type}{collation}{using}", Phase.CHANGE, 1)
    if isinstance(old.default, str) and not old.generated:
        yield Piece(f"{alter} SET DEFAULT {old.default}", Phase.CHANGE, 2)
    if loss := _conversion_loss(change, old, now):
        yield Lost(loss)
    yield from _too_wide(change, old, now)


def _uses_view(change: Change, column: Column) -> bool:
    return any(
        use.relation == column.relation and (column.name in use.columns or "*" in use.columns)
        for relation in change.after.relations.values()
        for use in relation.uses
    )


def _using(change: Change, old: Column, now: Column) -> str:
    """An explicit cast between different types; without one a value that does not fit is refused, not cut."""
    one, other = types.parts(old.type or ""), types.parts(now.type or "")
    texts = ("character varying", "text", "character", "citext")
    same = one.base == other.base or (one.base in texts and other.base in texts)
    if same and one.array == other.array:
        return ""
    name = identifier(old.name)
    enums = [
        types.user_type(each or "", change.before) or types.user_type(each or "", change.after)
        for each in (old.type, now.type)
    ]
    between = "::text[]" if one.array else "::text"
    over = between if all(each is not None and each.kind == "enum" for each in enums) else ""
    return f" USING {name}{over}::{old.type}"


def _conversion_loss(change: Change, old: Column, now: Column) -> str | None:
    """What there and back does to the values that were there before; None: nothing."""
    using = next(
        (each.using for each in change.effects.alters if isinstance(each.after, Column) and _is(each.after, old)), None
    )
    plain = using is None or _is_cast_of(using, old.name)
    one, other = types.parts(old.type or ""), types.parts(now.type or "")
    if plain and one.array == other.array and (widens(one, other) or _keeps_labels(change, old, now)):
        return None
    return f"the values of {old.relation}.{old.name} as {old.type}: they come back as the conversion made them"


def _keeps_labels(change: Change, old: Column, now: Column) -> bool:
    """Whether the old type is an enum, and the new one text or an enum with all its labels."""
    enum, other = types.user_type(old.type or "", change.before), types.user_type(now.type or "", change.after)
    if enum is None or enum.kind != "enum":
        return False
    if other is not None and other.kind == "enum":
        return set(enum.labels) <= set(other.labels)
    return (
        types.parts(now.type or "").base in ("text", "character varying") and not types.parts(now.type or "").modifiers
    )


def _is(column: Column, other: Column) -> bool:
    return (column.relation, column.name) == (other.relation, other.name)


def _is_cast_of(using: str, name: str) -> bool:
    node = parse_expression(using)
    while node is not None and kind(node) == "type_cast":
        node = node.type_cast.arg
    return node is not None and kind(node) == "column_ref" and expressions.columns(node) == (name,)


def _too_wide(change: Change, old: Column, now: Column) -> Found:
    """What was written since may not fit into the type of before: the conversion then fails."""
    one, other = types.parts(old.type or ""), types.parts(now.type or "")
    table, name = qualified(old.relation), identifier(old.name)
    ranges = {"smallint": "-32768 AND 32767", "integer": "-2147483648 AND 2147483647"}
    limits = one.modifiers
    what = f"values:{old.relation}.{old.name}"
    if one.base == "character varying" and limits and other.base in ("character varying", "text", "citext"):
        yield Discard(what, f"SELECT count(*) FROM {table} WHERE char_length({name}) > {limits[0]}", blocks=True)
    elif one.base in ranges and other.base in ("integer", "bigint", "numeric"):
        yield Discard(what, f"SELECT count(*) FROM {table} WHERE {name} NOT BETWEEN {ranges[one.base]}", blocks=True)
    elif conversions.convert(now.type, old.type or "", change.after).narrows:
        yield Discard(what, None)

"""Types: made, dropped, with a label more, with another constraint."""

from collections.abc import Iterator

from migsafe.model.catalog import Column, Type
from migsafe.model.effects import Object
from migsafe.model.inverse import Discard
from migsafe.sql.quote import identifier, literal, qualified
from migsafe.sql.types import user_type
from migsafe.undo.inverse.change import Change, Impossible, Lost, Phase, Piece, changed, gone, new
from migsafe.undo.inverse.spelled import settle

Found = Iterator[Piece | Lost | Discard | Impossible]


def invert(change: Change) -> Found:
    for made in new(change, Type):
        if made.extension is None:
            word = "DOMAIN" if made.kind == "domain" else "TYPE"
            yield Piece(f"DROP {word} {qualified(made.name)}", Phase.DROP, order=9)
    for old in gone(change, Type):
        if old.extension is None:
            yield from _remade(change, old)
    for old, now in changed(change, Type):
        yield from _changed(change, old, now)


def _remade(change: Change, old: Type) -> Found:
    thing = Object("type", old.name)
    text = _text(change, old)
    if text is None:
        yield Impossible(f"the definition of type {old.name} is not recorded")
        return
    facts = change.facts(thing)
    yield Piece(text, Phase.BASE, float(facts.get("made", 0)))
    for name in old.unvalidated:
        late = change.definition(Object("constraint", name, old.name))
        if late is not None:
            said = late if late.endswith("NOT VALID") else f"{late} NOT VALID"
            yield Piece(f"ALTER DOMAIN {qualified(old.name)} ADD CONSTRAINT {identifier(name)} {said}", Phase.KEY)
    yield from settle(change, thing)
    for name in old.constraints:
        comment = change.facts(Object("constraint", name, old.name)).get("comment")
        if comment is not None:
            on = f"{identifier(name)} ON DOMAIN {qualified(old.name)}"
            yield Piece(f"COMMENT ON CONSTRAINT {on} IS {literal(comment)}", Phase.SETTING)
    if old.kind == "composite":
        for column in change.before.columns.get(old.name, {}).values():
            yield from settle(change, Object("column", column.name, old.name), ("comment",))


def _text(change: Change, old: Type) -> str | None:
    name = qualified(old.name)
    if old.kind == "enum":
        return f"CREATE TYPE {name} AS ENUM ({', '.join(map(literal, old.labels))})"
    if old.kind == "composite":
        parts = [_attribute(change, old, attribute, printed) for attribute, printed in old.attributes]
        return f"CREATE TYPE {name} AS ({', '.join(parts)})"
    return change.definition(Object("type", old.name))


def _attribute(change: Change, old: Type, name: str, printed: str) -> str:
    collation = change.facts(Object("column", name, old.name)).get("collation")
    return f"{identifier(name)} {printed}" + (f" COLLATE {collation}" if collation else "")


def _changed(change: Change, old: Type, now: Type) -> Found:
    if old.kind == "enum" and old.labels != now.labels:
        yield from _relabelled(change, old, now)
    elif old.kind == "domain":
        yield from _domain(change, old, now)


def _domain(change: Change, old: Type, now: Type) -> Found:
    name = qualified(old.name)
    for constraint in now.constraints:
        if constraint not in old.constraints:
            yield Piece(f"ALTER DOMAIN {name} DROP CONSTRAINT {identifier(constraint)}", Phase.DROP)
    for constraint in old.constraints:
        if constraint in now.constraints:
            continue
        text = change.definition(Object("constraint", constraint, old.name))
        if text is None:
            yield Impossible(f"the definition of constraint {constraint} of domain {old.name} is not recorded")
        else:
            yield Piece(f"ALTER DOMAIN {name} ADD CONSTRAINT {identifier(constraint)} {text}", Phase.KEY)
            comment = change.facts(Object("constraint", constraint, old.name)).get("comment")
            if comment is not None:
                on = f"{identifier(constraint)} ON DOMAIN {name}"
                yield Piece(f"COMMENT ON CONSTRAINT {on} IS {literal(comment)}", Phase.SETTING)


def _relabelled(change: Change, old: Type, now: Type) -> Found:
    if len(old.labels) == len(now.labels):
        one, other = next((a, b) for a, b in zip(old.labels, now.labels, strict=True) if a != b)
        sql = f"ALTER TYPE {qualified(old.name)} RENAME VALUE {literal(other)} TO {literal(one)}"
        yield Piece(sql, Phase.CHANGE)
        return
    stands = _in_the_way(change, now)
    if stands is not None:
        yield Impossible(f"PostgreSQL cannot take a label out of enum {old.name}, and {stands}")
        return
    yield from _recreated(change, old, now)


def _users(change: Change, name: str) -> list[Column]:
    found = []
    for relation, columns in change.after.columns.items():
        known = change.after.relations.get(relation)
        for column in columns.values():
            described = user_type(column.type or "", change.after)
            if described is not None and described.name == name and known is not None and known.kind != "view":
                found.append(column)
    return found


_MENTIONING = ("constraint ", "index ", "function ", "policy ", "trigger ")


def _in_the_way(change: Change, enum: Type) -> str | None:
    """What keeps the columns of an enum from being given to a new one of the same name."""
    bare = enum.name.partition(".")[2]
    users = _users(change, enum.name)
    for column in users:
        relation = change.after.relations[column.relation]
        if relation.kind not in ("table", "partitioned table"):
            return f"{relation.kind} {relation.name} has a column of it"
        if column.generated:
            return f"generated column {column.relation}.{column.name} is of it"
        for other in change.after.relations.values():
            if any(use.relation == column.relation and {column.name, "*"} & set(use.columns) for use in other.uses):
                return f"{other.kind} {other.name} reads {column.relation}.{column.name}"
    for key, facts in change.known.facts.items():
        text = facts.get("definition", "")
        meant = (bare,) if key.startswith("function ") else (f"::{bare}", f"::{enum.name}")
        if key.startswith(_MENTIONING) and any(each in text for each in meant):
            return f"{key} mentions it"
    if not change.known.complete:
        return "what mentions it is not recorded"
    if any(
        enum.name in (t.base, *(p for _, p in t.attributes)) or bare in (t.base, *(p for _, p in t.attributes))
        for t in change.after.types.values()
    ):
        return "another type is made of it"
    return None


def _recreated(change: Change, old: Type, now: Type) -> Found:
    """The enum of before under a name of its own, the columns given to it, the new one dropped."""
    schema, _, bare = old.name.partition(".")
    aside = f"{bare[:50]}_to_drop"
    yield Piece(f"ALTER TYPE {qualified(old.name)} RENAME TO {identifier(aside)}", Phase.CHANGE, 10)
    labels = ", ".join(map(literal, old.labels))
    yield Piece(f"CREATE TYPE {qualified(old.name)} AS ENUM ({labels})", Phase.CHANGE, 11)
    extra = [label for label in now.labels if label not in old.labels]
    for column in _users(change, old.name):
        relation = change.after.relations[column.relation]
        if relation.parents:
            continue
        array = "[]" if (column.type or "").endswith("[]") else ""
        table, name = qualified(column.relation), identifier(column.name)
        alter = f"ALTER TABLE {table} ALTER COLUMN {name}"
        if isinstance(column.default, str):
            yield Piece(f"{alter} DROP DEFAULT", Phase.CHANGE, 12)
        new_type = f"{qualified(old.name)}{array}"
        yield Piece(f"{alter} TYPE {new_type} USING {name}::text{array}::{new_type}", Phase.CHANGE, 13)
        if isinstance(column.default, str):
            yield Piece(f"{alter} SET DEFAULT {column.default}", Phase.CHANGE, 14)
        listed = ", ".join(map(literal, extra))
        test = f"{name}::text[] && ARRAY[{listed}]" if array else f"{name}::text IN ({listed})"
        count = f"SELECT count(*) FROM {table} WHERE {test}"
        yield Discard(f"values:{column.relation}.{column.name}", count, blocks=True)
    yield Piece(f"DROP TYPE {identifier(schema)}.{identifier(aside)}", Phase.CHANGE, 15)
    yield from settle(change, Object("type", old.name))

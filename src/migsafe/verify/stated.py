"""What the statements of a plan set and define of an object, as it must be at the end."""

import json
from typing import NamedTuple

from migsafe.model.catalog import Relation
from migsafe.model.change import RELATIONS
from migsafe.model.effects import Attribute, Effects, Object, Rename
from migsafe.model.plan import Plan
from migsafe.model.statement import Statement
from migsafe.postgres.progress import TABLE
from migsafe.verify.net import is_below, made_by, may_be, moved, normal
from migsafe.verify.proof import bare

# Lists of columns of the object's own relation, and the label of one.
_COLUMNS = ("columns", "update of", "set on delete")
_COLUMN = "owned by"
_FOLLOWED = frozenset({"filters", "subtype", _COLUMN})
# What a new definition in the place of an old one leaves as it was (CREATE OR REPLACE).
_LASTING = ("comment", "owner", "enabled")
# A value that the session decided, or that cannot be followed.
UNCLEAR = "?"

Values = dict[str, str | None]


class Stated(NamedTuple):
    """The attributes of one object at the end of a plan, by name, and the statement that set the last of them.

    `made`: a statement of the plan has made the object.
    """

    position: int
    statement: Statement
    values: Values
    made: bool = False


def stated(plan: Plan) -> dict[Object, Stated]:
    """What the plan sets and does not take back, by the last name of the object."""
    found: dict[Object, Stated] = {}
    changes_role = False
    for position, statement in enumerate(plan.statements):
        effects = statement.effects
        for dropped in map(normal, effects.drops):
            for thing in [thing for thing in found if _goes(thing, dropped)]:
                del found[thing]
        for rename in effects.renames:
            found = _renamed(_clear(found, rename), rename)
        made = {made_by(thing) for thing in effects.creates}
        if effects.command == "CREATE VIEW":
            made |= {made_by(altered.after) for altered in effects.alters}
        for thing in made & found.keys():
            found[thing] = found[thing]._replace(values=_lasting(found[thing].values))
        _work(found, position, statement, made)
        changes_role = changes_role or any(each.name in _ROLES for each in effects.settings)
        if not changes_role:
            _grant_by_default(found, position, statement)
    return found


_ROLES = ("role", "session_authorization")


def _goes(thing: Object, dropped: Object) -> bool:
    if dropped.kind in ("relation", "type"):
        return thing == dropped or thing.of == dropped.name
    if dropped.kind == "schema":
        return thing == dropped or is_below(thing, dropped) or _in_schema(thing, dropped)
    return thing == dropped or (dropped.kind == "function" and may_be(thing, dropped))


def _clear(found: dict[Object, Stated], rename: Rename) -> dict[Object, Stated]:
    """Without functions of one name of which one has another name now: a rename does not say which."""
    old = normal(rename.old)
    meant = [thing for thing in found if may_be(thing, old)] if old.kind == "function" else []
    return {thing: kept for thing, kept in found.items() if thing not in meant} if len(meant) > 1 else found


def _work(found: dict[Object, Stated], position: int, statement: Statement, made: set[Object]) -> None:
    for attribute in _set(statement.effects):
        thing = normal(attribute.object)
        values = found[thing].values if thing in found else {}
        if attribute.name == "is":
            values = {}
        if attribute.name == "settings":
            values = {name: None if name.startswith("setting ") else value for name, value in values.items()}
        is_made = thing in made or (thing in found and found[thing].made)
        found[thing] = Stated(position, statement, {**values, attribute.name: attribute.value}, is_made)
    revoked = [each for each in _set(statement.effects) if each.value is None and " of " in each.name]
    columns = [thing for thing in found if thing.kind == "column"] if revoked else []
    for attribute in revoked:
        below = [thing for thing in columns if thing.of == attribute.object.name]
        _revoke(found, normal(attribute.object), below, attribute.name)


def _set(effects: Effects) -> list[Attribute]:
    # Of what a block or a function runs it is not known which branch was taken.
    own = effects.command.startswith(("CREATE ", "ALTER ", "DROP ", "COMMENT", "GRANT", "REVOKE"))
    attributes = (*effects.attributes, *(effects.defines if own else ()))
    return [each for each in attributes if not _is_left_out(each.object, effects)]


def _is_left_out(thing: Object, effects: Effects) -> bool:
    """What may have been there already, and the table of a half-done revision, which goes by itself."""
    place = thing.of or thing.name
    return place in effects.perhaps or bare(place) == TABLE


def _revoke(found: dict[Object, Stated], revoked: Object, columns: list[Object], name: str) -> None:
    """REVOKE takes the grant option too, and on a table the privileges on its columns (manual, REVOKE)."""
    for thing in (revoked, *columns):
        values = {each: value for each, value in found[thing].values.items() if each != f"grant option for {name}"}
        if name in values:
            values[name] = None
        found[thing] = found[thing]._replace(values=values)


_BY_DEFAULT = {"sequence": "sequences", **dict.fromkeys(RELATIONS - {"sequence", "composite type"}, "tables")}


def _grant_by_default(found: dict[Object, Stated], position: int, statement: Statement) -> None:
    """What new relations come with, because of an earlier ALTER DEFAULT PRIVILEGES of the same role."""
    for made in statement.effects.creates:
        if not isinstance(made, Relation) or made.kind not in _BY_DEFAULT:
            continue
        word, schema = _BY_DEFAULT[made.kind], made.name.partition(".")[0]
        for name in (f"on {word}", f"on {word} in schema {schema}"):
            given = found.get(Object("default privileges", name))
            granted = {each: value for each, value in given.values.items() if value is not None} if given else {}
            thing = made_by(made)
            if granted and not _is_left_out(thing, statement.effects) and schema != "pg_temp":
                values = found[thing].values if thing in found else {}
                found[thing] = Stated(position, statement, {**granted, **values}, True)


def _lasting(values: Values) -> Values:
    return {name: value for name, value in values.items() if name in _LASTING or " of " in name}


def _renamed(found: dict[Object, Stated], rename: Rename) -> dict[Object, Stated]:
    old, new = normal(rename.old), normal(rename.new)
    touched = {thing: _under(thing, kept, old, new) for thing, kept in found.items() if _is_about(thing, kept, old)}
    return dict(touched.get(thing, (thing, kept)) for thing, kept in found.items()) if touched else found


def _is_about(thing: Object, kept: Stated, old: Object) -> bool:
    """Whether a rename of `old` may change the name of the object, or what is stated of it."""
    if old.kind == "schema" or thing == old or thing.of == old.name:
        return True
    if old.of is not None and old.of in (thing.of, thing.name):
        return True
    return (old.kind == "function" and may_be(thing, old)) or not _FOLLOWED.isdisjoint(kept.values)


def _under(thing: Object, kept: Stated, old: Object, new: Object) -> tuple[Object, Stated]:
    values = {_name(name, thing, old, new): _value(name, value, thing, old, new) for name, value in kept.values.items()}
    if old.kind == "function" and may_be(thing, old):
        _, parenthesis, arguments = thing.name.partition("(")
        new = Object("function", new.name.partition("(")[0] + parenthesis + arguments)
        return new, kept._replace(values=values)
    if old.kind == "schema" and _in_schema(thing, old):
        thing = Object(thing.kind, thing.name.removesuffix(old.name) + new.name)
    return moved(thing, old, new), kept._replace(values=values)


def _in_schema(thing: Object, schema: Object) -> bool:
    """Whether they are the default privileges of a schema."""
    return thing.kind == "default privileges" and thing.name.endswith(f" in schema {schema.name}")


def _name(name: str, thing: Object, old: Object, new: Object) -> str:
    """`check …` and `comment on …` of a domain whose constraint has another name now."""
    if old.kind == "constraint" and old.of == thing.name:
        for word in ("check", "comment on"):
            if name == f"{word} {old.name}":
                return f"{word} {new.name}"
    return name


def _value(name: str, value: str | None, thing: Object, old: Object, new: Object) -> str | None:
    if value is None or value == UNCLEAR:
        return value
    if name == "filters":
        return UNCLEAR if old.kind in ("relation", "column", "schema") and _mentions(value, old) else value
    if name == "subtype" and old.kind == "type":
        return UNCLEAR if bare(value) == bare(old.name) else value
    if name == "schemas" and old.kind == "schema":
        return ", ".join(sorted(new.name if each == old.name else each for each in value.split(", ")))
    if name == _COLUMN and old.kind in ("relation", "column", "schema"):
        return _label(value, old, new)
    if name in _COLUMNS and old.kind == "column" and old.of == (thing.of or thing.name):
        return ", ".join(new.name if each == old.name else each for each in value.split(", "))
    return value


def _mentions(filters: str, old: Object) -> bool:
    tables = json.loads(filters)
    return any(table in (old.name, old.of) or table.startswith(f"{old.name}.") for table in tables)


def _label(value: str, old: Object, new: Object) -> str:
    if value == old.label:
        return new.label
    return f"{new.label}{value[len(old.label) :]}" if value.startswith(f"{old.label}.") else value

"""What is known of the objects, after each statement: the next inverse needs it as it is by then."""

import json
import re
from collections.abc import Iterator

from migsafe.model.catalog import (
    Catalog,
    Column,
    Constraint,
    EventTrigger,
    Function,
    Index,
    Policy,
    Relation,
    RewriteRule,
    Schema,
    Statistics,
    Trigger,
    Type,
)
from migsafe.model.definitions import UNCLEAR, Facts, Known, key
from migsafe.model.effects import Attribute, CatalogObject, Effects, Object
from migsafe.model.statement import Statement
from migsafe.sql import undoable
from migsafe.sql.quote import literal
from migsafe.undo.inverse.respelled import renamed

_ASPECTS = {
    "comment": "comment",
    "owner": "owner",
    "statistics target": "statistics",
    "storage": "storage",
    "compression": "compression",
    "row security": "row security",
    "forced row security": "force row security",
    "replica identity": "replica identity",
    "clustered on": "cluster",
    "enabled": "enabled",
    "query": "definition",
    "populated": "unpopulated",
}


def aspects(statement: Statement, catalog: Catalog) -> tuple[tuple[Object, str], ...]:
    """Object and aspect of everything that a statement sets beyond what the catalog in memory holds."""
    found = [(each.object, aspect_of(each.name)) for each in statement.effects.attributes]
    return tuple(dict.fromkeys([*found, *undoable.settings(statement.sql, catalog)]))


def aspect_of(name: str) -> str:
    """The aspect of an attribute, as model/definitions.py calls it."""
    if name.startswith(("parameter ", "option ")):
        return "options"
    if " of " in name:
        return "grants"
    if name in ("start", "increment", "minimum", "maximum", "cache", "cycle"):
        return "sequence"
    return _ASPECTS.get(name, "definition")


def following(known: Known, statement: Statement, before: Catalog) -> Known:
    """What is known once the statement is done."""
    effects = statement.effects
    if effects.unknown is not None:
        return Known({}, complete=False)
    if effects.nothing_to_do or not (effects.changes_schema or effects.attributes or _sets(statement, before)):
        return known
    facts = dict(renamed(known, effects.renames).facts)
    for dropped in effects.drops:
        _forget(facts, dropped)
    single = len([each for each in effects.creates if not isinstance(each, Column)]) == 1
    for created in effects.creates:
        thing = named(created)
        if thing is not None:
            facts[key(thing)] = _of_new(created, statement, single)
    for altered in effects.alters:
        _doubt(facts, altered.after, altered.before)
    for validated in effects.validates:
        _drop_fact(facts, validated, "definition")
    for thing, aspect in aspects(statement, before):
        _note(facts, statement, thing, aspect)
    return Known(facts, complete=known.complete)


def _sets(statement: Statement, before: Catalog) -> bool:
    return bool(undoable.settings(statement.sql, before))


def named(thing: CatalogObject) -> Object | None:
    """How facts call an object of the catalog."""
    match thing:
        case Relation():
            return Object(thing.kind, thing.name)
        case Index():
            return Object("index", thing.name)
        case Column():
            return Object("column", thing.name, thing.relation)
        case Constraint():
            return Object("constraint", thing.name, thing.relation)
        case Trigger():
            return Object("trigger", thing.name, thing.relation)
        case RewriteRule():
            return Object("rule", thing.name, thing.relation)
        case Policy():
            return Object("policy", thing.name, thing.relation)
        case Type():
            return Object("type", thing.name)
        case Function():
            return Object("function", thing.signature)
        case Statistics():
            return Object("statistics", thing.name)
        case EventTrigger():
            return Object("event trigger", thing.name)
        case Schema():
            return Object("schema", thing.name)
    return None


def _of_new(created: CatalogObject, statement: Statement, single: bool) -> Facts:
    """A new object is as by default, and its statement makes it again, where it is the only one of that statement."""
    printed = (Trigger, RewriteRule, Policy, Statistics, Function, EventTrigger)
    if isinstance(created, printed):
        return {"definition": statement.sql.strip().rstrip(";") if single else UNCLEAR}
    if isinstance(created, Type) and created.kind in ("domain", "range"):
        return {"definition": statement.sql.strip().rstrip(";")}
    if isinstance(created, Relation) and created.kind == "sequence":
        return {
            "sequence": _after_word(statement.sql, created) if statement.effects.command == "CREATE SEQUENCE" else ""
        }
    if isinstance(created, Index) and created.definition:
        return {"definition": created.definition}
    return {}


def _after_word(sql: str, created: Relation) -> str:
    bare = created.name.partition(".")[2]
    text = re.split(rf'\b{re.escape(bare)}\b"?', sql, maxsplit=1)[-1]
    return re.sub(r"(?i)\bowned\s+by\s+\S+", "", text).strip().rstrip(";")


def _forget(facts: dict[str, Facts], dropped: Object) -> None:
    own = key(dropped)
    facts.pop(own, None)
    if own.startswith(("relation ", "index ")):
        for name in [name for name in facts if name.partition(" ")[2].startswith(f"{dropped.name}.")]:
            del facts[name]


def _doubt(facts: dict[str, Facts], later: CatalogObject, before: CatalogObject | None) -> None:
    """The text of an object that was altered is another one now, and of what mentions a column of another type."""
    thing = named(later)
    if thing is None:
        return
    if isinstance(later, Constraint | Function | Policy | Trigger | Type) or (
        isinstance(later, Relation) and later.kind in ("view", "materialized view")
    ):
        _drop_fact(facts, thing, "definition", to=None if isinstance(later, Constraint) else UNCLEAR)
    if isinstance(later, Column) and isinstance(before, Column) and later.type != before.type:
        for name, known in list(facts.items()):
            hangs = name.startswith((f"constraint {later.relation}.", "index ", f"policy {later.relation}."))
            text = known.get("definition", "")
            if hangs and "::" in text and re.search(rf"\b{re.escape(later.name)}\b", text):
                facts[name] = {**known, "definition": UNCLEAR}


def _drop_fact(facts: dict[str, Facts], thing: Object, aspect: str, to: str | None = None) -> None:
    known = facts.get(key(thing))
    if known is None or aspect not in known:
        return
    left = {name: value for name, value in known.items() if name != aspect}
    facts[key(thing)] = {**left, aspect: to} if to else left


def _note(facts: dict[str, Facts], statement: Statement, thing: Object, aspect: str) -> None:
    known = facts.get(key(thing))
    if known is None:
        return
    said = [each for each in statement.effects.attributes if each.object == thing and aspect_of(each.name) == aspect]
    value = _value(aspect, said, known, is_view=statement.effects.command == "CREATE VIEW")
    left = {name: text for name, text in known.items() if name != aspect}
    facts[key(thing)] = left if value is None else {**left, aspect: value}


_SWITCHES = {
    "row security": {"on": "ENABLE", "off": None},
    "force row security": {"on": "FORCE", "off": None},
    "enabled": {"O": None, "D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"},
    "unpopulated": {"true": None, "false": "yes"},
    "replica identity": {"nothing": "NOTHING", "full": "FULL", "default": None},
}


def _value(aspect: str, said: list[Attribute], known: Facts, *, is_view: bool) -> str | None:
    """What an aspect is after a statement; None: as by default, UNCLEAR where the statement does not tell."""
    if not said:
        return UNCLEAR
    value = said[-1].value
    if aspect in ("comment", "owner", "cluster", "statistics"):
        return value
    if aspect in ("storage", "compression"):
        return value.upper() if value is not None else None
    if aspect in _SWITCHES and value is not None:
        return _SWITCHES[aspect].get(value, UNCLEAR)
    if aspect == "definition" and is_view:
        return value
    if aspect == "options":
        return _options(said, known.get("options", ""))
    return _grants(said, known["grants"]) if aspect == "grants" and "grants" in known else UNCLEAR


_OPTION = re.compile(r"([\w.]+)=('(?:[^']|'')*')")


def _options(said: list[Attribute], before: str) -> str | None:
    options = dict(_OPTION.findall(before))
    for each in said:
        name = each.name.partition(" ")[2]
        options.pop(name, None)
        if each.value is not None:
            options[name] = literal(each.value)
    return ", ".join(f"{name}={value}" for name, value in options.items()) or None


def _grants(said: list[Attribute], before: str) -> str:
    if before == UNCLEAR:
        return UNCLEAR
    listed = json.loads(before)
    for each in said:
        privilege, _, role = each.name.partition(" of ")
        grantee = "" if role == "PUBLIC" else role
        listed = [entry for entry in listed if entry[:2] != [grantee, privilege]]
        if each.value is not None:
            listed.append([grantee, privilege, False])
    return json.dumps(listed)


def fresh_labels(effects: Effects) -> Iterator[str]:
    """The relations and columns that a statement makes."""
    for created in effects.creates:
        if isinstance(created, Relation):
            yield created.name
        elif isinstance(created, Column):
            yield f"{created.relation}.{created.name}"

"""Comments, owners, grants, storage parameters and switches: given their recorded values again."""

import json
from collections.abc import Iterator

from migsafe.model.definitions import UNCLEAR
from migsafe.model.effects import Attribute, Object
from migsafe.model.inverse import Discard
from migsafe.sql.quote import identifier, qualified
from migsafe.undo.inverse import programs
from migsafe.undo.inverse.change import Change, Impossible, Lost, Phase, Piece
from migsafe.undo.inverse.known import aspect_of, aspects
from migsafe.undo.inverse.spelled import aspect_sql, granted_on, spelled, words
from migsafe.undo.inverse.tables import replaced_view

Found = Iterator[Piece | Lost | Discard | Impossible]


def invert(change: Change) -> Found:
    effects = change.effects
    for attribute in effects.attributes:
        if not _is_new(change, attribute.object):
            yield from _attribute(change, attribute)
    for thing, aspect in aspects(change.statement, change.before):
        if aspect not in ("grants", "options") and not _is_new(change, thing):
            yield from _aspect(change, thing, aspect)


def _is_new(change: Change, thing: Object) -> bool:
    """What is new goes away with its settings."""
    place = thing.of or thing.name
    if place in change.fresh or thing.label in change.fresh:
        return True
    if thing.kind in ("relation", "table", "sequence", "column") and place not in change.before.relations:
        return place not in change.before.indexes
    if thing.kind == "policy":
        return thing.name not in change.before.policies.get(thing.of or "", {})
    if thing.kind == "column":
        return thing.name not in change.before.columns.get(thing.of or "", {})
    return False


def _attribute(change: Change, attribute: Attribute) -> Found:
    aspect = aspect_of(attribute.name)
    if aspect == "grants":
        yield from _grant(change, attribute)
    elif aspect == "options":
        yield from _options(change, attribute)


def _options(change: Change, attribute: Attribute) -> Found:
    thing = attribute.object
    option = attribute.name.partition(" ")[2]
    recorded = _index_options(change, thing) if thing.kind == "index" else change.facts(thing).get("options")
    if recorded == UNCLEAR or not change.is_known(thing):
        yield Impossible(f"the storage parameters of {thing.label} before are not recorded")
        return
    what = words(change, thing)
    alter = f"ALTER {what} {spelled(thing)}"
    if thing.kind == "column":
        alter = f"ALTER TABLE {qualified(thing.of or '')} ALTER COLUMN {identifier(thing.name)}"
    yield Piece(f"{alter} RESET ({option})", Phase.CHANGE)
    if recorded:
        yield Piece(f"{alter} SET ({recorded})", Phase.SETTING)


def _index_options(change: Change, thing: Object) -> str | None:
    text = change.facts(thing).get("definition", "")
    return text.rpartition(" WITH (")[2].partition(")")[0] if " WITH (" in text else None


def _grant(change: Change, attribute: Attribute) -> Found:
    thing = attribute.object
    privilege, _, role = attribute.name.partition(" of ")
    recorded = change.facts(thing).get("grants")
    if recorded == UNCLEAR or not change.is_known(thing):
        yield Impossible(f"the privileges on {thing.label} before are not recorded")
        return
    grantee = "" if role == "PUBLIC" else role
    by_default = grantee == "" and thing.kind in ("function", "type")
    if recorded is None and (by_default or role == change.facts(thing).get("owner")):
        yield Impossible(f"the privileges on {thing.label} were those by default, which GRANT does not bring back")
        return
    had = [each for each in json.loads(recorded or "[]") if each[:2] == [grantee, privilege]]
    to = "PUBLIC" if not grantee else identifier(grantee)
    if had:
        option = " WITH GRANT OPTION" if had[0][2] else ""
        yield Piece(f"GRANT {privilege} ON {granted_on(change, thing)} TO {to}{option}", Phase.SETTING)
    else:
        yield Piece(f"REVOKE {privilege} ON {granted_on(change, thing)} FROM {to}", Phase.SETTING)


def _aspect(change: Change, thing: Object, aspect: str) -> Found:
    if aspect == "definition":
        yield from _definition(change, thing)
        return
    if aspect == "last value":
        yield Lost(f"the place of sequence {thing.name}")
        return
    if aspect == "unpopulated":
        return
    if aspect == "inherit":
        known = change.before.constraints.get(thing.of or "", {}).get(thing.name)
        said = "NO INHERIT" if known is not None and known.no_inherit else "INHERIT"
        table = qualified(thing.of or "")
        yield Piece(f"ALTER TABLE {table} ALTER CONSTRAINT {identifier(thing.name)} {said}", Phase.CHANGE)
        return
    facts = change.facts(thing)
    value = facts.get(aspect)
    if value == UNCLEAR or (value is None and not change.is_known(thing)):
        yield Impossible(f"the {aspect} of {thing.kind} {thing.label} before is not recorded")
    elif aspect in ("sequence", "identity"):
        yield from _sequence(change, thing, aspect)
    elif aspect == "owned by":
        sequence = change.before.relations.get(thing.name)
        if sequence is not None and sequence.owned_by is not None:
            owner = f"{qualified(sequence.owned_by[0])}.{identifier(sequence.owned_by[1])}"
            yield Piece(f"ALTER SEQUENCE {qualified(thing.name)} OWNED BY {owner}", Phase.CHANGE)
    else:
        yield from aspect_sql(change, thing, aspect, value, facts)


def _definition(change: Change, thing: Object) -> Found:
    relation = change.before.relations.get(thing.name)
    if thing.kind in ("function", "policy"):
        yield from programs.restored(change, thing)
    elif relation is not None and relation.kind == "view" and not _tables_does_it(change, thing.name):
        yield from replaced_view(change, relation)


def _tables_does_it(change: Change, name: str) -> bool:
    old, now = change.before.relations[name], change.after.relations.get(name)
    return now is None or (old.uses, old.calls) != (now.uses, now.calls)


def _sequence(change: Change, thing: Object, aspect: str) -> Found:
    name: str | None = thing.name
    if aspect == "identity":
        owned = (thing.of, thing.name)
        name = next((r.name for r in change.before.relations.values() if r.owned_by == owned), None)
    options = change.facts(Object("sequence", name or "")).get("sequence")
    if name is None or not options or options == UNCLEAR:
        yield Impossible(f"the parameters of the sequence of {thing.label} before are not recorded")
        return
    yield Piece(f"ALTER SEQUENCE {qualified(name)} {options}", Phase.CHANGE)

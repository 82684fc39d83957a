"""Functions, triggers, rules, policies, extended statistics and event triggers: made again as they were printed."""

import re
from collections.abc import Iterator
from typing import Any

from migsafe.model.catalog import EventTrigger, Function, Policy, RewriteRule, Statistics, Trigger
from migsafe.model.effects import Object
from migsafe.model.inverse import Discard
from migsafe.sql.quote import identifier, qualified
from migsafe.undo.inverse.change import Change, Impossible, Lost, Phase, Piece, changed, gone, new
from migsafe.undo.inverse.known import named
from migsafe.undo.inverse.spelled import settle, spelled, words

Found = Iterator[Piece | Lost | Discard | Impossible]

# As a revision has it; the server prints CREATE OR REPLACE.
_CREATE = re.compile(
    r"\A((?:\s|--[^\n]*\n|/\*.*?\*/)*)CREATE\s+(?:OR\s+REPLACE\s+)?(?=(?:FUNCTION|PROCEDURE|AGGREGATE)\b)", re.I | re.S
)
_SORTS: tuple[type[Any], ...] = (Trigger, RewriteRule, Policy, Statistics, Function, EventTrigger)


def invert(change: Change) -> Found:
    for sort in _SORTS:
        for made in new(change, sort):
            yield from _made(change, made)
        for old in gone(change, sort):
            yield from _dropped(change, old)
        for old, _ in changed(change, sort):
            if not isinstance(old, EventTrigger):
                yield from _replaced(change, old)
    if (same := _same_again(change)) is not None:
        yield from same


def _made(change: Change, made: Any) -> Found:
    thing = named(made)
    if thing is None or _is_copy(change, made, change.after) or getattr(made, "extension", None):
        return
    if thing.of and not change.was_there(thing.of):
        return
    if isinstance(made, Statistics) and not change.was_there(made.relation):
        return
    word = _word(made)
    yield Piece(f"DROP {word} {spelled(thing)}", Phase.DROP, order=10 if isinstance(made, Function) else 0)


def _word(thing: Any) -> str:
    if isinstance(thing, Function):
        return {"procedure": "PROCEDURE", "aggregate": "AGGREGATE"}.get(thing.kind, "FUNCTION")
    said: dict[type[Any], str] = {Trigger: "TRIGGER", RewriteRule: "RULE", Policy: "POLICY", Statistics: "STATISTICS"}
    return said.get(type(thing), "EVENT TRIGGER")


def _is_copy(change: Change, thing: Any, catalog: Any) -> bool:
    """A trigger of a partition that is there because of the parent's."""
    if not isinstance(thing, Trigger):
        return False
    relation = catalog.relations.get(thing.relation)
    parents = relation.parents if relation is not None and relation.bound else ()
    return any(thing.name in catalog.triggers.get(parent, {}) for parent in parents)


def _dropped(change: Change, old: Any) -> Found:
    thing = named(old)
    if thing is None or _is_copy(change, old, change.before) or getattr(old, "extension", None):
        return
    text = change.definition(thing)
    if text is None:
        yield Impossible(f"the definition of {thing.kind} {thing.label} is not recorded")
        return
    phase = Phase.REFERENCE
    if isinstance(old, Function):
        phase = Phase.VIEW if old.uses else Phase.BASE
    yield Piece(text.strip().rstrip(";"), phase, float(change.facts(thing).get("made", 0)))
    yield from settle(change, thing)


def _same_again(change: Change) -> Found | None:
    """CREATE OR REPLACE whose new definition looks the same in the catalog in memory."""
    if " OR REPLACE " not in f" {' '.join(change.statement.sql.upper().split()[:4])} ":
        return None
    created = [each for each in change.effects.creates if isinstance(each, _SORTS)]
    return _replacing(change, created)


def _replacing(change: Change, created: list[Any]) -> Found:
    for each in created:
        thing = named(each)
        if thing is not None and _there(change, each) and not _differs(change, each):
            yield from _replaced(change, each)


def _there(change: Change, thing: Any) -> bool:
    if isinstance(thing, Function):
        return thing.signature in change.before.functions
    place: Any = change.before.triggers if isinstance(thing, Trigger) else change.before.rules
    return thing.name in place.get(getattr(thing, "relation", ""), {})


def _differs(change: Change, thing: Any) -> bool:
    return any(named(now) == named(thing) for _, now in changed(change, type(thing)))


def _replaced(change: Change, old: Any) -> Found:
    thing = named(old)
    if thing is None or _is_copy(change, old, change.before):
        return
    text = change.definition(thing)
    if text is None:
        yield Impossible(f"the definition of {thing.kind} {thing.label} before is not recorded")
        return
    if isinstance(old, Function):
        # Dropped it cannot be: triggers and views may hang on it, of which nobody asked.
        yield Piece(_over(text), Phase.CHANGE, 2)
        return
    yield Piece(f"DROP {_word(old)} {spelled(thing)}", Phase.CHANGE, 1)
    yield Piece(text.strip().rstrip(";"), Phase.CHANGE, 2)
    yield from settle(change, thing)


def _over(text: str) -> str:
    """The definition of a function, over the one that is there."""
    return _CREATE.sub(r"\1CREATE OR REPLACE ", text.strip().rstrip(";"))


def restored(change: Change, thing: Object) -> Found:
    """The definition of before over that of now, where no effect tells of the change (ALTER FUNCTION, ALTER POLICY)."""
    text = change.definition(thing)
    if text is None:
        yield Impossible(f"the definition of {thing.kind} {thing.label} before is not recorded")
        return
    if thing.kind != "function":
        yield Piece(
            f"DROP {words(change, thing)} {identifier(thing.name)} ON {qualified(thing.of or '')}", Phase.CHANGE, 1
        )
    yield Piece(_over(text) if thing.kind == "function" else text.strip().rstrip(";"), Phase.CHANGE, 2)
    if thing.kind != "function":
        yield from settle(change, thing)

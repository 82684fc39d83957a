"""One statement between two schemas: what is new, gone and changed, and the pieces of which its inverse is made."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from migsafe.model.after import after
from migsafe.model.catalog import Catalog, Column, Constraint, EventTrigger, Function, Index, Relation, Trigger, Type
from migsafe.model.definitions import UNCLEAR, Facts, Known
from migsafe.model.effects import CatalogObject, Effects, Object
from migsafe.model.statement import Statement

replace = msgspec.structs.replace


class Phase:
    """In which order the pieces of an inverse run: what is new goes, what changed changes back, what went comes."""

    DROP = 0
    CHANGE = 10
    SCHEMA = 20
    BASE = 30
    KEY = 40
    ATTACH = 45
    VIEW = 48
    REFERENCE = 50
    DEFAULT = 60
    SETTING = 70
    CHECK = 80
    RENAME = 90


class Piece(msgspec.Struct, frozen=True):
    """A statement of an inverse; `order` decides within a phase."""

    sql: str
    phase: int
    order: float = 0
    apart: bool = False


class Lost(msgspec.Struct, frozen=True):
    """What the statement destroyed and its inverse does not bring back."""

    what: str


class Impossible(msgspec.Struct, frozen=True):
    because: str


class Change(msgspec.Struct, frozen=True):
    """A statement, the schema and what is known of it before, both under the names that the statement leaves.

    `fresh` are labels of what earlier statements of the same revision made.
    """

    statement: Statement
    before: Catalog
    after: Catalog
    known: Known
    fresh: frozenset[str] = frozenset()

    @property
    def effects(self) -> Effects:
        return self.statement.effects

    def facts(self, thing: Object) -> Facts:
        """What is known of an object that was there; {} also when nobody knows (see `is_known`)."""
        found = self.known.of(thing)
        if found is None and thing.kind == "function":
            found = _function_facts(self.known, thing.name)
        return found or {}

    def is_known(self, thing: Object) -> bool:
        """Whether comments, grants and settings of an object are known, if only to be as by default."""
        if self.known.complete or self.known.of(thing) is not None:
            return True
        return thing.kind == "function" and _function_facts(self.known, thing.name) is not None

    def definition(self, thing: Object) -> str | None:
        text = self.facts(thing).get("definition")
        return None if text == UNCLEAR else text

    def was_there(self, relation: str) -> bool:
        """Whether a relation is there before and after: what hangs on it is then dropped and made one by one."""
        return relation in self.before.relations and relation in self.after.relations


def _function_facts(known: Known, signature: str) -> Facts | None:
    """Argument types are printed with their schema in one place and without it in the other."""
    start = f"function {signature.partition('(')[0]}("
    found = [facts for name, facts in known.facts.items() if name.startswith(start)]
    return found[0] if len(found) == 1 else None


_FLAT = ("relations", "indexes", "types", "extensions", "statistics", "functions", "event_triggers")
_NESTED = ("columns", "constraints", "triggers", "rules", "policies")


def gone(change: Change, kind: type[Any]) -> Iterator[Any]:
    """What was there before and is not after."""
    return (old for old, new in _pairs(change, kind) if new is None)


def new(change: Change, kind: type[Any]) -> Iterator[Any]:
    """What is there after and was not before."""
    return (made for old, made in _pairs(change, kind) if old is None)


def changed(change: Change, kind: type[Any]) -> Iterator[tuple[Any, Any]]:
    """What is there before and after, and not the same."""
    for old, made in _pairs(change, kind):
        if old is not None and made is not None and _plain(old) != _plain(made):
            yield old, made


def _plain(thing: CatalogObject) -> CatalogObject:
    """Without what is no part of the schema."""
    match thing:
        case Relation():
            return replace(thing, rows=None, bytes=None, start=None, definition=None)
        case Type():
            return replace(thing, added=())
        case Index():
            return replace(thing, definition=None, types=(), opclasses=(), options=())
        case Function():
            return replace(thing, uses=())
    return thing


_FIELD: dict[type[Any], str] = {
    Relation: "relations",
    Column: "columns",
    Constraint: "constraints",
    Index: "indexes",
    Type: "types",
    Trigger: "triggers",
    Function: "functions",
    EventTrigger: "event_triggers",
}


def _pairs(change: Change, kind: type[Any]) -> Iterator[tuple[Any, Any]]:
    field = _FIELD.get(kind) or {"RewriteRule": "rules", "Policy": "policies"}.get(kind.__name__, "")
    field = field or {"Statistics": "statistics", "Extension": "extensions"}[kind.__name__]
    before: Mapping[str, Any] = getattr(change.before, field)
    later: Mapping[str, Any] = getattr(change.after, field)
    if before is later:
        return
    if field in _FLAT:
        yield from _compared(before, later)
        return
    if kind is Constraint and later is not before:
        yield from _constraints(change)
        return
    for relation in dict.fromkeys([*before, *later]):
        one, other = before.get(relation, {}), later.get(relation, {})
        if one is not other:
            yield from _compared(one, other)


def _compared(before: Mapping[str, Any], later: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    for name in dict.fromkeys([*before, *later]):
        old, made = before.get(name), later.get(name)
        if old is not made:
            yield old, made


def _constraints(change: Change) -> Iterator[tuple[Any, Any]]:
    """One that was dropped and added under its name in the same statement has gone, and another one came."""
    made = {(each.relation, each.name) for each in change.effects.creates if isinstance(each, Constraint)}
    both = {(each.of, each.name) for each in change.effects.drops if each.kind == "constraint"} & made
    for relation in dict.fromkeys([*change.before.constraints, *change.after.constraints]):
        before, later = change.before.constraints.get(relation, {}), change.after.constraints.get(relation, {})
        for old, now in _compared(before, later) if before is not later else ():
            if old is not None and now is not None and (relation, old.name) in both:
                yield old, None
                yield None, now
            else:
                yield old, now


def of_statement(statement: Statement, before: Catalog, known: Known, fresh: frozenset[str]) -> Change:
    """The change that a statement is; `before` and `known` are as they are when it begins."""
    from migsafe.undo.inverse.respelled import renamed

    effects = statement.effects
    middle, facts = before, known
    if effects.renames:
        middle = after(before, Effects(renames=effects.renames))
        facts = renamed(known, effects.renames)
    rest = replace(effects, renames=())
    return Change(statement, middle, after(middle, rest), facts, fresh)

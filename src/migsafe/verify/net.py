"""What all statements of a plan together leave behind: object by object, under its last name."""

from typing import Literal

import msgspec

from migsafe.model.after import after
from migsafe.model.catalog import (
    Catalog,
    Column,
    Constraint,
    Function,
    Index,
    Policy,
    Publication,
    Relation,
    RewriteRule,
    Statistics,
    Trigger,
    Type,
)
from migsafe.model.change import RELATIONS
from migsafe.model.effects import CatalogObject, Effects, Object
from migsafe.model.plan import Plan
from migsafe.model.statement import Statement

_KINDS = {
    **dict.fromkeys(RELATIONS, "relation"),
    "partitioned index": "index",
    "domain": "type",
    "procedure": "function",
    "aggregate": "function",
    "routine": "function",
}
By = Literal["create", "alter", "validate", "rename", "drop"]


class Touch(msgspec.Struct, frozen=True):
    """The last time that a statement touched an object.

    `thing` is the object as the catalog had it then, if it did. `whole`: the catalog knew all of it, rather than what
    a statement said of an object that it had not heard of.
    """

    position: int
    statement: Statement
    by: By
    thing: CatalogObject | None
    whole: bool


class Outcome(msgspec.Struct, frozen=True):
    """An object that the plan touched, as it must be found: there (`thing`: None when only its name is known) or gone.

    `object.kind` is relation, index, or the tag of another CatalogObject, or what a statement calls it.
    """

    object: Object
    there: bool
    touch: Touch
    thing: CatalogObject | None = None


def net(plan: Plan, catalog: Catalog) -> tuple[tuple[Outcome, ...], Catalog]:
    """What the plan makes of `catalog`, which is the schema before it, and the schema after it."""
    touches: dict[Object, Touch] = {}
    for position, statement in enumerate(plan.statements):
        following = after(catalog, statement.effects)
        touches = _followed(touches, statement.effects)
        for touched, by in touched_by(statement.effects, following):
            last = touches.pop(touched, None)
            if touched.kind == "function":
                touches = {other: touch for other, touch in touches.items() if not may_be(other, touched)}
            whole = by == "create" or (last.whole if last else by != "alter" or find(catalog, touched) is not None)
            thing = find(catalog if by == "drop" else following, touched)
            touches[touched] = Touch(position, statement, by, thing, whole)
        catalog = following
    outcomes = tuple(_outcome(touched, touch, catalog) for touched, touch in touches.items())
    gone = {
        outcome.object.name
        for outcome in outcomes
        if not outcome.there and outcome.object.kind in ("relation", "type", "schema")
    }
    return tuple(outcome for outcome in outcomes if not _is_implied(outcome, gone)), catalog


def normal(thing: Object) -> Object:
    """`thing` with the kind under which outcomes are kept: a view is a relation, a domain a type."""
    return Object(_KINDS.get(thing.kind, thing.kind), thing.name, thing.of)


def find(catalog: Catalog, thing: Object) -> CatalogObject | None:
    """The object by that name in the catalog."""
    of = thing.of or ""
    match thing.kind:
        case "relation":
            return catalog.relations.get(thing.name)
        case "column":
            return catalog.columns.get(of, {}).get(thing.name)
        case "constraint":
            return catalog.constraints.get(of, {}).get(thing.name)
        case "index":
            return catalog.indexes.get(thing.name)
        case "type":
            return catalog.types.get(thing.name)
        case "extension":
            return catalog.extensions.get(thing.name)
    return _find_attached(catalog, thing)


def _find_attached(catalog: Catalog, thing: Object) -> CatalogObject | None:
    of = thing.of or ""
    match thing.kind:
        case "trigger":
            return catalog.triggers.get(of, {}).get(thing.name)
        case "rule":
            return catalog.rules.get(of, {}).get(thing.name)
        case "policy":
            return catalog.policies.get(of, {}).get(thing.name)
        case "statistics":
            return catalog.statistics.get(thing.name)
        case "function":
            return catalog.functions.get(thing.name)
        case "publication" if thing.name in catalog.publications:
            return Publication(thing.name, catalog.publications[thing.name])
        case "event trigger":
            return catalog.event_triggers.get(thing.name)
    return None


def touched_by(effects: Effects, following: Catalog) -> list[tuple[Object, By]]:
    """Objects in the order in which after() works them in; `following` is the schema after the statement."""
    touched: list[tuple[Object, By]] = [(normal(dropped), "drop") for dropped in effects.drops]
    for rename in effects.renames:
        touched += [(normal(rename.old), "drop"), (normal(rename.new), "rename")]
    touched += [(made_by(thing), "create") for thing in effects.creates]
    touched += [(made_by(altered.after), "alter") for altered in effects.alters]
    touched += [(normal(validated), "validate") for validated in effects.validates]
    needed = [Object("extension", need.name) for need in effects.needs if need.kind == "extension"]
    touched += [(extension, "alter") for extension in needed if extension not in (known for known, _ in touched)]
    return [(_domain(thing, following) or thing, by) for thing, by in touched]


def _domain(thing: Object, catalog: Catalog) -> Object | None:
    """The domain that a constraint belongs to."""
    of = thing.of or ""
    return Object("type", of) if thing.kind == "constraint" and of in catalog.types else None


def may_be(one: Object, other: Object) -> bool:
    """Whether two names, one without arguments, may be those of the same function."""
    if one.kind != other.kind or ("(" in one.name) == ("(" in other.name):
        return False
    return one.name.split("(", 1)[0] == other.name.split("(", 1)[0]


def made_by(thing: CatalogObject) -> Object:
    """How outcomes call an object of the catalog."""
    kind = str(type(thing).__struct_config__.tag)
    if isinstance(thing, Column | Constraint | Trigger | RewriteRule | Policy):
        return Object(kind, thing.name, thing.relation)
    return Object(kind, thing.signature if isinstance(thing, Function) else thing.name)


def _followed(touches: dict[Object, Touch], effects: Effects) -> dict[Object, Touch]:
    """Earlier touches under the names that the renames of a statement give."""
    for rename in effects.renames:
        old, new = normal(rename.old), normal(rename.new)
        touches = {moved(touched, old, new): touch for touched, touch in touches.items()}
    return touches


def is_below(thing: Object, dropped: Object) -> bool:
    """Whether an object goes with another one that is dropped, by their names."""
    if dropped.kind == "schema":
        return (thing.of or thing.name).startswith(f"{dropped.name}.")
    return dropped.kind in ("relation", "type") and thing.of == dropped.name


def _in(name: str, old: Object, new: Object) -> str:
    return f"{new.name}{name[len(old.name) :]}" if name.startswith(f"{old.name}.") else name


def moved(touched: Object, old: Object, new: Object) -> Object:
    """The object under the name that a rename of `old` to `new` gives it."""
    if old.kind == "schema" and touched != old:
        return Object(touched.kind, _in(touched.name, old, new), touched.of and _in(touched.of, old, new))
    if touched == old:
        return new
    if old.kind in ("relation", "type") and touched.of == old.name:
        return Object(touched.kind, touched.name, new.name)
    return touched


def _outcome(touched: Object, touch: Touch, final: Catalog) -> Outcome:
    thing = find(final, touched)
    only_a_name = thing is None and touch.by != "drop" and touch.thing is None
    return Outcome(touched, thing is not None or only_a_name, touch, thing)


def _is_implied(outcome: Outcome, gone: set[str]) -> bool:
    """Whether another outcome says it already, or no other session can see it."""
    touched, thing = outcome.object, outcome.thing or outcome.touch.thing
    if (touched.of or touched.name).startswith("pg_temp.") or _is_temporary(thing):
        return True
    if isinstance(thing, Type | Function) and thing.extension:
        return True
    if outcome.there:
        # The column that owns a sequence is looked at with its default or identity.
        return isinstance(thing, Relation) and thing.owned_by is not None
    if touched.kind == "function" and "(" not in touched.name:
        return True  # another function of that name, with other arguments, may be there
    schema, dot, _ = (touched.of or touched.name).partition(".")
    return _home(touched, thing) in gone or (bool(dot) and schema in gone)


def _home(touched: Object, thing: CatalogObject | None) -> str | None:
    """The relation without which an object cannot be."""
    if isinstance(thing, Index | Statistics):
        return thing.relation
    if isinstance(thing, Relation) and thing.owned_by:
        return thing.owned_by[0]
    return touched.of


def _is_temporary(thing: CatalogObject | None) -> bool:
    return isinstance(thing, Relation) and thing.persistence == "temporary"

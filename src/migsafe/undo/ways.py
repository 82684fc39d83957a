"""The ways back of each revision of a plan: derived, and its own, with what comes of each."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from migsafe.model.after import after
from migsafe.model.catalog import Catalog, Column, Constraint, Relation
from migsafe.model.definitions import Known, Recorded
from migsafe.model.inverse import Undone, WayBack, worst
from migsafe.model.plan import Plan, Step
from migsafe.sql.predict import predict
from migsafe.undo.inverse import invert_step

_MAPPINGS = tuple(name for name in Catalog.__struct_fields__ if isinstance(getattr(Catalog(), name), Mapping))
_NESTED = ("columns", "constraints", "triggers", "rules", "policies")


def ways_back(upgrade: Plan, back: Plan | None, before: Recorded) -> tuple[WayBack, ...]:
    """Both ways back of each revision of `upgrade`, in its order; `before` is what its first statement meets.

    `back` holds the revisions' own downgrade(), None where it was not read.
    """
    own = {step.revision: step for step in back.steps} if back is not None else {}
    found = []
    catalog, known = before.catalog, before.known
    for step in upgrade.steps:
        way, catalog, known = _way_back(step, own.get(step.revision), catalog, known)
        found.append(way)
    return tuple(found)


def _way_back(step: Step, own: Step | None, before: Catalog, known: Known) -> tuple[WayBack, Catalog, Known]:
    inverses, arrived, now_known = invert_step(step, before, known)
    pairs = zip(step.statements, inverses, strict=True)
    undone = tuple(Undone(statement.place, statement.sql, inverse) for statement, inverse in pairs)
    derived = "impossible" if step.read == "unreadable" else worst(tuple(each.kind for each in inverses))
    verdict, because = _own(step, own, before, arrived, is_lossy=derived == "lossy")
    way = WayBack(
        revision=step.revision,
        down_revisions=step.down_revisions,
        path=step.path,
        doc=step.doc,
        undone=undone,
        derived=derived,
        own=verdict,
        own_because=because,
        own_sql=tuple(statement.sql for statement in own.statements) if own is not None else (),
    )
    if step.read == "unreadable":
        now_known = Known()
    return way, arrived, now_known


def _own(
    step: Step, own: Step | None, before: Catalog, arrived: Catalog, *, is_lossy: bool
) -> tuple[str, tuple[str, ...]]:
    if step.downgrade in ("missing", "raises"):
        return step.downgrade, (step.downgrade_error,) if step.downgrade_error else ()
    if own is None or own.read == "unreadable":
        return "unreadable", (own.unreadable,) if own is not None and own.unreadable else ()
    if not own.statements and any(statement.effects.changes_schema for statement in step.statements):
        return "empty", ()
    unknown = [s.effects.unknown for s in (*step.statements, *own.statements) if s.effects.unknown]
    if step.read == "unreadable" or unknown:
        return "unreadable", tuple(dict.fromkeys(unknown)) or (step.unreadable or "",)
    back = arrived
    for statement in own.statements:
        back = after(back, statement.effects)
    # They were read over what later downgrades leave, and one of those may be missing or wrong.
    if any(_differences(before, back)) and (differing := tuple(_differences(before, _alone(arrived, own)))):
        return "differs", differing
    return ("lossy" if is_lossy else "exact"), ()


def _alone(arrived: Catalog, own: Step) -> Catalog:
    """The schema that the downgrade() of one revision leaves where that revision is the last."""
    for statement in own.statements:
        arrived = after(arrived, predict(statement.sql, arrived, arrived.server_version))
    return arrived


def _differences(before: Catalog, now: Catalog) -> Iterator[str]:
    """Objects that are not as before; texts of expressions are left to the server, which prints them anew."""
    for field in _MAPPINGS:
        one, other = getattr(before, field), getattr(now, field)
        if one is other or field in ("volatility", "publications"):
            continue
        for name in sorted({*one, *other}):
            old, new = one.get(name), other.get(name)
            if old is new:
                continue
            if field in _NESTED:
                yield from _compared(old or {}, new or {}, f"{name}.", field)
            else:
                yield from _compared({name: old} if old else {}, {name: new} if new else {}, "", field)


def _compared(one: Mapping[str, Any], other: Mapping[str, Any], prefix: str, field: str) -> Iterator[str]:
    for name in sorted({*one, *other}):
        old, new = one.get(name), other.get(name)
        if old is new or _is_not_null(old) or _is_not_null(new):
            continue
        label = f"{_SINGULAR.get(field, field[:-1])} {prefix}{name}"
        if old is None:
            yield f"{label} stays"
        elif new is None:
            yield f"{label} does not come back"
        elif _plain(old) != _plain(new):
            changed = [key for key in old.__struct_fields__ if getattr(_plain(old), key) != getattr(_plain(new), key)]
            yield f"{label} has another {', '.join(changed).replace('_', ' ')}"


def _is_not_null(thing: Any) -> bool:
    """Its column tells of it, and before 18 there was no such constraint."""
    return isinstance(thing, Constraint) and thing.kind == "not null"


_SINGULAR = {"indexes": "index", "policies": "policy", "statistics": "statistics", "event_triggers": "event trigger"}


def _plain(thing: Any) -> Any:
    changes: dict[str, Any] = {}
    match thing:
        case Relation():
            changes = dict.fromkeys(("rows", "bytes", "start", "definition", "owner"))
        case Column():
            changes = {"default": None if not isinstance(thing.default, str) else "", "collation": None}
        case Constraint():
            changes = {"expression": None, "calls": ()}
        case _:
            left = {"definition": None, "types": (), "opclasses": (), "options": (), "predicate": None, "added": ()}
            left |= {"body": None, "uses": (), "mentions": (), "default": None}
            changes = {name: value for name, value in left.items() if name in thing.__struct_fields__}
    return msgspec.structs.replace(thing, **changes)

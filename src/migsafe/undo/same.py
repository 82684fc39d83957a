"""Whether a schema is again as it was recorded: what differs, object by object."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from migsafe.model.catalog import Catalog, Relation
from migsafe.model.definitions import Recorded

# The place of a sequence is no part of a schema, and numbers of objects are the server's own.
_LEFT_OUT = ("made", "last value")
_NESTED = ("columns", "constraints", "triggers", "rules", "policies")
_FLAT = ("relations", "indexes", "types", "extensions", "statistics", "functions", "publications", "event_triggers")


def differences(before: Recorded, now: Recorded, *, in_order: bool = True) -> tuple[str, ...]:
    """A sentence for each object that is not as before, () when all are. `in_order`: that of columns counts too."""
    one, other = _things(before, in_order), _things(now, in_order)
    return tuple(_sentence(name, one.get(name), other.get(name)) for name in _unlike(one, other))


def _unlike(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    return (name for name in sorted({*one, *other}) if one.get(name) != other.get(name))


def _sentence(name: str, before: Any, now: Any) -> str:
    if before is None:
        return f"{name} is there, and was not before"
    if now is None:
        return f"{name} is not there any more"
    keys = [key for key in {**before, **now} if before.get(key) != now.get(key)]
    told = "; ".join(f"{key} is {_shown(now.get(key))}, and was {_shown(before.get(key))}" for key in sorted(keys))
    return f"{name}: {told}"


def _shown(value: Any) -> str:
    text = "not set" if value is None or value == "" else " ".join(str(value).split())
    return text if len(text) <= 120 else f"{text[:117]}…"


def _things(recorded: Recorded, in_order: bool) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, facts in recorded.known.facts.items():
        found[name] = {aspect: value for aspect, value in facts.items() if aspect not in _LEFT_OUT}
    for name, thing in _catalog(recorded.catalog):
        found[name] = {**found.get(name, {}), **thing}
    if in_order:
        for relation, columns in recorded.catalog.columns.items():
            place = found.setdefault(f"relation {relation}", {})
            place["columns in order"] = ", ".join(columns)
    return found


def _catalog(catalog: Catalog) -> Iterator[tuple[str, dict[str, Any]]]:
    for field in _FLAT:
        for name, thing in getattr(catalog, field).items():
            yield f"{_kind(field)} {name}", _plain(thing)
    for field in _NESTED:
        for relation, things in getattr(catalog, field).items():
            for name, thing in things.items():
                yield f"{_kind(field)} {relation}.{name}", _plain(thing)
    for name in catalog.schemas:
        yield f"schema {name}", {}


def _kind(field: str) -> str:
    return {"indexes": "index", "policies": "policy", "statistics": "statistics"}.get(
        field, field.removesuffix("s").replace("_", " ")
    )


def _plain(thing: Any) -> dict[str, Any]:
    if not isinstance(thing, msgspec.Struct):
        return {"tables": thing}
    if isinstance(thing, Relation):
        thing = msgspec.structs.replace(thing, rows=None, bytes=None)
    plain: dict[str, Any] = msgspec.structs.asdict(thing)
    if "uses" in plain:
        plain["uses"] = sorted((use.relation, tuple(sorted(use.columns))) for use in plain["uses"])
    return plain

"""Which extensions a plan uses, and how new each must be for what it uses of them."""

import re
from collections.abc import Iterator

import msgspec

from migsafe.model.catalog import Catalog, Column, Extension, Index
from migsafe.model.effects import Effects
from migsafe.model.plan import Plan

# CHANGELOG of pgvector; index access methods and types that come with an extension.
METHODS = {"hnsw": ("vector", "0.5.0"), "ivfflat": ("vector", "0.1.0"), "bloom": ("bloom", None)}
TYPES = {
    "vector": ("vector", None),
    "halfvec": ("vector", "0.7.0"),
    "sparsevec": ("vector", "0.7.0"),
    "citext": ("citext", None),
    "hstore": ("hstore", None),
    "ltree": ("ltree", None),
    "geometry": ("postgis", None),
    "geography": ("postgis", None),
}


class Wanted(msgspec.Struct, frozen=True):
    """An extension that the plan uses. `creates`: the plan creates it, in `version` (None: the server's default).

    `updates`: it is there by then, and ALTER EXTENSION takes it to `version`. `hnsw`: the plan builds such an index.
    `minimum` is the oldest version that will do, `because` says for what.
    """

    name: str
    creates: bool = False
    version: str | None = None
    minimum: str | None = None
    because: str | None = None
    updates: bool = False
    hnsw: bool = False


def wanted(plan: Plan, catalog: Catalog) -> tuple[Wanted, ...]:
    """One for each extension that the plan creates or uses, by name."""
    found: dict[str, Wanted] = {}
    for statement in plan.statements:
        for each in (*_created(statement.effects), *_used(statement.effects, catalog)):
            known = found.get(each.name)
            found[each.name] = each if known is None else _merged(known, each)
    return tuple(found[name] for name in sorted(found))


def _created(effects: Effects) -> Iterator[Wanted]:
    updated = {each.after.name: each.after for each in effects.alters if isinstance(each.after, Extension)}
    for name, extension in updated.items():
        yield Wanted(name, version=extension.version, updates=True)
    for need in effects.needs:
        if need.kind == "extension" and need.name not in updated:
            yield Wanted(need.name, creates=True, version=need.detail)
    for made in effects.creates:
        if isinstance(made, Extension):
            yield Wanted(made.name, creates=True, version=made.version)


def _used(effects: Effects, catalog: Catalog) -> Iterator[Wanted]:
    methods = {each.method: each.index for each in effects.builds}
    methods |= {each.method: each.name for each in effects.creates if isinstance(each, Index)}
    for method, index in methods.items():
        if method in METHODS:
            extension, minimum = METHODS[method]
            yield Wanted(extension, minimum=minimum, because=f"the {method} index {index}", hnsw=method == "hnsw")
    for thing in (*effects.creates, *(altered.after for altered in effects.alters)):
        if isinstance(thing, Column) and thing.type:
            yield from _of_type(thing, catalog)


def _of_type(column: Column, catalog: Catalog) -> Iterator[Wanted]:
    bare = re.sub(r"[(\[].*", "", column.type or "").strip().strip('"')
    name = bare.rpartition(".")[2].strip('"')
    known = catalog.types.get(bare) or next((catalog.types.get(f"{each}.{name}") for each in catalog.search_path), None)
    if name in TYPES and (known is None or known.extension is not None):
        extension, minimum = TYPES[name]
        yield Wanted(extension, minimum=minimum, because=f"the {name} column {column.relation}.{column.name}")


def _merged(one: Wanted, other: Wanted) -> Wanted:
    newer = other if _number(other) > _number(one) else one
    return Wanted(
        one.name,
        creates=one.creates or other.creates,
        version=one.version or other.version,
        minimum=newer.minimum,
        because=newer.because or one.because or other.because,
        updates=one.updates or other.updates,
        hnsw=one.hnsw or other.hnsw,
    )


def _number(wanted: Wanted) -> tuple[int, ...]:
    return tuple(int(part) for part in (wanted.minimum or "0").split("."))

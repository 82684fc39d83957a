"""What two statements of a plan destroy of the same rows is saved once: as it was before the first of them."""

from collections.abc import Iterable, Iterator

import msgspec

from migsafe.model.catalog import Catalog
from migsafe.model.lookup import lookup
from migsafe.model.saved import Part

_ROWS = ("rows", "table")


def once(found: Iterable[Part], catalog: Catalog) -> tuple[Part, ...]:
    """`found`, in the order of their statements, without what another of them saves as well.

    `catalog` is the schema before the plan. Each gets as `first` the first statement that touches its relation: what a
    later one meets there is the run's own work.
    """
    kept: list[Part] = []
    first: dict[str, int] = {}
    for part in found:
        first.setdefault(part.relation, part.statement)
        kept = [piece for each in kept for piece in _beside_later(each, part, catalog)]
        pieces: list[Part] = [part]
        for each in kept:
            pieces = [left for piece in pieces for left in _beside_earlier(piece, each, catalog)]
        kept += pieces
    return tuple(msgspec.structs.replace(each, first=first[each.relation]) for each in kept)


def _beside_later(part: Part, later: Part, catalog: Catalog) -> Iterator[Part]:
    """What of `part` must be saved although `later` is: the later one holds every row, or nothing is left to it."""
    if later.where is not None or part.kind == "column" or not _all_shared(part, later, catalog):
        yield part


def _beside_earlier(part: Part, earlier: Part, catalog: Catalog) -> Iterator[Part]:
    """What of `part` must be saved although `earlier` is."""
    shared = _shared(part, earlier, catalog)
    own = tuple(name for name in part.lost if name not in shared)
    if not shared or (own and not (part.kind == "values" and part.key)):
        yield part
        return
    if own:
        yield msgspec.structs.replace(part, lost=own, columns=own)
        part = msgspec.structs.replace(part, lost=shared, columns=shared)
    if earlier.where is not None and (earlier.where, earlier.alias) != (part.where, part.alias):
        yield _without(part, earlier)


def _all_shared(part: Part, other: Part, catalog: Catalog) -> bool:
    return bool(shared := _shared(part, other, catalog)) and set(part.lost) <= set(shared)


def _shared(part: Part, other: Part, catalog: Catalog) -> tuple[str, ...]:
    """The columns whose values `other` has too, in the rows that both are about."""
    if part.relation != other.relation or (part.only != other.only and lookup(catalog).children.get(part.relation)):
        return ()
    if other.kind in _ROWS:
        # Rows that stay may be changed by the other statement: of them whole rows bring nothing back.
        return part.lost or part.columns or part.key if part.kind in _ROWS or _all_go(other, catalog) else ()
    if part.kind in _ROWS or (part.kind == "column" and other.kind == "values"):
        return ()
    shared = tuple(name for name in part.lost if name in other.lost)
    # Without a key a row is found by its other values, which are not the same for other columns.
    return shared if (part.key and other.key) or set(part.lost) == set(other.lost) else ()


def _all_go(part: Part, catalog: Catalog) -> bool:
    """Whether every saved row is deleted. A trigger or rule may keep some."""
    name = part.relation
    return part.kind == "table" or (
        part.because is None and not catalog.triggers.get(name) and not catalog.rules.get(name)
    )


def _without(part: Part, other: Part) -> Part:
    """`part` without the rows of `other`."""
    if part.where is None:
        return msgspec.structs.replace(part, alias=other.alias, where=f"({other.where}) IS NOT TRUE")
    if part.alias == other.alias:
        return msgspec.structs.replace(part, where=f"({part.where}) AND ({other.where}) IS NOT TRUE")
    as_there = f"SELECT FROM (SELECT {part.alias}.*) AS {other.alias} WHERE {other.where}"
    return msgspec.structs.replace(part, where=f"({part.where}) AND NOT EXISTS ({as_there})")

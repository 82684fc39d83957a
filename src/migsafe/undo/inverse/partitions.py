"""Partitions attached and detached, and parents of inheritance gained and lost."""

from collections.abc import Iterator

from migsafe.model.catalog import Relation
from migsafe.model.effects import Object
from migsafe.sql.quote import qualified
from migsafe.undo.inverse.change import Change, Impossible, Phase, Piece, changed, gone

Found = Iterator[Piece | Impossible]


def invert(change: Change) -> Found:
    for old in gone(change, Relation):
        if old.bound and old.parents:
            yield from _attached_again(old)
    for old, now in changed(change, Relation):
        if old.parents == now.parents:
            continue
        if old.bound and old.parents:
            yield from _attached_again(old)
        elif now.bound:
            yield from _detached(change, now)
        else:
            yield from _inheritance(change, old, now)


def _attached_again(old: Relation) -> Found:
    parent = qualified(old.parents[0])
    bound = old.bound or ("DEFAULT" if old.is_default_partition else "")
    yield Piece(f"ALTER TABLE {parent} ATTACH PARTITION {qualified(old.name)} {bound}", Phase.ATTACH)


def _detached(change: Change, now: Relation) -> Found:
    """What the partition took from its parent (indexes, keys) stays with it when it is detached."""
    yield Piece(f"ALTER TABLE {qualified(now.parents[0])} DETACH PARTITION {qualified(now.name)}", Phase.CHANGE)
    before = set(change.before.indexes), change.before.constraints.get(now.name, {})
    for index in change.after.indexes.values():
        if index.relation == now.name and index.name not in before[0]:
            yield Impossible(f"{now.name} keeps index {index.name}, which it was given when it was attached")
    for name in change.after.constraints.get(now.name, {}):
        if name not in before[1]:
            yield Impossible(f"{now.name} keeps constraint {name}, which it was given when it was attached")


def _inheritance(change: Change, old: Relation, now: Relation) -> Found:
    lost = set(old.parents) - set(now.parents)
    columns = change.before.columns.get(old.name, {})
    facts = [change.facts(Object("column", name, old.name)) for name in columns]
    if lost and any(each.get("inherited") for each in facts):
        yield Impossible(f"the columns that {old.name} inherited are its own now, and stay so")
    for parent in now.parents:
        if parent not in old.parents:
            yield Piece(f"ALTER TABLE {qualified(old.name)} NO INHERIT {qualified(parent)}", Phase.CHANGE)
    for parent in old.parents:
        if parent not in now.parents:
            yield Piece(f"ALTER TABLE {qualified(old.name)} INHERIT {qualified(parent)}", Phase.CHANGE)

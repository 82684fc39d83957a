"""Sequences: made, dropped, given another owner or other parameters."""

from collections.abc import Iterator

from migsafe.model.catalog import Relation
from migsafe.model.definitions import UNCLEAR
from migsafe.model.effects import Object
from migsafe.model.inverse import Discard
from migsafe.sql import undoable
from migsafe.sql.quote import identifier, literal, qualified
from migsafe.undo.inverse.change import Change, Impossible, Lost, Phase, Piece, changed, gone, new
from migsafe.undo.inverse.spelled import settle

Found = Iterator[Piece | Lost | Discard | Impossible]


def invert(change: Change) -> Found:
    for made in new(change, Relation):
        if made.kind == "sequence" and not _goes_along(change, made) and not made.name.startswith("pg_temp."):
            yield Piece(f"DROP SEQUENCE {qualified(made.name)}", Phase.DROP, order=7)
    for old in gone(change, Relation):
        if old.kind == "sequence":
            yield from _dropped(change, old)
    for old, now in changed(change, Relation):
        if old.kind == "sequence" and old.owned_by != now.owned_by:
            yield Piece(f"ALTER SEQUENCE {qualified(old.name)} OWNED BY {_owner(old)}", Phase.CHANGE)
    if undoable.moves_sequence(change.statement.sql):
        yield Lost("the place of the sequence that setval() moved")


def _goes_along(change: Change, sequence: Relation) -> bool:
    """Whether it goes with the column that owns it: a new one, or one that becomes no identity again."""
    if sequence.owned_by is None:
        return False
    table, column = sequence.owned_by
    before = change.before.columns.get(table, {}).get(column)
    after = change.after.columns.get(table, {}).get(column)
    return before is None or (after is not None and after.identity is not None and before.identity is None)


def _dropped(change: Change, old: Relation) -> Found:
    if old.owned_by is not None:
        column = change.before.columns.get(old.owned_by[0], {}).get(old.owned_by[1])
        if column is not None and column.identity:
            return
    thing = Object("sequence", old.name)
    facts = change.facts(thing)
    options = facts.get("sequence")
    if options is None or options == UNCLEAR:
        yield Impossible(f"the parameters of sequence {old.name} are not recorded")
        return
    unlogged = "UNLOGGED " if old.persistence == "unlogged" else ""
    yield Piece(f"CREATE {unlogged}SEQUENCE {qualified(old.name)} {options}".rstrip(), Phase.BASE, -1)
    if facts.get("last value"):
        yield Piece(f"SELECT pg_catalog.setval({literal(qualified(old.name))}, {facts['last value']})", Phase.SETTING)
        yield Lost(f"the place of sequence {old.name}, which is set as it was recorded before the run")
    if old.owned_by is not None:
        yield Piece(f"ALTER SEQUENCE {qualified(old.name)} OWNED BY {_owner(old)}", Phase.KEY)
    yield from settle(change, thing)


def _owner(sequence: Relation) -> str:
    if sequence.owned_by is None:
        return "NONE"
    return f"{qualified(sequence.owned_by[0])}.{identifier(sequence.owned_by[1])}"

"""The inverse of every statement, from what it does and the schema before it: one file a family of objects.

A statement is a difference between two schemas; its inverse is the statements that take the difference back, made of
what the catalog holds and of what the server printed before the run (model/definitions.py). What is not known is said:
`impossible` with the reason, never a guess (docs/decisions/028).
"""

from collections.abc import Callable, Iterator

from migsafe.model.after import after
from migsafe.model.catalog import Catalog
from migsafe.model.definitions import Known
from migsafe.model.inverse import Command, Discard, Inverse
from migsafe.model.plan import Step
from migsafe.model.statement import Statement
from migsafe.sql.operators import come_and_gone
from migsafe.sql.undoable import unfollowed
from migsafe.undo.inverse import (
    columns,
    constraints,
    data,
    extensions,
    indexes,
    partitions,
    programs,
    renames,
    sequences,
    settings,
    tables,
    types,
)
from migsafe.undo.inverse.change import Change, Impossible, Lost, Piece, of_statement
from migsafe.undo.inverse.known import following, fresh_labels

_FAMILIES: tuple[Callable[[Change], Iterator[Piece | Lost | Discard | Impossible]], ...] = (
    tables.invert,
    columns.invert,
    constraints.invert,
    indexes.invert,
    types.invert,
    sequences.invert,
    programs.invert,
    partitions.invert,
    extensions.invert,
    renames.invert,
    settings.invert,
    data.invert,
)


def invert(statement: Statement, before: Catalog, known: Known, fresh: frozenset[str] = frozenset()) -> Inverse:
    """What takes `statement` back, on a database whose schema was `before` and is as the statement leaves it.

    `known` is what is recorded of the objects of `before`. `fresh` are labels of relations and columns that earlier
    statements of the same revision made: what happens to their rows needs no undoing.
    """
    effects = statement.effects
    if effects.unknown is not None:
        return Inverse("impossible", loses=(f"what it does is not known: {effects.unknown}",))
    if effects.nothing_to_do:
        return Inverse("exact")
    because = unfollowed(statement.sql)
    if because is not None:
        return Inverse("impossible", loses=(f"{effects.command or 'it'}: {because}",))
    if effects.perhaps:
        because = f"whether {effects.perhaps[0]} was there already is not known"
        return Inverse("impossible", loses=(because,))
    change = of_statement(statement, before, known, fresh)
    found = [piece for family in _FAMILIES for piece in family(change)]
    impossible = dict.fromkeys(each.because for each in found if isinstance(each, Impossible))
    if impossible:
        return Inverse("impossible", loses=tuple(impossible))
    lost = tuple(dict.fromkeys(each.what for each in found if isinstance(each, Lost)))
    pieces = sorted((each for each in found if isinstance(each, Piece)), key=lambda each: (each.phase, each.order))
    commands = tuple(dict.fromkeys(Command(each.sql, each.apart) for each in pieces))
    discards = tuple(dict.fromkeys(each for each in found if isinstance(each, Discard)))
    return Inverse("lossy" if lost else "exact", commands, lost, discards)


def invert_step(step: Step, before: Catalog, known: Known) -> tuple[tuple[Inverse, ...], Catalog, Known]:
    """The inverse of each statement of a revision, in the order of the statements; schema and facts after them."""
    found = []
    fresh: frozenset[str] = frozenset()
    passing = come_and_gone(statement.sql for statement in step.statements)
    for number, statement in enumerate(step.statements):
        found.append(Inverse("exact") if number in passing else invert(statement, before, known, fresh))
        known = following(known, statement, before)
        before = after(before, statement.effects)
        fresh |= frozenset(fresh_labels(statement.effects))
    return tuple(found), before, known

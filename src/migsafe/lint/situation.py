"""What is true just before a statement runs: the catalog, what this plan made, what its transaction holds."""

import msgspec

from migsafe.model.after import after
from migsafe.model.catalog import Catalog, Column, Index, Relation, Type
from migsafe.model.effects import Effects, Rename
from migsafe.model.locks import Lock, LockMode
from migsafe.model.plan import Step
from migsafe.model.statement import Statement


class Situation(msgspec.Struct, frozen=True):
    """`born` holds the labels of relations, columns and indexes that earlier statements of the plan created.

    `held` are the locks that earlier statements of the same transaction hold until it ends.
    """

    catalog: Catalog
    step: Step
    born: frozenset[str] = frozenset()
    held: tuple[Lock, ...] = ()

    def live(self, relation: str) -> bool:
        """Whether the application may be using `relation`: no statement of the plan, this one included, made it."""
        return relation not in self.born

    def live_column(self, relation: str, column: str) -> bool:
        return self.live(relation) and f"{relation}.{column}" not in self.born

    def held_on(self, relation: str) -> LockMode | None:
        """The strongest lock that the transaction already holds on `relation`."""
        return max((lock.mode for lock in self.held if lock.relation == relation), key=_strength, default=None)


def during(situation: Situation, effects: Effects) -> Situation:
    """The situation as the checks of a statement see it: what the statement itself makes is not live either."""
    made = {item.name for item in effects.creates if isinstance(item, Relation)} - set(situation.catalog.relations)
    return msgspec.structs.replace(situation, born=situation.born | made) if made else situation


def begin(situation: Situation, step: Step) -> Situation:
    """The situation at the first statement of the next revision: its predecessor's transaction has ended."""
    return msgspec.structs.replace(situation, step=step, held=())


def settled(situation: Situation) -> Situation:
    """The situation when the application has had time to fill and use all that earlier revisions made."""
    relations = {
        name: msgspec.structs.replace(relation, rows=None) if relation.rows == 0 else relation
        for name, relation in situation.catalog.relations.items()
    }
    catalog = msgspec.structs.replace(situation.catalog, relations=relations)
    return msgspec.structs.replace(situation, catalog=catalog, born=frozenset())


def advance(situation: Situation, statement: Statement, following: Statement | None) -> Situation:
    """The situation after `statement`, in which `following` (None: nothing) of the same revision runs."""
    effects = statement.effects
    same = following is not None and statement.transaction is not None
    keeps = same and following is not None and following.transaction == statement.transaction
    return msgspec.structs.replace(
        situation,
        catalog=after(situation.catalog, effects),
        born=_born(situation, effects),
        held=situation.held + effects.locks if keeps else (),
    )


def _born(situation: Situation, effects: Effects) -> frozenset[str]:
    """A relation that the catalog already had is not born again: CREATE TABLE IF NOT EXISTS found it there."""
    if not effects.creates and not effects.drops and not effects.renames:
        return situation.born
    born = set(situation.born).difference(dropped.label for dropped in effects.drops)
    for made in effects.creates:
        if isinstance(made, Relation | Index | Type) and made.name not in situation.catalog.relations:
            born.add(made.name)
        elif isinstance(made, Column):
            born.add(f"{made.relation}.{made.name}")
    for rename in effects.renames:
        born = _renamed(born, rename)
    return frozenset(born)


def _renamed(born: set[str], rename: Rename) -> set[str]:
    """A label under its new name, and with a relation the labels of its columns."""
    old, new = rename.old.label, rename.new.label
    return {new + label[len(old) :] if label == old or label.startswith(old + ".") else label for label in born}


def _strength(mode: LockMode) -> int:
    return mode.strength

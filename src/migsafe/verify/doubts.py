"""Statements whose effects are not known, and which may have changed what an earlier one did."""

import re
from typing import NamedTuple

import msgspec

from migsafe.model.plan import Plan
from migsafe.model.statement import Statement
from migsafe.sql.privileges import UNSEEN
from migsafe.verify.net import Outcome
from migsafe.verify.proof import Proof, bare

# Owners and privileges may be others after them, by names that do not stand in the statement.
_OWNING = ("REASSIGN OWNED", "DROP OWNED", "ALTER ROLE")


class Doubt(NamedTuple):
    """A statement whose effects are not known, or (`sql` None) one, or a revision, that may be about anything."""

    position: int
    place: str
    sql: str | None


def doubts_of(plan: Plan) -> tuple[Doubt, ...]:
    """The doubts of a plan, in the order of its statements."""
    doubts, position = [], -1
    for step in plan.steps:
        for statement in step.statements:
            position += 1
            if statement.effects.unknown is not None:
                doubts.append(Doubt(position, spot(statement), statement.sql.lower()))
            if statement.effects.command in _OWNING or reaches_unseen(statement):
                doubts.append(Doubt(position, spot(statement), None))
        if step.read == "unreadable":
            doubts.append(Doubt(position + 1, f"revision {step.revision}, which could not be read", None))
    return tuple(doubts)


def reaches_unseen(statement: Statement) -> bool:
    """Whether it grants or revokes on all that a schema holds, and the catalog does not tell what that is."""
    return any(each.object.kind == UNSEEN for each in statement.effects.defines)


def which(doubts: tuple[Doubt, ...], outcome: Outcome) -> tuple[str, ...]:
    """Doubts that came after the subject was touched last and that may be about it."""
    name = outcome.object.name if outcome.object.of else bare(outcome.object.name)
    return about(doubts, name, outcome.touch.position)


def about(doubts: tuple[Doubt, ...], name: str, position: int) -> tuple[str, ...]:
    """Places after `position` (from 0) that may be about the object of that name."""
    word = re.compile(rf"(?<!\w){re.escape(bare(name).split('(', 1)[0].lower())}(?!\w)")
    return tuple(
        doubt.place for doubt in doubts if doubt.position > position and (doubt.sql is None or word.search(doubt.sql))
    )


def doubted(proof: Proof, doubts: tuple[str, ...]) -> Proof:
    """The proof with further doubts."""
    return msgspec.structs.replace(proof, doubts=(*proof.doubts, *doubts))


def spot(statement: Statement) -> str:
    """Where a statement stands, for a reader."""
    return statement.place if statement.path else f"statement {statement.index + 1}"

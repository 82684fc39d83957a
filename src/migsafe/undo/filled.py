"""Steps of a downgrade that the revisions leave out, filled in with the derived inverse."""

from collections.abc import Iterable, Mapping

import msgspec

from migsafe.model.effects import Effects
from migsafe.model.inverse import WayBack
from migsafe.model.plan import Plan, Step
from migsafe.model.report import Loss
from migsafe.model.statement import Statement

DERIVED = "derived by migsafe"


def filled(
    downgrade: Plan, lacking: Iterable[str], ways: Iterable[WayBack], run: str | None = None
) -> tuple[Plan, tuple[Loss, ...]]:
    """`downgrade` with the derived statements of the revisions `lacking`, where there are any, and what they lose.

    `run` is the one that saves what it destroys, None where nothing is saved.

    A downgrade() that raises stays what it is: its author wants nobody to go back.
    """
    known = {way.revision: way for way in ways}
    usable = {name: known[name] for name in lacking if name in known and _is_usable(known[name])}
    steps = tuple(_step(step, usable) for step in downgrade.steps)
    losses = (_losses(way, run) for way in usable.values())
    return msgspec.structs.replace(downgrade, steps=steps), tuple(loss for listed in losses for loss in listed)


def _is_usable(way: WayBack) -> bool:
    return way.own in ("missing", "empty") and way.derived != "impossible" and bool(way.commands)


def _step(step: Step, usable: Mapping[str, WayBack]) -> Step:
    way = usable.get(step.revision)
    if way is None:
        return step
    statements = tuple(
        Statement(sql=each.sql, effects=Effects(), path=DERIVED, transaction=None if each.apart else 0)
        for each in way.commands
    )
    return msgspec.structs.replace(step, statements=statements, read="offline", unreadable=None)


def _losses(way: WayBack, run: str | None) -> tuple[Loss, ...]:
    has = f"`migsafe restore {run}` brings back what was saved" if run is not None else "only a backup has it"
    because = f"the upgrade destroyed it, and the derived downgrade has no copy: {has}"
    lost = dict.fromkeys(text for undone in way.undone for text in undone.inverse.loses)
    return tuple(Loss(revision=way.revision, what=text, because=because) for text in lost)

"""Triggers, foreign keys among them, that do not fire."""

from collections.abc import Iterator

from migsafe.lint.operations import dotted, execute
from migsafe.lint.rule import Fault, Seen, rule
from migsafe.lint.situation import Situation
from migsafe.model.effects import Object
from migsafe.model.plan import Step
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="warning",
    summary="Triggers of a live table are disabled, or all of them by session_replication_role.",
    effect="Foreign keys are not checked meanwhile, and never afterwards: broken references stay where they are.",
    safe="Leave triggers on; where the load is too much, drop the foreign key and add it NOT VALID and validate it.",
    setup="CREATE TABLE users (id bigint PRIMARY KEY);\nCREATE TABLE orders (id bigint, u bigint REFERENCES users);",
    bad="ALTER TABLE orders DISABLE TRIGGER ALL;",
    good="BEGIN;\nALTER TABLE orders DISABLE TRIGGER USER;\nALTER TABLE orders ENABLE TRIGGER USER;\nCOMMIT;",
)


def check_step(step: Step, seen: Seen) -> Iterator[Fault]:
    for position, (statement, situation) in enumerate(seen):
        for setting in statement.effects.settings:
            if setting.name.lower() == "session_replication_role" and (setting.value or "").lower() == "replica":
                yield _fault("SET session_replication_role = replica disables every trigger of every table", statement)
        for action in statement.effects.actions:
            if action.kind == "disable trigger" and situation.live(action.of or ""):
                on = any(_enables(other, action) for other, _ in seen[position + 1 :])
                if action.name == "all" and _checks(action, situation):
                    end = "until it is enabled again" if on else "and nothing in this revision enables it again"
                    yield _fault(f"DISABLE TRIGGER ALL on {action.of} turns its foreign keys off, {end}", statement)
                elif not on:
                    yield _left_off(statement, action, situation)


def _checks(action: Object, situation: Situation) -> bool:
    """Whether ALL has foreign keys among them, as far as is known."""
    kept = situation.catalog.constraints.get(action.of or "", {}).values()
    return action.of not in situation.catalog.relations or any(key.kind == "foreign key" for key in kept)


def _enables(statement: Statement, action: Object) -> bool:
    return any(
        each.kind == "enable trigger" and each.of == action.of and each.name in (action.name, "all")
        for each in statement.effects.actions
    )


def _fault(what: str, statement: Statement) -> Fault:
    return Fault(
        f"{what}: rows written meanwhile are never checked.",
        "Take it out; or drop the foreign keys, add them again with postgresql_not_valid=True and validate them in the "
        "next revision.",
        at=statement,
    )


def _left_off(statement: Statement, action: Object, situation: Situation) -> Fault:
    which = "every trigger" if action.name in ("all", "user") else f"trigger {action.name}"
    again = f"ALTER TABLE {dotted(situation.catalog, action.of or '')} ENABLE TRIGGER {action.name.upper()}"
    again = again if action.name in ("all", "user") else again.replace(action.name.upper(), action.name)
    return Fault(
        f"DISABLE TRIGGER on {action.of} turns {which} off for everybody, and nothing in this revision turns "
        f"it on again.",
        f"Write `{execute(again)}` at the end of the revision.",
        at=statement,
    )

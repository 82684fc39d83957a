"""LOCK TABLE: a lock without any work that it would be for."""

from collections.abc import Iterator

from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import strongest, taking
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="warning",
    summary="A live table is locked by hand, in a mode that makes others wait.",
    effect="Whoever needs the table waits until the revision commits, whatever the revision does meanwhile.",
    safe="Leave the lock to the statement that needs it, or name a mode that lets others go on.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="BEGIN;\nLOCK TABLE orders;\nCOMMIT;",
    good="BEGIN;\nLOCK TABLE orders IN SHARE UPDATE EXCLUSIVE MODE;\nCOMMIT;",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects = statement.effects
    if effects.command == "LOCK TABLE" and strongest(effects, situation):
        yield Fault(
            taking("LOCK TABLE", effects, situation),
            "Take it out: what follows takes the locks that it needs; or name the weakest mode that does.",
        )

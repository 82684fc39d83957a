"""An advisory lock of the session that nothing gives back."""

from collections.abc import Iterator

from migsafe.lint.rule import Fault, Seen, rule
from migsafe.model.plan import Step

RULE = rule(
    __name__,
    severity="warning",
    summary="A session-level advisory lock is taken and not released in the same revision.",
    effect="It is held until the connection ends, in a pool for ever: whoever waits for it waits that long.",
    safe="Write `SELECT pg_advisory_xact_lock(…)`, which ends with the transaction.",
    bad="SELECT pg_advisory_lock(42);",
    good="BEGIN;\nSELECT pg_advisory_xact_lock(42);\nCOMMIT;",
)


def check_step(step: Step, seen: Seen) -> Iterator[Fault]:
    for position, (statement, _) in enumerate(seen):
        for action in statement.effects.actions:
            if action.kind != "advisory lock":
                continue
            later = [each for other, _ in seen[position:] for each in other.effects.actions]
            if not any(each.kind == "advisory unlock" and each.name in ("", action.name) for each in later):
                yield Fault(
                    f"The advisory lock ({action.name}) is of the session and is not released: it is held as long as "
                    f"the connection lives.",
                    f"Write `SELECT pg_advisory_xact_lock({action.name})`, which ends with the transaction.",
                    at=statement,
                )

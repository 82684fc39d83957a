"""A lock waited for without end, because the plan itself has set lock_timeout to 0."""

import re
from collections.abc import Iterator

from migsafe.lint.rule import Fault, Seen, rule
from migsafe.lint.wording import strongest, waits
from migsafe.model.plan import Step

RULE = rule(
    __name__,
    severity="warning",
    summary="A statement waits for its lock without end: an earlier one has set lock_timeout to 0.",
    effect="While it waits, every later query of the table queues behind it, for as long as the oldest one takes.",
    safe="Leave lock_timeout to migsafe; where CONCURRENTLY needs it to be 0, RESET it right after.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, note text);",
    bad="SET lock_timeout = 0;\nALTER TABLE orders ADD COLUMN price integer;",
    good=(
        "SET lock_timeout = 0;\nCREATE INDEX CONCURRENTLY ix_orders_note ON orders (note);\n"
        "RESET lock_timeout;\nALTER TABLE orders ADD COLUMN price integer;"
    ),
)

_ZERO = re.compile(r"0+\s*(us|ms|s|min|h|d)?")


def check_step(step: Step, seen: Seen) -> Iterator[Fault]:
    for statement, situation in seen:
        value = situation.setting("lock_timeout")
        modes = strongest(statement.effects, situation)
        if value is not None and _ZERO.fullmatch(value.strip()) and modes:
            yield Fault(
                f"{statement.effects.command} waits for its locks without end, because an earlier statement of this "
                f"plan has set lock_timeout to 0: from the moment it queues {waits(modes)}.",
                'Write `op.execute("RESET lock_timeout")` before it, or leave lock_timeout to migsafe.',
                at=statement,
            )
            return

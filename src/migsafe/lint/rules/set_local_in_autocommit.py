"""SET LOCAL where there is no transaction for it to last."""

from collections.abc import Iterator

from migsafe.lint.operations import execute
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import listed
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="warning",
    summary="SET LOCAL stands in an autocommit block.",
    effect="PostgreSQL only warns (SQLSTATE 25P01) and sets nothing: what follows runs without it.",
    safe="Write SET inside the autocommit block, and RESET after the statement that needs it.",
    bad="SET LOCAL lock_timeout = '2s';",
    good="SET lock_timeout = '2s';\nRESET lock_timeout;",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    names = [setting.name for setting in statement.effects.settings if setting.local]
    if names and statement.transaction is None:
        reset = execute(f"RESET {names[0]}")
        yield Fault(
            f"SET LOCAL {listed(names)} in an autocommit block sets nothing: it ends with its own statement.",
            f"Write SET instead, and `{reset}` after the statement that needs it.",
        )

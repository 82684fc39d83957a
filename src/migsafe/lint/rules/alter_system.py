"""A setting of the whole server, made by a migration of one database."""

from collections.abc import Iterator

from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="warning",
    summary="ALTER SYSTEM in a migration.",
    effect="It changes every database of the server, at some later reload, and no ROLLBACK or downgrade undoes it.",
    safe="Leave server settings to whoever runs the server; write ALTER DATABASE … SET or SET LOCAL here.",
    bad="ALTER SYSTEM SET vacuum_cost_limit = 200;",
    good="BEGIN;\nSET LOCAL vacuum_cost_limit = 200;\nCOMMIT;",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    if statement.effects.command == "ALTER SYSTEM":
        yield Fault(
            "ALTER SYSTEM changes every database of the server from its next reload on, and nothing undoes it.",
            RULE.safe,
        )

"""Privileges taken away from code that runs."""

from collections.abc import Iterator

from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="warning",
    summary="Privileges on a live table, sequence or schema are revoked.",
    effect="Code that still needs them fails with SQLSTATE 42501 from the commit on.",
    safe="Release code that does without first; look at who has them with `\\dp`.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="REVOKE SELECT ON orders FROM PUBLIC;",
    good="CREATE TABLE notes (id bigint PRIMARY KEY);\nREVOKE ALL ON notes FROM PUBLIC;",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    for action in statement.effects.actions:
        if action.kind == "revoke" and (action.of is None or situation.live(action.of)):
            where = action.of or "the schema or all that is in it"
            yield Fault(
                f"REVOKE {action.name} on {where}: code that still needs it fails with SQLSTATE 42501 from the commit "
                f"on.",
                "Release code that does without it first.",
            )

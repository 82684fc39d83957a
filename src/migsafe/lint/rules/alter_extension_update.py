"""Another version of an extension."""

from collections.abc import Iterator

from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.catalog import Extension
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="info",
    summary="An extension is updated.",
    effect="Its functions change for everybody at once, its indexes may need a REINDEX, and there is no way back.",
    safe="Read the release notes of the extension; update it in a revision of its own.",
    setup="CREATE EXTENSION vector;",
    bad="ALTER EXTENSION vector UPDATE;",
    good="CREATE EXTENSION IF NOT EXISTS vector;",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    for altered in statement.effects.alters:
        if isinstance(altered.after, Extension) and statement.effects.command == "ALTER EXTENSION":
            yield Fault(
                f"ALTER EXTENSION {altered.after.name} UPDATE changes its functions for everybody at the commit; "
                f"extensions have no way back to an older version.",
                "Read its release notes for indexes that need a REINDEX, and keep it in a revision of its own.",
            )

"""An enum value used before the transaction that adds it has committed."""

from collections.abc import Iterator

from migsafe.lint.operations import AUTOCOMMIT
from migsafe.lint.rewrites.constraints import use_in_next
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="A value is added to an enum and used in the same transaction.",
    effect="The statement that uses it fails with SQLSTATE 55P04, and the revision with it.",
    safe="Add the value in a revision of its own, or inside `with op.get_context().autocommit_block():`.",
    setup=(
        "CREATE TYPE mood AS ENUM ('sad', 'happy');\nCREATE TABLE people (id bigint PRIMARY KEY, mood mood);\n"
        "INSERT INTO people VALUES (1, 'sad');"
    ),
    refused="55P04",
    bad="BEGIN;\nALTER TYPE mood ADD VALUE 'calm';\nUPDATE people SET mood = 'calm' WHERE id = 1;\nCOMMIT;",
    good="ALTER TYPE mood ADD VALUE 'calm';\nUPDATE people SET mood = 'calm' WHERE id = 1;",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    for used in statement.effects.actions:
        fresh = used.kind == "enum label" and (used.of, used.name) in situation.added
        # Since 17 the values of a type that the transaction itself has created are safe (measured).
        safe = situation.catalog.server_version >= 17 and used.of in situation.enums
        if fresh and not safe and statement.transaction is not None:
            yield Fault(
                f"{statement.effects.command} uses the value '{used.name}' of {used.of}, which the same transaction "
                f"has added: it fails with SQLSTATE 55P04 (unsafe use of new value).",
                f"Put ALTER TYPE … ADD VALUE into an earlier revision, or inside {AUTOCOMMIT}.",
                rewrite=use_in_next(statement),
            )

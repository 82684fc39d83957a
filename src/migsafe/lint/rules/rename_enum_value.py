"""An enum value under a new name, while running code still sends the old one."""

from collections.abc import Iterator

from migsafe.lint.operations import AUTOCOMMIT
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import listed
from migsafe.model.catalog import Type
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="A value of an enum is renamed.",
    effect="Code that was released before the migration sends the old value, and fails with SQLSTATE 22P02.",
    safe="Add the new value, let the application accept both, update old rows in batches, and keep the old value.",
    setup="CREATE TYPE mood AS ENUM ('sad', 'happy');",
    bad="ALTER TYPE mood RENAME VALUE 'sad' TO 'blue';",
    good="ALTER TYPE mood ADD VALUE 'blue';",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    for altered in statement.effects.alters:
        new, old = altered.after, altered.before
        if not isinstance(new, Type) or not isinstance(old, Type) or new.kind != "enum" or new.name in situation.born:
            continue
        gone = [label for label in old.labels if label not in new.labels and label not in old.added]
        came = [label for label in new.labels if label not in old.labels]
        if gone:
            yield Fault(
                f"Renaming {listed(map(repr, gone))} of {new.name} to {listed(map(repr, came))} breaks code that still "
                f"sends or compares the old value (SQLSTATE 22P02), until the last old process has gone.",
                f"Add {listed(map(repr, came))} with ALTER TYPE … ADD VALUE inside {AUTOCOMMIT}, let the application "
                f"accept both, and update old rows in batches.",
            )

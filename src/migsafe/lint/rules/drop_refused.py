"""A DROP without CASCADE of something that something else depends on."""

from collections.abc import Iterator

from migsafe.lint.dependents import depending
from migsafe.lint.facts import RELATIONS, dropped
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import everything
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="A type, function, table, view, column or key is dropped although something else depends on it.",
    effect="The statement fails with SQLSTATE 2BP01, and the revision with it.",
    safe="Drop what depends on it before, in the same revision.",
    setup=(
        "CREATE TYPE mood AS ENUM ('sad', 'happy');\nCREATE TYPE unused AS ENUM ('a');\n"
        "CREATE TABLE people (id bigint PRIMARY KEY, mood mood);"
    ),
    refused="2BP01",
    bad="DROP TYPE mood;",
    good="DROP TYPE unused;",
)

_KINDS = ("type", "domain", "function", "extension", *RELATIONS, "column", "constraint")


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects = statement.effects
    for gone in dropped(effects, *_KINDS):
        left = [each for each in depending(gone, situation.catalog) if each not in effects.drops]
        # What depends on a table goes with it when the statement drops that too.
        tables = {each.name for each in effects.drops if each.of is None}
        left = [each for each in left if (each.of or each.name) not in tables]
        if left:
            yield Fault(
                f"DROP {gone.kind.upper()} {gone.label} fails with SQLSTATE 2BP01: {everything(left)} "
                f"{'depends' if len(left) == 1 else 'depend'} on it.",
                f"Drop {everything(left)} before it, in the same revision.",
                unsure=effects.conditions,
            )
            return

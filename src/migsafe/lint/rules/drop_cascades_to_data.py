"""A schema, type or extension whose DROP takes columns or tables with it."""

from collections.abc import Iterator

from migsafe.lint.facts import container
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import everything, listed
from migsafe.model.effects import Effects, Object
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="Dropping a schema, type or extension drops live tables or columns with it.",
    effect="Data that the statement does not name is gone, and code that uses it fails from that moment on.",
    safe="Drop the columns and tables one by one in revisions of their own, then the rest without CASCADE.",
    setup=(
        "CREATE TYPE mood AS ENUM ('sad', 'happy');\n"
        "CREATE TABLE people (id bigint PRIMARY KEY, mood mood);\nCREATE TYPE unused AS ENUM ('a');"
    ),
    bad="DROP TYPE mood CASCADE;",
    good="DROP TYPE unused;",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects = statement.effects
    root = container(effects)
    if root is None:
        return
    if effects.unknown is not None:
        yield Fault(
            f"DROP {root.kind.upper()} {root.label} may delete tables and columns.",
            f"Give --url so that the catalog is read, or drop what is in {root.label} by name first.",
            unsure=(effects.unknown,),
        )
        return
    lost = [gone for gone in effects.destroys if _live(gone.of or gone.name, gone.name, situation)]
    if lost:
        yield Fault(
            f"DROP {root.kind.upper()} {root.label} deletes {everything(lost)}{_along(effects, lost)}; running code "
            f"that uses it fails.",
            f"Drop {listed(gone.label for gone in lost)} in a revision of its own first, then {root.label} without "
            f"CASCADE.",
            unsure=effects.conditions,
            loses=tuple(gone.of or gone.name for gone in lost),
        )


def _along(effects: Effects, lost: list[Object]) -> str:
    """What goes because of the data: views, indexes, triggers, keys of other tables. Not what is part of a table."""
    told = {each.name for each in lost}
    others = [each for each in effects.drops if each.name not in told and each.of not in told]
    others = [
        each for each in others if each.kind not in ("schema", "extension", "type", "domain", "function", "owned")
    ]
    return f", and with it goes {everything(others)}" if others else ""


def _live(relation: str, name: str, situation: Situation) -> bool:
    return situation.live(relation) and situation.live_column(relation, name)

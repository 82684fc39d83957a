"""An enum replaced by a new one: every table that has a column of it is written anew."""

from collections.abc import Iterator

from migsafe.lint.facts import between_enums, retyped
from migsafe.lint.operations import AUTOCOMMIT, bare
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import holding, listed
from migsafe.model.catalog import Type
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="A column of a live table is moved from one enum to another, as when an enum is made anew.",
    effect="Table and indexes are written anew, and nobody reads or writes the table; one old value fails it all.",
    safe="Add values with ALTER TYPE … ADD VALUE; leave obsolete ones in the type and forbid them with a CHECK.",
    setup="CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE TABLE people (id bigint PRIMARY KEY, mood mood);",
    bad=(
        "BEGIN;\nALTER TYPE mood RENAME TO mood_old;\nCREATE TYPE mood AS ENUM ('happy', 'calm');\n"
        "ALTER TABLE people ALTER COLUMN mood TYPE mood USING mood::text::mood;\nDROP TYPE mood_old;\nCOMMIT;"
    ),
    good=(
        "ALTER TYPE mood ADD VALUE 'calm';\n"
        "ALTER TABLE people ADD CONSTRAINT not_sad CHECK (mood <> 'sad') NOT VALID;\n"
        "ALTER TABLE people VALIDATE CONSTRAINT not_sad;"
    ),
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects = statement.effects
    for new, old in retyped(effects):
        types = between_enums(new, old, situation.catalog)
        if types and new.relation in effects.rewrites and situation.live(new.relation):
            what = f"ALTER COLUMN {new.name} to another enum"
            message = holding(what, f"writes {new.relation} anew", effects, situation)
            yield Fault(message + _lost(*types), _fix(*types), unsure=effects.conditions, sized_by=(new.relation,))


def _lost(old: Type, new: Type) -> str:
    gone = [label for label in old.labels if label not in new.labels]
    return f" It fails with SQLSTATE 22P02 if one row still has {listed(map(repr, gone))}." if gone else ""


def _fix(old: Type, new: Type) -> str:
    gone = [label for label in old.labels if label not in new.labels]
    added = [label for label in new.labels if label not in old.labels]
    add = f"Write ALTER TYPE … ADD VALUE for {listed(map(repr, added))} inside {AUTOCOMMIT}" if added else ""
    forbid = (
        f"leave {listed(map(repr, gone))} in {bare(new.name)} and forbid it with a CHECK constraint, NOT VALID first"
        if gone
        else ""
    )
    steps = "; ".join(part for part in (add, forbid) if part) or f"Keep {bare(old.name)} as it is"
    return f"{steps[0].upper()}{steps[1:]}."

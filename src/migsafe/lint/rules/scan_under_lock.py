"""A table read in full while it is locked, by a statement that no other rule speaks of: ATTACH PARTITION, domains."""

from collections.abc import Iterator

from migsafe.lint.facts import created, enforced, kind_of, made_not_null, retyped
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import holding, strongest
from migsafe.model.catalog import Column, Constraint
from migsafe.model.effects import Effects
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="A live table is read in full under a lock, to attach a partition or to check a domain or primary key.",
    effect="Whoever needs the table waits until the last row has been read.",
    safe="Prove it beforehand with a CHECK constraint, added NOT VALID and validated in the next revision.",
    setup=(
        "CREATE TABLE events (id bigint, at date NOT NULL) PARTITION BY RANGE (at);\n"
        "CREATE TABLE events_2026 (id bigint, at date NOT NULL);"
    ),
    bad="ALTER TABLE events ATTACH PARTITION events_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');",
    good=(
        "ALTER TABLE events_2026 ADD CONSTRAINT in_2026 CHECK (at >= '2026-01-01' AND at < '2027-01-01') NOT VALID;\n"
        "ALTER TABLE events_2026 VALIDATE CONSTRAINT in_2026;\n"
        "ALTER TABLE events ATTACH PARTITION events_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');"
    ),
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects = statement.effects
    explained = _explained(effects)
    for relation in strongest(effects, situation):
        if relation in effects.scans and relation not in explained and not _is_view(relation, effects, situation):
            what = effects.command or "The statement"
            yield Fault(
                holding(what, f"reads every row of {relation}", effects, situation),
                _fix(relation, effects),
                unsure=effects.conditions,
                sized_by=(relation,),
            )


def _explained(effects: Effects) -> set[str]:
    """Relations whose scan is the work of a rewrite, a build, a constraint or a column: those have their own rules."""
    explained = {*effects.rewrites, *(build.table for build in effects.builds)}
    explained |= {new.relation for new, _ in retyped(effects)}
    explained |= {column.relation for column in made_not_null(effects)}
    # Before 18 a NOT NULL is no constraint of its own.
    explained |= {column.relation for column in created(effects, Column) if column.not_null}
    for made in (*created(effects, Constraint), *enforced(effects)):
        if made.kind in ("check", "foreign key", "not null"):
            explained |= {made.relation, made.references or made.relation}
    return explained


def _is_view(relation: str, effects: Effects, situation: Situation) -> bool:
    return kind_of(relation, effects, situation) == "materialized view"


def _fix(relation: str, effects: Effects) -> str:
    if effects.command == "ALTER DOMAIN":
        return (
            f"Add the constraint to the domain with NOT VALID, which binds new rows, and give {relation} the same "
            f"CHECK with NOT VALID: validating that one, in the next revision, lets writes go on; validating the "
            f"domain's does not."
        )
    return (
        f"Prove beforehand what it checks: add a CHECK constraint to {relation} with NOT VALID and validate it in the "
        f"next revision, so that this statement need not read the table."
    )
